"""The loading of csv files as streams: records go from DuckDB's reader into raw.<set> as they are read, unstaged."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from custana_pipeline.raw.contracts import InspectedFile
from custana_pipeline.stores.landing_statements import csv_records, insert_into_raw, insert_of_many

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_PART = 122_880
PARTS_AHEAD = 8
"""Parts that are read while earlier ones are written, some 80 MB: with fewer both cores are less busy."""


@dataclass
class LoadedStream:
    """How many records went by, and whether one of them may say what the header says."""

    record_count: int = 0
    may_repeat_header: bool = False


def load_stream(connection: duckdb.DuckDBPyConnection, files: Sequence[InspectedFile]) -> LoadedStream:
    """Load the records of csv files of the same columns, numbered as if each were one physical line; malformed ones
    are left out.

    Which file a record is of is told by how many lines each has: where as many records come as there are lines, every
    record is the line that it is taken for. A second connection reads: the one of the transaction is busy with writing.
    """
    import pyarrow as pa

    loaded, numbers = LoadedStream(), _Numbers.of(files)
    schema = pa.schema([*numbers.fields, *((name, pa.string()) for name in files[0].positions)])
    with (
        connection.cursor() as reading,
        # what is still held of a result when an error comes keeps the database open (see Session.close)
        closing(reading.sql(csv_records(files)).to_arrow_reader(ROWS_PER_PART)) as parts,
        closing(_ahead(_numbered(parts, files[0], numbers, loaded))) as ahead,
    ):
        connection.register("landing_records", pa.RecordBatchReader.from_batches(schema, ahead))
        is_one = len(files) == 1
        connection.execute(insert_into_raw(files[0], "landing_records") if is_one else insert_of_many(files[0].shape))
        connection.unregister("landing_records")
    return loaded


@dataclass(frozen=True)
class _Numbers:
    """Tells from the place of a record among those of all files its file and line; `firsts` is where each file begins.

    One file needs no name and hash beside each of its records.
    """

    files: Sequence[InspectedFile]
    firsts: np.ndarray

    @classmethod
    def of(cls, files: Sequence[InspectedFile]) -> "_Numbers":
        counts = [each.line_count - each.header_line_count for each in files]
        return cls(files, np.cumsum([0, *counts[:-1]]))

    @property
    def fields(self) -> "list[tuple[str, pa.DataType]]":
        """Names and types of the columns."""
        import pyarrow as pa

        text = pa.dictionary(pa.int32(), pa.string())
        origin = [("source_file", text), ("source_hash", text)] if len(self.files) > 1 else []
        return [*origin, ("source_line", pa.int64())]

    def columns(self, first: int, count: int) -> "list[pa.Array]":
        """The columns of so many records from the place `first` on."""
        import pyarrow as pa

        header, places = self.files[0].header_line_count, np.arange(first, first + count)
        if len(self.files) == 1:
            return [pa.array(places + header + 1)]
        file = np.searchsorted(self.firsts, places, side="right") - 1
        lines = pa.array(places - self.firsts[file] + header + 1)
        codes = pa.array(file.astype("int32"))
        origins = ([each.source_file for each in self.files], [each.source_hash for each in self.files])
        return [*(pa.DictionaryArray.from_arrays(codes, pa.array(each)) for each in origins), lines]


def _numbered(
    parts: "pa.RecordBatchReader", like: InspectedFile, numbers: _Numbers, loaded: LoadedStream
) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    names = [*(name for name, _ in numbers.fields), *like.positions]
    for part in parts:
        columns = numbers.columns(loaded.record_count, part.num_rows)
        loaded.record_count += part.num_rows
        loaded.may_repeat_header = loaded.may_repeat_header or _may_repeat_header(part, like)
        yield pa.RecordBatch.from_arrays([*columns, *part.columns], names=names)


def _ahead(parts: "Iterator[pa.RecordBatch]") -> "Generator[pa.RecordBatch]":
    """The parts in their order, up to PARTS_AHEAD of which a second thread has ready."""
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(next, parts, None) for _ in range(PARTS_AHEAD))
        while (part := coming.popleft().result()) is not None:
            coming.append(pool.submit(next, parts, None))
            yield part


def _may_repeat_header(part: "pa.RecordBatch", inspected: InspectedFile) -> bool:
    """Whether a text of the first column that the file has holds that column's header."""
    import pyarrow.compute as pc

    given = [(name, place) for name, place in inspected.positions.items() if place is not None]
    if not inspected.header_line_count or not given:
        return False
    name, place = given[0]
    header = pc.MatchSubstringOptions(inspected.file_columns[place].strip())
    return bool(pc.call_function("any", [pc.call_function("match_substring", [part.column(name)], header)]).as_py())
