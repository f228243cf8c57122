"""The dirt that the simulator plants: what is spoiled, how, and what cleaning must make of it.

A line carries one kind of dirt at most. Spoiled rows are purchases or views that really took place; extra rows and
extra lines (repeats, outdated records, ragged lines) are added beside the true ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa

Spoil = Callable[[str, int], str]
NO_KIND = -1


@dataclass(frozen=True)
class Kind:
    """One kind of dirt: `spoil` turns the value of `column` and a random number into the dirty text."""

    name: str
    status: str  # kept | set_aside | rejected | malformed | blank
    share: float  # of the rows, as a multiple of the plan's dirt
    column: str = ""
    spoil: Spoil = lambda _value, _pick: ""


def one_of(*texts: str) -> Spoil:
    """One of these texts instead of the value."""
    return lambda _value, pick: texts[pick % len(texts)]


def _with_blanks(value: str, pick: int) -> str:
    return (f" {value}", f"{value} ", f"  {value}  ")[pick % 3]


def _on_day(*days: str) -> Spoil:
    # the time of day stays, so that two spoiled lines do not become equal by accident
    return lambda value, pick: f"{days[pick % len(days)]}{value[10:]}"


def _gender(value: str, pick: int) -> str:
    spellings = {
        "female": ("F", "f", "Female", "FEMALE", "woman", " w"),
        "male": ("M", "m", "Male", "MALE", "man", "male "),
        "other": ("Other", "OTHER", " other"),
    }[value]
    return spellings[pick % len(spellings)]


def _location(value: str, pick: int) -> str:
    return (value.upper(), value.lower(), f" {value}", f"{value}  ", value.replace(" ", "  ").swapcase())[pick % 5]


NO_CUSTOMER = one_of("", "null", "", "NULL", "nan", "n/a", "Unknown", "None", " ")
UNPARSABLE_DAY = _on_day("31/31/2024", "yesterday", "2024-02-30", "12.05.24")
IMPOSSIBLE_DAY = _on_day("1900-01-01", "2999-12-31", "1970-01-01")

TRANSACTION_KINDS = (
    Kind("no_customer", "set_aside", 0.15, "customer_id", NO_CUSTOMER),
    Kind("unparsable_date", "rejected", 0.06, "ordered_at", UNPARSABLE_DAY),
    Kind("date_out_of_range", "rejected", 0.03, "ordered_at", IMPOSSIBLE_DAY),
    Kind("unparsable_quantity", "rejected", 0.05, "quantity", one_of("two", "1x", "a dozen", "--1")),
    Kind("missing_quantity", "rejected", 0.03, "quantity", one_of("", " ")),
    Kind("zero_quantity", "rejected", 0.05, "quantity", one_of("0", "0.0", "-0")),
    Kind("unparsable_price", "rejected", 0.07, "unit_price", one_of("1,234.56", "abc", "NaN", "inf", "1e309", "£5.00")),
    Kind("missing_amount", "rejected", 0.03, "unit_price", one_of("", " ")),
    Kind("negative_price", "rejected", 0.04, "unit_price", lambda value, _pick: f"-{value}"),
    Kind("missing_product", "kept", 0.08, "product_id"),
    Kind("missing_order_id", "kept", 0.07, "order_id"),
    Kind("stray_blanks_customer_id", "kept", 0.04, "customer_id", _with_blanks),
    Kind("stray_blanks_product_id", "kept", 0.04, "product_id", _with_blanks),
)
TRANSACTION_REPEATS = Kind("exact_duplicate", "set_aside", 0.20)

EVENT_KINDS = (
    Kind("no_customer", "set_aside", 0.20, "customer_id", NO_CUSTOMER),
    Kind("unknown_customer", "set_aside", 0.15, "customer_id", lambda _value, pick: f"X{pick % 100_000:05d}"),
    Kind("unparsable_date", "rejected", 0.10, "happened_at", UNPARSABLE_DAY),
    Kind("date_out_of_range", "rejected", 0.05, "happened_at", IMPOSSIBLE_DAY),
    Kind("missing_event_type", "rejected", 0.10, "event_type", one_of("", " ")),
    Kind("missing_product", "kept", 0.05, "product_id"),
    Kind("event_type_spelling", "kept", 0.10, "event_type", lambda value, pick: (value.upper(), f" {value}")[pick % 2]),
    Kind("stray_blanks_customer_id", "kept", 0.05, "customer_id", _with_blanks),
)
EVENT_REPEATS = Kind("exact_duplicate", "set_aside", 0.20)

CUSTOMER_KINDS = (
    Kind("missing_birth_year", "kept", 2.0, "birth_year"),
    Kind("impossible_birth_year", "kept", 0.5, "birth_year", one_of("1850", "2035", "0", "19", "unknown")),
    Kind("gender_spelling", "kept", 6.0, "gender", _gender),
    Kind("missing_gender", "kept", 1.0, "gender", one_of("", " ")),
    Kind("location_spelling", "kept", 4.0, "location", _location),
    Kind("missing_location", "kept", 0.5, "location"),
    Kind("missing_sign_up", "kept", 0.25, "signed_up_at"),
)
CUSTOMER_REPEATS = Kind("exact_duplicate", "set_aside", 0.4)
CUSTOMER_OUTDATED = Kind("superseded", "set_aside", 0.5)
CUSTOMER_NAMELESS = Kind("missing_id", "rejected", 0.15, "customer_id")

PRODUCT_KINDS = (
    Kind("missing_category", "kept", 1.0, "category"),
    Kind("missing_name", "kept", 0.25, "name"),
)
PRODUCT_REPEATS = Kind("exact_duplicate", "set_aside", 0.75)
PRODUCT_OUTDATED = Kind("superseded", "set_aside", 0.5)
PRODUCT_NAMELESS = Kind("missing_id", "rejected", 0.25, "product_id")

RAGGED_KINDS = (
    Kind("too_few_fields", "malformed", 0.03),
    Kind("too_many_fields", "malformed", 0.03),
    Kind("blank_line", "blank", 0.03),
)


def planted_count(kind: Kind, rows: int, dirt: float) -> int:
    """How many of `rows` lines get this kind: its share, and at least one where there is dirt at all."""
    return max(1, round(kind.share * dirt * rows)) if dirt > 0 and rows > 0 else 0


@dataclass(frozen=True)
class Spoiled:
    """A table of text and, for each row, the position in `kinds` of its dirt, or NO_KIND."""

    table: pa.Table
    kinds: tuple[Kind, ...]
    kind_of_row: np.ndarray

    def counts(self) -> dict[str, int]:
        """Rows per kind, by its name."""
        return {kind.name: int((self.kind_of_row == position).sum()) for position, kind in enumerate(self.kinds)}

    def rows_with(self, *statuses: str) -> np.ndarray:
        """A mask of the rows that end in one of these statuses; clean rows are kept."""
        matching = [position for position, kind in enumerate(self.kinds) if kind.status in statuses]
        is_matching = np.isin(self.kind_of_row, matching)
        return is_matching | (self.kind_of_row == NO_KIND) if "kept" in statuses else is_matching


def spoil(
    table: pa.Table, kinds: tuple[Kind, ...], dirt: float, rng: np.random.Generator, *, may: np.ndarray
) -> Spoiled:
    """Spoil a share of the rows where `may` is true, at most half of them, each with one kind."""
    kind_of_row = np.full(table.num_rows, NO_KIND)
    candidates = np.flatnonzero(may)
    queue = iter(candidates[np.argsort(rng.random(len(candidates)), kind="stable")][: len(candidates) // 2])
    for position, kind in enumerate(kinds):
        wanted = planted_count(kind, table.num_rows, dirt)
        rows = np.sort(np.fromiter(islice(queue, wanted), np.int64))
        kind_of_row[rows] = position
        table = _replaced(table, kind, rows, picks=rng.random(len(rows)))
    return Spoiled(table, kinds, kind_of_row)


def _replaced(table: pa.Table, kind: Kind, rows: np.ndarray, *, picks: np.ndarray) -> pa.Table:
    column = table.column(kind.column).combine_chunks()
    values: Sequence[str] = column.take(pa.array(rows)).to_pylist()
    texts = [kind.spoil(value, int(pick * 1_000_000)) for value, pick in zip(values, picks, strict=True)]
    source = np.arange(len(column))
    source[rows] = len(column) + np.arange(len(rows))
    column = pa.concat_arrays([column, pa.array(texts, pa.string())]).take(pa.array(source))
    return table.set_column(table.column_names.index(kind.column), kind.column, column)
