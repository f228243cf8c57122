"""One published list as two files of the same rows: Parquet for programs, CSV for people.

In a CSV, a text that a spreadsheet would take for a formula has one apostrophe put before it: one that begins, after
blanks and quotation marks, with = + - @ or their full-width forms, and one that begins with a tab, a line end or an
apostrophe. Strip one leading apostrophe to have the text back. Numbers stay numbers; null is an empty field, and an
empty text a quoted one. The names of columns are texts too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from custana_pipeline.stores.durable_files import sync_file

FORMULA_START = (
    r"^['\t\r\n\x00\x{FEFF}\x{FF07}]|"
    r"^[\s\p{Z}\p{Cf}\p{Cc}'\x22`\x{2018}-\x{201F}\x{AB}\x{BB}\x{FF02}\x{FF07}]*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}\x{2212}]"
)
CSV_RULE = (
    "A text that begins with a formula sign (= + - @ or full-width, also after blanks and quotation marks), with a "
    "tab, a line end or an apostrophe has one apostrophe before it: strip one to have the text back."
)
ROWS_PER_GROUP = 500_000


@dataclass(frozen=True)
class PublishedList:
    """One list to publish: its rows, the columns that identify and order them, and what each column means."""

    table: pa.Table
    key: tuple[str, ...]
    meanings: Mapping[str, str] = field(default_factory=dict)

    def in_order(self) -> pa.Table:
        """The rows by key, in settled types."""
        return self.settled().sort_by([(name, "ascending") for name in self.key])

    def settled(self) -> pa.Table:
        """The rows in types that do not depend on where they came from: dates, plain texts, no pandas marks."""
        columns = [_settled(name, self.table.column(name)) for name in self.table.column_names]
        return pa.table(dict(zip(self.table.column_names, columns, strict=True)))


def write_list(name: str, published: PublishedList, folder: Path) -> list[Path]:
    """Writes <name>.parquet and <name>.csv into `folder`; the same rows in any order give the same bytes."""
    table = published.in_order()
    parquet, csv = folder / f"{name}.parquet", folder / f"{name}.csv"
    pyarrow.parquet.write_table(table, parquet, row_group_size=ROWS_PER_GROUP, compression="zstd")
    with pyarrow.csv.CSVWriter(csv, for_spreadsheets(table.slice(0, 0)).schema) as writer:
        for start in range(0, table.num_rows, ROWS_PER_GROUP):
            writer.write(for_spreadsheets(table.slice(start, ROWS_PER_GROUP)))
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


def for_spreadsheets(table: pa.Table) -> pa.Table:
    """The table with every text, and every name of a column, such that no spreadsheet calculates it."""
    names = neutralised(pa.chunked_array([table.column_names], pa.string())).to_pylist()
    columns = [neutralised(each) if pa.types.is_string(each.type) else each for each in table.columns]
    return pa.table(columns, names=names)


def csv_bytes(table: pa.Table) -> bytes:
    """The table as a CSV for spreadsheets."""
    target = pa.BufferOutputStream()
    settled = [_settled(name, table.column(name)) for name in table.column_names]
    pyarrow.csv.write_csv(for_spreadsheets(pa.table(settled, names=table.column_names)), target)
    return target.getvalue().to_pybytes()


def _settled(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if name == "as_of":
        return column.cast(pa.date32())
    if pa.types.is_large_string(column.type) or pa.types.is_null(column.type) or pa.types.is_dictionary(column.type):
        return column.cast(pa.string())
    return column
