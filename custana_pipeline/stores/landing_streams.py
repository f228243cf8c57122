"""The loading of a csv as a stream: records go from DuckDB's reader into raw.<set> as they are read, none is staged."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from custana_pipeline.raw.contracts import InspectedFile
from custana_pipeline.stores.landing_statements import csv_records, insert_into_raw

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


def load_stream(connection: duckdb.DuckDBPyConnection, inspected: InspectedFile) -> LoadedStream:
    """Load the records of a csv, numbered as if each were one physical line; malformed ones are left out.

    A second connection reads: the one of the transaction is busy with writing.
    """
    import pyarrow as pa

    names = list(inspected.positions)
    schema = pa.schema([("source_line", pa.int64()), *((name, pa.string()) for name in names)])
    loaded = LoadedStream()
    with (
        connection.cursor() as reading,
        # what is still held of a result when an error comes keeps the database open (see Session.close)
        closing(reading.sql(csv_records(inspected)).to_arrow_reader(ROWS_PER_PART)) as parts,
        closing(_ahead(_numbered(parts, inspected, loaded))) as ahead,
    ):
        connection.register("landing_records", pa.RecordBatchReader.from_batches(schema, ahead))
        connection.execute(insert_into_raw(inspected, "landing_records"))
        connection.unregister("landing_records")
    return loaded


def _numbered(
    parts: "pa.RecordBatchReader", inspected: InspectedFile, loaded: LoadedStream
) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    names = ["source_line", *inspected.positions]
    for part in parts:
        first = loaded.record_count + inspected.header_line_count + 1
        lines = pa.array(np.arange(first, first + part.num_rows))
        loaded.record_count += part.num_rows
        loaded.may_repeat_header = loaded.may_repeat_header or _may_repeat_header(part, inspected)
        yield pa.RecordBatch.from_arrays([lines, *part.columns], names=names)


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
