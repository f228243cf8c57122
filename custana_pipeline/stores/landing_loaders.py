"""How the lines of an inspected file get into raw.<set>, by format, with the physical line of each record.

A csv is read by the quickest way that is sure of its line numbers: as a stream where every line seems to be a record
(`landing_streams`); DuckDB alone where that proves true once all are staged; DuckDB,
with the malformed and blank lines found by their text, where no field spans lines and no line is very long; else
Python's csv reader.

What DuckDB reads is staged on a second connection of the same database, whose temporary tables are freed when they are
dropped; on the connection of the transaction they would stay until it ends, and all files of a set land in one.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import duckdb

from custana_pipeline.errors import BadFile
from custana_pipeline.raw.contracts import InspectedFile, MalformedLine
from custana_pipeline.raw.plain_csv import middle_shares
from custana_pipeline.stores.landing_groups import told_of
from custana_pipeline.stores.landing_statements import (
    CREATE_UNORDERED,
    SAMPLED_RECORDS,
    SHIFT_BUCKET,
    STAGED_TABLE,
    blank_separated_lines,
    blank_separated_records,
    count_staged_headers,
    create_raw,
    delete_loaded,
    delete_repeated_headers,
    distinct_shares,
    insert_into_raw,
    insert_malformed,
    insert_repeated_headers,
    parquet_rows,
    parquet_shares,
    shifted_records,
    stage_csv,
    staged_records,
)
from custana_pipeline.stores.landing_streams import ROWS_PER_PART, load_stream

if TYPE_CHECKING:
    import pyarrow as pa

Connection = duckdb.DuckDBPyConnection

MAX_REJECTED_TEXTS = 100_000
MOSTLY_DISTINCT = 0.35
"""A column with a larger share of different values than this is compressed as text, and not by its values."""
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
    connection.execute(CREATE_UNORDERED)
    staging = connection.cursor()
    try:
        return _load(connection, staging, inspected)
    finally:
        staging.close()


def _load(connection: Connection, staging: Connection, inspected: InspectedFile) -> LoadedCounts:
    if inspected.format == "parquet":
        return _load_parquet(connection, inspected)
    if inspected.format in ("blank_separated", "fixed_width"):
        return _without_headers(connection, inspected, _load_blank_separated(connection, staging, inspected))
    if inspected.is_plain and (counts := load_together(connection, [inspected])):
        return counts[0]
    counts = None if _is_beyond_duckdb(inspected) else _load_by_duckdb(connection, staging, inspected)
    return counts or _without_headers(connection, inspected, _load_exactly(connection, inspected))


def _is_beyond_duckdb(inspected: InspectedFile) -> bool:
    """Whether a csv has line ends of two kinds, blank lines that would be records of one column, or a very long line.

    DuckDB notes a line once for each field that it has too many: one of a hundred thousand fields takes minutes.
    """
    has_blank_records = len(inspected.file_columns) == 1 and bool(inspected.blank_lines)
    return inspected.has_mixed_line_ends or inspected.has_long_lines or has_blank_records


def _without_headers(connection: Connection, inspected: InspectedFile, counts: LoadedCounts) -> LoadedCounts:
    """Moves the loaded records that repeat the header to the malformed lines."""
    if not inspected.header_line_count:
        return counts
    headers = _inserted(connection, insert_repeated_headers(inspected))
    if headers:
        connection.execute(delete_repeated_headers(inspected))
    return replace(counts, record=counts.record - headers, malformed=counts.malformed + headers)


def _load_parquet(connection: Connection, inspected: InspectedFile) -> LoadedCounts:
    if _is_first(connection, inspected):
        _fit_columns(connection, inspected, connection.execute(parquet_shares(inspected)).fetchall()[0])
    return LoadedCounts(_inserted(connection, insert_into_raw(inspected, parquet_rows(inspected))))


def load_together(connection: Connection, files: Sequence[InspectedFile]) -> list[LoadedCounts] | None:
    """Load csv files of the same columns of which every line is a record as one stream, where none is loaded yet.

    None, with nothing loaded, where that proves wrong of some file.
    """
    connection.execute(CREATE_UNORDERED)
    if _is_first(connection, files[0]):
        # a history begins with lines that are not like the later ones
        middle = files[len(files) // 2]
        _fit_columns(connection, middle, middle_shares(middle, SAMPLED_RECORDS))
    loaded = load_stream(connection, files)
    if loaded.record_count != sum(each.line_count - each.header_line_count for each in files):
        deleted = sum(_inserted(connection, delete_loaded(each)) for each in files)
        if deleted != loaded.record_count:
            raise BadFile(f"{told_of(files)}: the records cannot be told apart: export these files again.")
        return None
    counts = [LoadedCounts(each.line_count - each.header_line_count) for each in files]
    if not loaded.may_repeat_header:
        return counts
    return [_without_headers(connection, *each) for each in zip(files, counts, strict=True)]


def _load_by_duckdb(connection: Connection, staging: Connection, inspected: InspectedFile) -> LoadedCounts | None:
    """Load a csv of which no record spans lines; None, with nothing loaded, for any other.

    When records and header are together as many as the physical lines, each record is exactly one line, and their order
    gives the line numbers. Else the same is tried with the malformed and blank lines taken out.
    """
    staging.execute(stage_csv(inspected))
    record_count = _number(staging, f"select count(*) from {STAGED_TABLE}")
    counts, source, malformed = LoadedCounts(record_count), staged_records(inspected), []
    if record_count + inspected.header_line_count != inspected.line_count:
        malformed = _malformed_lines(staging, inspected)
        if malformed and malformed[-1].reason == "unquoted_value" and _is_last(inspected, malformed[-1].source_line):
            return None  # a quote that is open to the end: the exact reader tells what it swallows
        counts = LoadedCounts(record_count, len(inspected.blank_lines), len(malformed))
        if record_count + counts.blank + counts.malformed + inspected.header_line_count != inspected.line_count:
            return None
        source = _shifted(staging, inspected, malformed)
    if _is_first(connection, inspected):
        _fit_columns(connection, inspected, staging.execute(distinct_shares(inspected)).fetchall()[0])
    _hand_over(connection, staging, inspected, source)
    _store_malformed(connection, inspected, malformed)
    if _number(staging, count_staged_headers(inspected)):
        return _without_headers(connection, inspected, counts)
    return counts


def _hand_over(connection: Connection, staging: Connection, inspected: InspectedFile, rows: str) -> int:
    """Inserts the relation `rows` of the staging connection into raw.<set> as a stream; returns how many they are."""
    with closing(staging.sql(f"select * from {rows}").to_arrow_reader(ROWS_PER_PART)) as records:
        connection.register("landing_records", records)
        count = _inserted(connection, insert_into_raw(inspected, "landing_records"))
        connection.unregister("landing_records")
    return count


def _shifted(staging: Connection, inspected: InspectedFile, malformed: Sequence[MalformedLine]) -> str:
    """The staged records with the lines that they have in a file with blank and malformed lines between them."""
    taken_out = sorted([*inspected.blank_lines, *(line.source_line for line in malformed)])
    staging.register("counted_shifts", _shifts(taken_out, inspected.line_count))
    # a stored table has a known size, so that the join is built on it and not on the records
    staging.execute("create temp table landing_shifts as select * from counted_shifts")
    staging.unregister("counted_shifts")
    return shifted_records(inspected)


def _is_first(connection: Connection, inspected: InspectedFile) -> bool:
    """Whether raw.<set> has no row yet."""
    return not _number(connection, f"select count(*) from (select 1 from raw.{inspected.shape.name} limit 1)")


def _fit_columns(connection: Connection, inspected: InspectedFile, shares: Sequence[float]) -> None:
    """Chooses how the columns of an empty raw.<set> are compressed, by the first file that comes into it.

    Looking for repeated values takes most of the time of writing text, and finds nothing in moments and order ids.
    `shares` has for each column how many of its texts, in the middle of the file, are different ones.
    """
    packed = [name for name, share in zip(inspected.shape.columns, shares, strict=True) if share > MOSTLY_DISTINCT]
    connection.execute(f"drop table raw.{inspected.shape.name}")
    connection.execute(create_raw(inspected.shape, packed))


def _malformed_lines(staging: Connection, inspected: InspectedFile) -> list[MalformedLine]:
    """The lines whose text DuckDB rejected, looked up in the file, since the reader's own line numbers can be off."""
    from custana_pipeline.raw.exact_csv import lines_with_text

    rejects = staging.execute(
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


def _load_blank_separated(connection: Connection, staging: Connection, inspected: InspectedFile) -> LoadedCounts:
    staging.execute(f"create temp table landing_lines as {blank_separated_lines(inspected)}")
    record_count = _hand_over(connection, staging, inspected, blank_separated_records(inspected))
    found = staging.execute(
        "select source_line, case when len(cells) < $width then 'too_few_fields' else 'too_many_fields' end, raw_line "
        "from landing_lines where len(cells) <> $width and not is_blank order by source_line",
        {"width": len(inspected.file_columns)},
    ).fetchall()
    blank = _number(staging, "select count(*) from landing_lines where is_blank")
    _store_malformed(connection, inspected, [MalformedLine(*line) for line in found])
    return LoadedCounts(record_count, blank, len(found))


def _store_malformed(connection: Connection, inspected: InspectedFile, found: Sequence[MalformedLine]) -> None:
    if found:
        import pyarrow as pa

        lines = pa.table({name: [getattr(line, name) for line in found] for name in MalformedLine.__annotations__})
        connection.register("found_malformed", lines)
        connection.execute(insert_malformed(inspected, "found_malformed"))
        connection.unregister("found_malformed")


def _number(connection: Connection, query: str) -> int:
    return connection.execute(query).fetchall()[0][0]


def _inserted(connection: Connection, statement: str) -> int:
    """Runs an INSERT and returns how many rows it has added."""
    return _number(connection, statement)
