"""Plants the dirt in one block of each simulated table, and counts what cleaning must find there."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from custana_pipeline.raw import simulator_dirt as dirt
from custana_pipeline.raw.simulator_dirt import Kind, Spoiled
from custana_pipeline.raw.simulator_people import TOWNS
from custana_pipeline.raw.simulator_shopping import Lines

OUTDATED_DAYS = 30
_LAST_FIELD = re.compile(r',("[^"]*"|[^,"]*)\n$')


@dataclass
class Tally:
    """Running counts of one table: lines per kind of dirt, totals, and kept rows per value of a column."""

    kinds: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, str] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, kind: Kind, lines: int) -> None:
        """Count lines of a kind, and the total of its status."""
        self.kinds[kind.name] += lines
        self.statuses[kind.name] = kind.status
        self.totals[f"{kind.status}_lines"] += lines

    def add_rows(self, spoiled: Spoiled) -> None:
        """Count the rows of a spoiled table, the clean ones as kept."""
        for kind, lines in zip(spoiled.kinds, spoiled.counts().values(), strict=True):
            self.add(kind, lines)
        self.totals["kept_lines"] += int((spoiled.kind_of_row == dirt.NO_KIND).sum())

    def add_values(self, column: str, values: pa.ChunkedArray) -> None:
        """Count kept rows per true value of a column."""
        counts = {entry["values"]: entry["counts"] for entry in values.value_counts().to_pylist()}
        self.values.setdefault(column, Counter()).update(counts)


@dataclass(frozen=True)
class Planter:
    """How dirty the tables get, and the draws that decide where."""

    dirt: float
    rng: np.random.Generator

    def transactions(self, table: pa.Table, lines: Lines, tally: Tally) -> pa.Table:
        """Purchases spoiled, any lines repeated; the money and the buyers of the kept lines are counted."""
        spoiled = dirt.spoil(table, dirt.TRANSACTION_KINDS, self.dirt, self.rng, may=~lines.is_return)
        tally.add_rows(spoiled)
        is_kept = spoiled.rows_with("kept")
        is_sale = is_kept & ~lines.is_return
        cents = lines.cents * lines.quantity
        tally.totals["kept_sale_lines"] += int(is_sale.sum())
        tally.totals["kept_return_lines"] += int((is_kept & lines.is_return).sum())
        tally.totals["customers_with_a_purchase"] += len(np.unique(lines.person[is_sale]))
        tally.totals["gross_cents"] += int(cents[is_sale].sum())
        tally.totals["return_cents"] -= int(cents[is_kept & lines.is_return].sum())
        return self._repeated(spoiled, dirt.TRANSACTION_REPEATS, tally)

    def events(self, table: pa.Table, tally: Tally) -> pa.Table:
        """Events spoiled and repeated."""
        spoiled = dirt.spoil(table, dirt.EVENT_KINDS, self.dirt, self.rng, may=np.ones(table.num_rows, bool))
        tally.add_rows(spoiled)
        tally.add_values("event_type", table.column("event_type").filter(pa.array(spoiled.rows_with("kept"))))
        return self._repeated(spoiled, dirt.EVENT_REPEATS, tally)

    def customers(self, table: pa.Table, tally: Tally) -> pa.Table:
        """Customers spoiled and repeated, some with an outdated record or with one that lost its id."""
        spoiled = dirt.spoil(table, dirt.CUSTOMER_KINDS, self.dirt, self.rng, may=np.ones(table.num_rows, bool))
        tally.add_rows(spoiled)
        for column in ("gender", "location"):
            has_value = spoiled.kind_of_row != _position(dirt.CUSTOMER_KINDS, f"missing_{column}")
            tally.add_values(column, table.column(column).filter(pa.array(has_value)))
        table = self._repeated(spoiled, dirt.CUSTOMER_REPEATS, tally)
        outdated, places = self._extra(spoiled, dirt.CUSTOMER_OUTDATED, tally)
        later = places + np.where(self.rng.random(len(places)) < 0.5, 0, table.num_rows)
        nameless, ends = self._extra(spoiled, dirt.CUSTOMER_NAMELESS, tally)
        table = interleave(table, _outdated_customers(outdated), later)
        return interleave(table, _nameless_customers(nameless), ends)

    def products(self, table: pa.Table, tally: Tally) -> pa.Table:
        """Products spoiled and repeated, some under an outdated name or without an id."""
        spoiled = dirt.spoil(table, dirt.PRODUCT_KINDS, self.dirt, self.rng, may=np.ones(table.num_rows, bool))
        tally.add_rows(spoiled)
        has_category = spoiled.kind_of_row != _position(dirt.PRODUCT_KINDS, "missing_category")
        tally.add_values("category", table.column("category").filter(pa.array(has_category)))
        table = self._repeated(spoiled, dirt.PRODUCT_REPEATS, tally)
        outdated, _ = self._extra(spoiled, dirt.PRODUCT_OUTDATED, tally)
        nameless, places = self._extra(spoiled, dirt.PRODUCT_NAMELESS, tally)
        # the last record of a product wins, so the outdated one comes first
        table = interleave(table, _outdated_products(outdated), np.full(outdated.num_rows, -0.5))
        return interleave(table, _without_id(nameless), places)

    def ragged(self, lines: pa.Array, tally: Tally) -> pa.Array:
        """CSV lines with broken copies of some of them, and blank lines, in between."""
        for kind in dirt.RAGGED_KINDS:
            count = dirt.planted_count(kind, len(lines), self.dirt)
            rows = np.sort((self.rng.random(count) * len(lines)).astype(np.int64))
            broken = [_broken(kind, line) for line in lines.take(pa.array(rows)).to_pylist()]
            extra = pa.table({"line": pa.array(broken, pa.string())})
            lines = interleave(pa.table({"line": lines}), extra, rows + 0.5).column("line").combine_chunks()
            tally.add(kind, count)
        return lines

    def _repeated(self, spoiled: Spoiled, kind: Kind, tally: Tally) -> pa.Table:
        """Clean rows repeated whole: half of them at once, half anywhere later."""
        extra, places = self._extra(spoiled, kind, tally)
        left = spoiled.table.num_rows - places
        delay = np.floor(self.rng.random(len(places)) * left) * (self.rng.random(len(places)) < 0.5)
        return interleave(spoiled.table, extra, places + delay)

    def _extra(self, spoiled: Spoiled, kind: Kind, tally: Tally) -> tuple[pa.Table, np.ndarray]:
        """Copies of clean rows, and their places just after the originals."""
        clean = np.flatnonzero(spoiled.kind_of_row == dirt.NO_KIND)
        count = min(dirt.planted_count(kind, spoiled.table.num_rows, self.dirt), len(clean))
        rows = np.sort(clean[np.argsort(self.rng.random(len(clean)), kind="stable")[:count]])
        tally.add(kind, count)
        return spoiled.table.take(pa.array(rows)), rows + 0.5


def interleave(table: pa.Table, extra: pa.Table, places: np.ndarray) -> pa.Table:
    """The rows of both: an extra row with place 4.5 comes between the rows 4 and 5 of `table`."""
    if not extra.num_rows:
        return table
    keys = np.concatenate([np.arange(table.num_rows), places])
    return pa.concat_tables([table, extra]).take(pa.array(np.argsort(keys, kind="stable")))


def _position(kinds: tuple[Kind, ...], name: str) -> int:
    return [kind.name for kind in kinds].index(name)


def _broken(kind: Kind, line: str) -> str:
    if kind.status == "blank":
        return "\n"
    return _LAST_FIELD.sub("\n", line) if kind.name == "too_few_fields" else line.rstrip("\n") + ",1\n"


def _with_column(table: pa.Table, name: str, texts: list[str]) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(texts, pa.string()))


def _without_id(table: pa.Table) -> pa.Table:
    return _with_column(table, table.column_names[0], [""] * table.num_rows)


def _nameless_customers(table: pa.Table) -> pa.Table:
    """Records without an id; the odd town keeps two of them from being equal by accident."""
    towns, ids = table.column("location").to_pylist(), table.column("customer_id").to_pylist()
    return _without_id(
        _with_column(table, "location", [f"{town} {name[1:]}" for town, name in zip(towns, ids, strict=True)])
    )


def _outdated_customers(table: pa.Table) -> pa.Table:
    """The same customers as they were registered earlier, in another town."""
    moved = [TOWNS[(TOWNS.index(town) + 1) % len(TOWNS)] for town in table.column("location").to_pylist()]
    days = [date.fromisoformat(day) - timedelta(OUTDATED_DAYS) for day in table.column("signed_up_at").to_pylist()]
    return _with_column(_with_column(table, "location", moved), "signed_up_at", [day.isoformat() for day in days])


def _outdated_products(table: pa.Table) -> pa.Table:
    return _with_column(table, "name", [f"{name} (old)" for name in table.column("name").to_pylist()])
