"""How the lines of an inspected file get into raw.<set>, by format, with the physical line of each record.

A csv is read by the quickest way that is sure of its line numbers: DuckDB alone where every line is a record; DuckDB,
with the malformed and blank lines found by their text, where no field spans lines; else Python's csv reader.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import duckdb

from custana_pipeline.raw.contracts import InspectedFile, MalformedLine
from custana_pipeline.stores.landing_statements import (
    SHIFT_BUCKET,
    blank_separated_lines,
    csv_records,
    delete_repeated_headers,
    insert_blank_separated,
    insert_into_raw,
    insert_malformed,
    insert_repeated_headers,
    parquet_rows,
    shifted_records,
)

if TYPE_CHECKING:
    import pyarrow as pa

Connection = duckdb.DuckDBPyConnection

MAX_REJECTED_TEXTS = 100_000
STAGED_BYTES = 512 << 20
"""A csv up to this size is parsed once, into memory; a larger one into the table, and again if lines are malformed."""
_REASONS = {
    "MISSING COLUMNS": "too_few_fields",
    "TOO MANY COLUMNS": "too_many_fields",
    "UNQUOTED VALUE": "unquoted_value",
}


@dataclass(frozen=True)
class LoadedCounts:
    """What the lines of a file turned out to be, the header aside."""

    record: int
    blank: int = 0
    malformed: int = 0
    continuation: int = 0


def load(connection: Connection, inspected: InspectedFile) -> LoadedCounts:
    """Load a file of which nothing is loaded yet, and store its malformed lines, repeated headers among them."""
    counts = _load(connection, inspected)
    if not inspected.header_line_count:
        return counts
    headers = connection.execute(insert_repeated_headers(inspected)).fetchall()[0][0]
    if headers:
        connection.execute(delete_repeated_headers(inspected))
    return replace(counts, record=counts.record - headers, malformed=counts.malformed + headers)


def _load(connection: Connection, inspected: InspectedFile) -> LoadedCounts:
    if inspected.format == "parquet":
        connection.execute(insert_into_raw(inspected, parquet_rows(inspected)))
        return LoadedCounts(_loaded_rows(connection, inspected))
    if inspected.format in ("blank_separated", "fixed_width"):
        return _load_blank_separated(connection, inspected)
    if inspected.has_mixed_line_ends:
        return _load_exactly(connection, inspected)
    return _load_by_duckdb(connection, inspected) or _load_exactly(connection, inspected)


def _load_by_duckdb(connection: Connection, inspected: InspectedFile) -> LoadedCounts | None:
    """Load a csv of which no record spans lines; None, with nothing loaded, for any other.

    When records and header are together as many as the physical lines, each record is exactly one line, and their order
    gives the line numbers. Else the same is tried with the malformed and blank lines taken out.
    """
    is_staged = inspected.expanded_byte_count <= STAGED_BYTES
    source = _staged(connection, inspected) if is_staged else csv_records(inspected)
    if not is_staged:
        _read_csv(connection, insert_into_raw(inspected, source))
    record_count = _rows_of(connection, source) if is_staged else _loaded_rows(connection, inspected)
    if record_count + inspected.header_line_count == inspected.line_count:
        if is_staged:
            connection.execute(insert_into_raw(inspected, source))
        return LoadedCounts(record_count)
    if not is_staged:
        _unload(connection, inspected)
    malformed = _malformed_lines(connection, inspected)
    if malformed and malformed[-1].reason == "unquoted_value" and _is_last(inspected, malformed[-1].source_line):
        return None  # a quote that is open to the end: the exact reader tells what it swallows
    counts = LoadedCounts(record_count, len(inspected.blank_lines), len(malformed))
    if record_count + counts.blank + counts.malformed + inspected.header_line_count != inspected.line_count:
        return None
    taken_out = sorted([*inspected.blank_lines, *(line.source_line for line in malformed)])
    connection.register("counted_shifts", _shifts(taken_out, inspected.line_count))
    # a stored table has a known size, so that the join is built on it and not on the records
    connection.execute("create or replace temp table landing_shifts as select * from counted_shifts")
    connection.unregister("counted_shifts")
    _read_csv(connection, insert_into_raw(inspected, shifted_records(inspected, source)))
    _store_malformed(connection, inspected, malformed)
    return counts


def _staged(connection: Connection, inspected: InspectedFile) -> str:
    """Reads the records into a table of their own, from which they go on without the file being parsed again."""
    _read_csv(connection, f"create or replace temp table landing_staged as select * from {csv_records(inspected)}")
    return "landing_staged"


def _read_csv(connection: Connection, statement: str) -> None:
    for table in ("landing_rejects", "landing_scans"):
        connection.execute(f"drop table if exists {table}")
    connection.execute(statement)


def _malformed_lines(connection: Connection, inspected: InspectedFile) -> list[MalformedLine]:
    """The lines whose text DuckDB rejected, looked up in the file, since the reader's own line numbers can be off."""
    from custana_pipeline.raw.exact_csv import lines_with_text

    rejects = connection.execute(
        "select trim(csv_line, chr(10) || chr(13)), min(cast(error_type as varchar)) from landing_rejects "
        f"group by all limit {MAX_REJECTED_TEXTS + 1}"
    ).fetchall()
    if len(rejects) > MAX_REJECTED_TEXTS or any(kind not in _REASONS or "\n" in text for text, kind in rejects):
        return []
    reasons: Mapping[str, str] = {text: _REASONS[kind] for text, kind in rejects}
    return lines_with_text(inspected, reasons) if reasons else []


def _is_last(inspected: InspectedFile, line: int) -> bool:
    """Whether nothing but blank lines comes after a line."""
    after = sum(blank > line for blank in reversed(inspected.blank_lines))
    return line + after == inspected.line_count


def _shifts(taken_out: Sequence[int], line_count: int) -> "pa.Table":
    """How far the order of records is from their physical lines, for each bucket of `SHIFT_BUCKET` records.

    Columns: bucket, shift (lines taken out before it), first_lines (where, within it, one more is before the record).
    """
    import pyarrow as pa

    first_lines: dict[int, list[int]] = {}
    for count, line in enumerate(taken_out):
        first_lines.setdefault((line - count) // SHIFT_BUCKET, []).append(line - count)
    buckets = range(line_count // SHIFT_BUCKET + 1)
    listed = [first_lines.get(bucket, []) for bucket in buckets]
    shifts = [0, *accumulate(len(lines) for lines in listed[:-1])]
    columns = {"bucket": list(buckets), "shift": shifts, "first_lines": pa.array(listed, pa.list_(pa.int64()))}
    return pa.table(columns)


def _load_exactly(connection: Connection, inspected: InspectedFile) -> LoadedCounts:
    """Load a csv with Python's reader, which knows the physical line of every record."""
    from custana_pipeline.raw.exact_csv import read_batches

    record = blank = malformed = continuation = 0
    for batch in read_batches(inspected):
        connection.register("landing_records", _arrow(inspected, batch.lines, batch.records))
        connection.execute(insert_into_raw(inspected, "landing_records"))
        connection.unregister("landing_records")
        _store_malformed(connection, inspected, batch.malformed)
        record += len(batch.records)
        blank += batch.blank_line_count
        malformed += len(batch.malformed)
        continuation += batch.continuation_line_count
    return LoadedCounts(record, blank, malformed, continuation)


def _arrow(inspected: InspectedFile, lines: list[int], records: list[list[str]]) -> "pa.Table":
    """The wanted columns of the records as an Arrow table of text, with their lines."""
    import pyarrow as pa

    fields = list(zip(*records, strict=True)) if records else [()] * len(inspected.file_columns)
    columns: dict[str, pa.Array] = {"source_line": pa.array(lines, pa.int64())}
    for name, place in inspected.positions.items():
        values = fields[place] if place is not None else [None] * len(lines)
        columns[name] = pa.array(values, pa.string())
    return pa.table(columns)


def _load_blank_separated(connection: Connection, inspected: InspectedFile) -> LoadedCounts:
    connection.execute(f"create or replace temp table landing_lines as {blank_separated_lines(inspected)}")
    connection.execute(insert_blank_separated(inspected))
    found = connection.execute(
        "select source_line, case when len(cells) < $width then 'too_few_fields' else 'too_many_fields' end, raw_line "
        "from landing_lines where len(cells) <> $width and not is_blank order by source_line",
        {"width": len(inspected.file_columns)},
    ).fetchall()
    blank = connection.execute("select count(*) from landing_lines where is_blank").fetchall()[0][0]
    connection.execute("drop table landing_lines")
    _store_malformed(connection, inspected, [MalformedLine(*line) for line in found])
    return LoadedCounts(_loaded_rows(connection, inspected), blank, len(found))


def _store_malformed(connection: Connection, inspected: InspectedFile, found: Sequence[MalformedLine]) -> None:
    if found:
        import pyarrow as pa

        lines = pa.table({name: [getattr(line, name) for line in found] for name in MalformedLine.__annotations__})
        connection.register("found_malformed", lines)
        connection.execute(insert_malformed(inspected, "found_malformed"))
        connection.unregister("found_malformed")


def _rows_of(connection: Connection, table: str) -> int:
    return connection.execute(f"select count(*) from {table}").fetchall()[0][0]


def _loaded_rows(connection: Connection, inspected: InspectedFile) -> int:
    query = f"select count(*) from raw.{inspected.shape.name} where source_file = $file"
    return connection.execute(query, {"file": inspected.source_file}).fetchall()[0][0]


def _unload(connection: Connection, inspected: InspectedFile) -> None:
    query = f"delete from raw.{inspected.shape.name} where source_file = $file"
    connection.execute(query, {"file": inspected.source_file})
