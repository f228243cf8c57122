"""One published list as two files of the same rows: Parquet for programs, CSV for people.

In a CSV, a text that a spreadsheet would take for a formula (first character = + - @, tab or carriage return), or that
begins with an apostrophe, has one apostrophe put before it: strip one leading apostrophe to have the text back.
Numbers stay numbers; null is an empty field, and an empty text a quoted one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from custana_pipeline.stores.durable_files import sync_file

FORMULA_START = r"^['=+\-@\t\r]"
CSV_RULE = "A text that begins with = + - @ ' tab or CR has one apostrophe before it: strip one to have the text back."
ROWS_PER_GROUP = 500_000


@dataclass(frozen=True)
class PublishedList:
    """One list to publish: its rows, the columns that identify and order them, and what each column means."""

    table: pa.Table
    key: tuple[str, ...]
    meanings: Mapping[str, str] = field(default_factory=dict)

    def in_order(self) -> pa.Table:
        """The rows by key, in types that do not depend on where they came from: dates, plain texts, no pandas marks."""
        columns = [_settled(name, self.table.column(name)) for name in self.table.column_names]
        table = pa.table(dict(zip(self.table.column_names, columns, strict=True)))
        return table.sort_by([(name, "ascending") for name in self.key])


def write_list(name: str, published: PublishedList, folder: Path) -> list[Path]:
    """Writes <name>.parquet and <name>.csv into `folder`; the same rows in any order give the same bytes."""
    table = published.in_order()
    parquet, csv = folder / f"{name}.parquet", folder / f"{name}.csv"
    pyarrow.parquet.write_table(table, parquet, row_group_size=ROWS_PER_GROUP, compression="zstd")
    pyarrow.csv.write_csv(_for_spreadsheets(table), csv)
    for path in (parquet, csv):
        sync_file(path)
    return [parquet, csv]


def neutralised(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts with one apostrophe before those that a spreadsheet would calculate, or that begin with one."""
    risky = pc.call_function("match_substring_regex", [texts], pc.MatchSubstringOptions(FORMULA_START))
    marked = pc.call_function("binary_join_element_wise", [pa.scalar("'"), texts, pa.scalar("")])
    return pc.call_function("if_else", [risky, marked, texts])


def restored(text: str) -> str:
    """The text that `neutralised` was given: one leading apostrophe taken away.

    >>> restored("'=1+1"), restored("''tis"), restored("plain")
    ('=1+1', "'tis", 'plain')
    """
    return text.removeprefix("'")


def _for_spreadsheets(table: pa.Table) -> pa.Table:
    for index, column in enumerate(table.schema):
        if pa.types.is_string(column.type):
            table = table.set_column(index, column.name, neutralised(table.column(index)))
    return table


def _settled(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if name == "as_of":
        return column.cast(pa.date32())
    if pa.types.is_large_string(column.type) or pa.types.is_null(column.type) or pa.types.is_dictionary(column.type):
        return column.cast(pa.string())
    return column
