"""One published list as two files of the same rows: Parquet for programs, CSV for people.

In a CSV, a text that a spreadsheet would take for a formula has one apostrophe put before it: one that begins, after
blanks and quotation marks, with = + - @ or their full-width forms, and one that begins with a tab, a line end or an
apostrophe. Strip one leading apostrophe to have the text back. Numbers stay numbers; null is an empty field, and an
empty text a quoted one. The names of columns are texts too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

FORMULA_START = (
    r"^['\t\r\n\x00\x{FEFF}\x{FF07}]|"
    r"^[\s\p{Z}\p{Cf}\p{Cc}'\x22`\x{2018}-\x{201F}\x{AB}\x{BB}\x{FF02}\x{FF07}]*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}\x{2212}]"
)
CSV_RULE = (
    "A text that begins with a formula sign (= + - @ or full-width, also after blanks and quotation marks), with a "
    "tab, a line end or an apostrophe has one apostrophe before it: strip one to have the text back."
)
PLAIN_START = np.array([chr(code).isalnum() and code < 128 for code in range(256)])
"""Which first bytes no formula begins with, whatever follows."""
ROWS_PER_GROUP = 500_000


Parts = Callable[[bool], Iterator[pa.Table]]
"""Fetches the rows part by part, one part at least; sorted by the key where it is called with True."""


class OutOfOrderError(Exception):
    """Rows that were taken to lie in the order of their key do not."""


@dataclass(frozen=True)
class PublishedList:
    """One list to publish: its rows, the columns that identify and order them, and what each column means."""

    table: pa.Table | Parts
    """The rows whole, or a way to fetch them in parts, so that a long list is never whole in memory."""
    key: tuple[str, ...]
    meanings: Mapping[str, str] = field(default_factory=dict)

    def parts(self, *, is_sorted: bool) -> Iterator[pa.Table]:
        """The rows in settled types and parts of ROWS_PER_GROUP, the last one shorter; sorted by key or as they lie."""
        if isinstance(self.table, pa.Table):
            whole = settled(self.table)
            found = iter([whole.sort_by([(name, "ascending") for name in self.key]) if is_sorted else whole])
        else:
            found = (settled(each) for each in self.table(is_sorted))
        return _of_length(found, ROWS_PER_GROUP)


def settled(table: pa.Table) -> pa.Table:
    """The rows in types that do not depend on where they came from: dates, plain texts, no pandas marks."""
    columns = [_settled(name, table.column(name)) for name in table.column_names]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


def write_list(name: str, published: PublishedList, folder: Path) -> list[Path]:
    """Writes <name>.parquet and <name>.csv into `folder`; the same rows in any order give the same bytes.

    The rows are written as they lie where that is the order of their key, and sorted only where it is not. Nothing is
    forced to disk yet.
    """
    files = [folder / f"{name}.parquet", folder / f"{name}.csv"]
    try:
        _write(_in_order(published.parts(is_sorted=False), published.key), *files)
    except OutOfOrderError:
        _write(published.parts(is_sorted=True), *files)
    return files


def _write(parts: Iterator[pa.Table], parquet: Path, csv: Path) -> None:
    """Both files from one pass over the parts, each by a thread of its own while the next part is fetched."""
    first = next(parts)
    with (
        pyarrow.parquet.ParquetWriter(parquet, first.schema, compression="zstd") as whole,
        pyarrow.csv.CSVWriter(csv, for_spreadsheets(first.slice(0, 0)).schema) as texts,
        ThreadPoolExecutor(2) as threads,
    ):
        writing: list[Future[None]] = []
        for part in chain([first], parts):
            _finish(writing)
            writing = [
                threads.submit(whole.write_table, part, row_group_size=ROWS_PER_GROUP),
                threads.submit(_write_text, texts, part),
            ]
        _finish(writing)


def _write_text(texts: pyarrow.csv.CSVWriter, part: pa.Table) -> None:
    texts.write(for_spreadsheets(part))


def _finish(writing: Iterable["Future[None]"]) -> None:
    for each in writing:
        each.result()


def _of_length(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of equal length; the last one is shorter, and empty only where there are no rows.

    Each table is of one piece: what Parquet's writer makes of a column depends on the pieces that it comes in, and
    those of a result of DuckDB need not be the same twice.
    """
    waiting = next(tables)
    for table in tables:
        waiting = pa.concat_tables([waiting, table])
        while waiting.num_rows > rows:
            yield waiting.slice(0, rows).combine_chunks()
            waiting = waiting.slice(rows)
    for start in range(0, max(waiting.num_rows, 1), rows):
        yield waiting.slice(start, rows).combine_chunks()


def _in_order(parts: Iterator[pa.Table], key: tuple[str, ...]) -> Iterator[pa.Table]:
    """The same parts; raises OutOfOrderError at the first one that is not sorted by key, or begins before the last."""
    last: pa.Table | None = None
    for part in parts:
        keys = part.select(list(key))
        rows = keys if last is None else pa.concat_tables([last, keys])
        if not _is_sorted(rows):
            raise OutOfOrderError
        last = keys.slice(max(keys.num_rows - 1, 0))
        yield part


def _is_sorted(keys: pa.Table) -> bool:
    """Whether no row stands before a smaller one; a key without a value is in no order."""
    if keys.num_rows < 2:
        return True
    undecided = pa.scalar(True)
    for column in keys.columns:
        if column.null_count:
            return False
        before, after = column.slice(0, keys.num_rows - 1).combine_chunks(), column.slice(1).combine_chunks()
        if pc.call_function(
            "any", [pc.call_function("and", [undecided, pc.call_function("greater", [before, after])])]
        ).as_py():
            return False
        undecided = pc.call_function("and", [undecided, pc.call_function("equal", [before, after])])
    return True


def neutralised(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts with one apostrophe before those that a spreadsheet would calculate, or that begin with one."""
    chunks = [_neutralised(chunk) for chunk in texts.chunks]
    return pa.chunked_array(chunks, pa.string())


def _neutralised(texts: pa.StringArray) -> pa.StringArray:
    """What begins with a plain letter or digit is left alone; most do, and need no regular expression."""
    asked = np.flatnonzero(~PLAIN_START[_first_bytes(texts)])
    if not len(asked):
        return texts
    some = texts.take(pa.array(asked))
    risky = pc.call_function("match_substring_regex", [some], pc.MatchSubstringOptions(FORMULA_START))
    places = asked[pc.fill_null(risky, False).to_numpy(zero_copy_only=False)]
    if not len(places):
        return texts
    is_risky = np.zeros(len(texts), dtype=bool)
    is_risky[places] = True
    marked = pc.call_function("binary_join_element_wise", [pa.scalar("'"), texts, pa.scalar("")])
    return pc.call_function("if_else", [pa.array(is_risky), marked, texts])


def _first_bytes(texts: pa.StringArray) -> np.ndarray:
    """The first byte of each text; that of a plain letter where there is none."""
    _, offsets, content = texts.buffers()
    if offsets is None or content is None or not content.size:
        return np.full(len(texts), ord("a"), dtype=np.uint8)
    begins = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    bytes_ = np.frombuffer(content, dtype=np.uint8)
    firsts = bytes_[np.minimum(begins[:-1], len(bytes_) - 1)]
    return np.where(np.diff(begins) > 0, firsts, ord("a")).astype(np.uint8)


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
    pyarrow.csv.write_csv(for_spreadsheets(settled(table)), target)
    return target.getvalue().to_pybytes()


def _settled(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if name == "as_of":
        return column.cast(pa.date32())
    if pa.types.is_large_string(column.type) or pa.types.is_null(column.type) or pa.types.is_dictionary(column.type):
        return column.cast(pa.string())
    return column
