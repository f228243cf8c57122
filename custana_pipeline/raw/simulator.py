"""The seeded simulator of a shop: files like those a company has, with dirt planted and truly counted.

Customers come in blocks, each with draws of its own, so that memory stays bounded at any size and the first block of
a large simulation equals a small one. The same plan always gives the same bytes.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from custana_pipeline.errors import WrongUse
from custana_pipeline.raw import simulator_files as files
from custana_pipeline.raw.simulator_browsing import draw_events
from custana_pipeline.raw.simulator_people import People, draw_people
from custana_pipeline.raw.simulator_planting import Planter, Tally
from custana_pipeline.raw.simulator_shopping import Lines, draw_lines
from custana_pipeline.raw.simulator_world import Calendar, Shop, World

TABLES = ("transactions", "customers", "products", "events")
FORMATS = ("csv", "parquet")
MOST_DIRT = 0.2
PLANTED = "planted.json"


@dataclass(frozen=True)
class SimulationPlan:
    """What to simulate; `dirt` is about the share of transaction lines that are not as they should be."""

    customers: int = 2_000
    days: int = 730
    seed: int = 7
    first_day: date = date(2024, 1, 1)
    format: str = "csv"
    dirt: float = 0.02
    block_customers: int = 20_000

    def __post_init__(self) -> None:
        wrong = {
            "customers must be at least 1": self.customers < 1,
            "days must be between 1 and 20000": not 1 <= self.days <= 20_000,
            "seed must not be negative": self.seed < 0,
            f"format must be one of {', '.join(FORMATS)}": self.format not in FORMATS,
            f"dirt must be between 0 and {MOST_DIRT}": not 0 <= self.dirt <= MOST_DIRT,
            "block_customers must be between 1 and 200000": not 1 <= self.block_customers <= 200_000,
            "the first day must be in 1995 to 2040": not 1995 <= self.first_day.year <= 2040,
        }
        for message, is_wrong in wrong.items():
            if is_wrong:
                raise WrongUse(f"The simulation cannot be planned: {message}.")

    @property
    def block_count(self) -> int:
        """Into how many blocks, and so part files per table, the customers fall."""
        return -(-self.customers // self.block_customers)


@dataclass(frozen=True)
class PlantedTable:
    """What cleaning must find in one table: its files, total lines, lines per kind of dirt, kept rows per value."""

    files: tuple[str, ...]
    totals: dict[str, int | str]
    kinds: dict[str, dict[str, int | str]]
    values: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Planted:
    """The truth about a simulation, as written to planted.json."""

    plan: SimulationPlan
    tables: dict[str, PlantedTable]

    def as_json(self) -> str:
        """The text of planted.json: `plan` and one entry per table."""
        plan = {**asdict(self.plan), "first_day": self.plan.first_day.isoformat()}
        tables = {name: asdict(table) for name, table in self.tables.items()}
        return json.dumps({"plan": plan, **tables}, indent=2) + "\n"


def simulate(plan: SimulationPlan, out: Path, on_progress: Callable[[int, int], None] | None = None) -> Planted:
    """Write the plan's files and planted.json to the folder `out`, and return what was planted.

    An earlier simulation in the folder is replaced; `on_progress` hears of customers done and customers in all.
    Raises WrongUse where the folder holds tables that no simulation wrote.
    """
    _clear(out)
    simulation = _Simulation(plan, out)
    for block in range(plan.block_count):
        simulation.write_block(block)
        if on_progress is not None:
            on_progress(min((block + 1) * plan.block_customers, plan.customers), plan.customers)
    planted = simulation.planted()
    files.write_text(out / PLANTED, planted.as_json())
    return planted


def _clear(out: Path) -> None:
    """Remove the files that the folder's planted.json names, so that old parts never mix with new ones."""
    if out.exists() and not out.is_dir():
        raise WrongUse(f"{out} is a file: name a folder for the simulation.")
    out.mkdir(parents=True, exist_ok=True)
    for name in _earlier_files(out / PLANTED):
        (out / name).unlink(missing_ok=True)
    strangers = [path.name for table in TABLES for end in FORMATS for path in sorted(out.glob(f"{table}*.{end}"))]
    if strangers:
        raise WrongUse(
            f"{out} already holds {strangers[0]}, which is from no finished simulation: choose an empty folder."
        )
    (out / PLANTED).unlink(missing_ok=True)


def _earlier_files(planted: Path) -> list[str]:
    """The file names of an earlier simulation, always within the folder itself."""
    if not planted.exists():
        return []
    try:
        tables = json.loads(planted.read_text(encoding="utf-8"))
        return [Path(name).name for table in TABLES for name in tables[table]["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise WrongUse(f"{planted} was not written by the simulator: choose an empty folder.") from error


class _Simulation:
    """The running numbers of one simulation: orders given so far, files written, dirt counted."""

    def __init__(self, plan: SimulationPlan, out: Path) -> None:
        self._plan, self._out = plan, out
        self._world = World(Shop.opened(plan.seed), Calendar(plan.first_day, plan.days))
        self._tallies = {table: Tally() for table in TABLES}
        self._names: dict[str, list[str]] = {table: [] for table in TABLES}
        self._next_orders = (1, 1)

    def write_block(self, block: int) -> None:
        """Draw, spoil and write the customers of one block."""
        plan, calendar = self._plan, self._world.calendar
        first = block * plan.block_customers
        life, planter = self._draws(block, 0), Planter(plan.dirt, self._draws(block, 1))
        breaker = Planter(plan.dirt, self._draws(block, 2))
        people = draw_people(first + 1, min(plan.block_customers, plan.customers - first), self._world, life)
        lines = draw_lines(people, self._world, life)
        events = draw_events(people, lines, self._world, life)
        if block == 0:
            self._write("products", planter.products(files.products_table(), self._tallies["products"]), breaker)
        customers = files.customers_table(people, calendar)
        self._write("customers", planter.customers(customers, self._tallies["customers"]), breaker, block)
        self._write("transactions", self._transactions(lines, people, planter), breaker, block)
        views = files.events_table(events, people, calendar)
        self._write("events", planter.events(views, self._tallies["events"]), breaker, block)

    def _draws(self, block: int, purpose: int) -> np.random.Generator:
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(self._plan.seed, spawn_key=(1, block, purpose)))
        )

    def _transactions(self, lines: Lines, people: People, planter: Planter) -> pa.Table:
        table = files.transactions_table(lines, people, self._world.calendar, self._next_orders)
        sold, returned = self._next_orders
        is_return = lines.is_return
        self._next_orders = (
            sold + int(lines.order[~is_return].max(initial=-1)) + 1,
            returned + int(lines.order[is_return].max(initial=-1)) + 1,
        )
        return planter.transactions(table, lines, self._tallies["transactions"])

    def _write(self, table: str, rows: pa.Table, breaker: Planter, block: int | None = None) -> None:
        tally = self._tallies[table]
        part = "" if block is None or self._plan.block_count == 1 else f"-{block + 1:04d}"
        name = f"{table}{part}.{self._plan.format}"
        tally.totals["records"] += rows.num_rows
        if self._plan.format == "parquet":
            files.write_parquet(self._out / name, rows)
        else:
            lines = breaker.ragged(files.csv_lines(rows), tally)
            files.write_csv(self._out / name, rows.column_names, lines)
            tally.totals["header_lines"] += 1
        self._names[table].append(name)

    def planted(self) -> Planted:
        """What all blocks together hold."""
        tables = {table: _planted_table(self._tallies[table], tuple(self._names[table])) for table in TABLES}
        return Planted(self._plan, tables)


def _planted_table(tally: Tally, names: tuple[str, ...]) -> PlantedTable:
    counts = dict(sorted(tally.totals.items()))
    money = {name: counts.pop(name) for name in ("gross_cents", "return_cents") if name in counts}
    lines = {name: counts.get(f"{name}_lines", 0) for name in ("header", "blank", "malformed")}
    totals = {**counts, "line_count": counts["records"] + sum(lines.values())}
    amounts = {name.replace("_cents", "_amount"): f"{cents // 100}.{cents % 100:02d}" for name, cents in money.items()}
    return PlantedTable(
        files=names,
        totals={**totals, **amounts},
        kinds={
            name: {"status": tally.statuses[name], "line_count": count} for name, count in sorted(tally.kinds.items())
        },
        values={column: dict(sorted(values.items())) for column, values in tally.values.items()},
    )
