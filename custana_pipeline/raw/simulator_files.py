"""The simulated tables as text, and as CSV or Parquet files on disk."""

# pyarrow makes most of its compute functions when it is imported: pyright cannot see them
# pyright: reportAttributeAccessIssue=false

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from custana_pipeline.raw.simulator_browsing import Events
from custana_pipeline.raw.simulator_people import GENDERS, TOWNS, People
from custana_pipeline.raw.simulator_shopping import DAY, Lines
from custana_pipeline.raw.simulator_world import (
    CATEGORIES,
    PRODUCT_CATEGORY,
    PRODUCT_COUNT,
    Calendar,
    product_names,
)

EVENT_TYPES = ("view", "cart")


def transactions_table(lines: Lines, people: People, calendar: Calendar, first_orders: tuple[int, int]) -> pa.Table:
    """The order lines as text; `first_orders` are the numbers of the block's first order and first return."""
    first = np.where(lines.is_return, first_orders[1], first_orders[0])
    letters = pc.if_else(pa.array(lines.is_return), "R", "O")
    return pa.table(
        {
            "order_id": _numbered(letters, lines.order + first, 7),
            "customer_id": customer_ids(people.number[lines.person]),
            "product_id": product_ids(lines.product),
            "ordered_at": _timestamps(lines.moment, calendar),
            "quantity": _text(lines.quantity),
            "unit_price": _money(lines.cents),
        }
    )


def customers_table(people: People, calendar: Calendar) -> pa.Table:
    """The customers as text."""
    signed_up = people.signup_day + calendar.epoch_seconds // DAY
    return pa.table(
        {
            "customer_id": customer_ids(people.number),
            "birth_year": _text(people.birth_year),
            "gender": pa.array(GENDERS).take(pa.array(people.gender)),
            "location": pa.array(TOWNS).take(pa.array(people.town)),
            "signed_up_at": _text(pa.array(signed_up.astype(np.int32), pa.date32())),
        }
    )


def products_table() -> pa.Table:
    """The catalogue as text, the same for every seed."""
    categories = [CATEGORIES[category].name for category in PRODUCT_CATEGORY]
    ids = product_ids(np.arange(PRODUCT_COUNT))
    return pa.table({"product_id": ids, "name": pa.array(product_names()), "category": pa.array(categories)})


def events_table(events: Events, people: People, calendar: Calendar) -> pa.Table:
    """The views and carts as text."""
    return pa.table(
        {
            "customer_id": customer_ids(people.number[events.person]),
            "product_id": product_ids(events.product),
            "event_type": pa.array(EVENT_TYPES).take(pa.array(events.kind)),
            "happened_at": _timestamps(events.moment, calendar),
        }
    )


def customer_ids(numbers: np.ndarray) -> pa.Array:
    """Ids such as C00001; beyond 99,999 they grow longer."""
    return _numbered("C", numbers, 5)


def product_ids(products: np.ndarray) -> pa.Array:
    """Ids such as P0001 of products counted from 0."""
    return _numbered("P", products + 1, 4)


def _numbered(letter: str | pa.Array, numbers: np.ndarray, width: int) -> pa.Array:
    return pc.binary_join_element_wise(letter, pc.utf8_lpad(_text(numbers), width, "0"), "")


def _text(values: np.ndarray | pa.Array) -> pa.Array:
    return pc.cast(pa.array(values), pa.string())


def _timestamps(moments: np.ndarray, calendar: Calendar) -> pa.Array:
    return _text(pa.array(moments + calendar.epoch_seconds, pa.timestamp("s")))


def _money(cents: np.ndarray) -> pa.Array:
    whole, part = np.divmod(cents, 100)
    return pc.binary_join_element_wise(_text(whole), pc.utf8_lpad(_text(part), 2, "0"), ".")


def csv_lines(table: pa.Table) -> pa.Array:
    """One CSV line per row, line end included; a field with a comma, quote or line end is quoted (RFC 4180)."""
    *fields, last = (_quoted(table.column(name).combine_chunks()) for name in table.column_names)
    return pc.binary_join_element_wise(*fields, pc.binary_join_element_wise(last, "\n", ""), ",")


def _quoted(field: pa.Array) -> pa.Array:
    is_special = pc.match_substring_regex(field, '[",\n\r]')
    if not pc.any(is_special).as_py():
        return field
    escaped = pc.replace_substring(field, '"', '""')
    return pc.if_else(is_special, pc.binary_join_element_wise('"', escaped, '"', ""), field)


def write_csv(path: Path, header: Sequence[str], lines: pa.Array) -> None:
    """UTF-8 with a header line and \\n line ends; the file appears whole or not at all."""
    with _aside(path).open("wb") as file:
        file.write((",".join(header) + "\n").encode())
        if len(lines):
            offsets = np.frombuffer(lines.buffers()[1], np.int32)[lines.offset : lines.offset + len(lines) + 1]
            file.write(memoryview(lines.buffers()[2])[offsets[0] : offsets[-1]])
    _aside(path).replace(path)


def write_parquet(path: Path, table: pa.Table) -> None:
    """All columns as strings, so that dirt can be carried; the file appears whole or not at all."""
    pq.write_table(table, _aside(path), compression="zstd")
    _aside(path).replace(path)


def write_text(path: Path, text: str) -> None:
    """UTF-8; the file appears whole or not at all."""
    _aside(path).write_bytes(text.encode())
    _aside(path).replace(path)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
