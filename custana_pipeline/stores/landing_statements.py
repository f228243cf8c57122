"""The texts of the statements that load an inspected file: every value in them is quoted here, or a plain number."""

from collections.abc import Collection, Sequence

from custana_pipeline.raw.contracts import InspectedFile, RawSetShape
from custana_pipeline.stores.sql_text import identifier, literal, without_patterns

FILES_TABLE = "raw.files"
MALFORMED_TABLE = "raw.malformed_lines"
STAMPS_TABLE = "raw.file_stamps"
LEDGER_COLUMNS = (
    "raw_set varchar, source_file varchar, source_hash varchar, byte_count bigint, line_count bigint, "
    "header_line_count bigint, blank_line_count bigint, record_count bigint, malformed_line_count bigint, "
    "continuation_line_count bigint, unknown_columns varchar, shape_digest varchar, duplicate_of varchar"
)
MALFORMED_COLUMNS = (
    "raw_set varchar, source_file varchar, source_hash varchar, source_line bigint, reason varchar, raw_line varchar"
)
STAMPS_COLUMNS = "raw_set varchar, source_file varchar, source_hash varchar, stamp varchar"
STAGED_TABLE = "landing_staged"
UNORDERED_TABLE = "landing_unordered"
SAMPLED_RECORDS = 65_536
SHIFT_BUCKET = 2048
CREATE_UNORDERED = f"create temp table if not exists {UNORDERED_TABLE} (source_line bigint)"
# a control character that no text file has any use for
_NO_DELIMITER = "\x01"
_BLANKS = r"[ \t]+"


def insert_into_raw(inspected: InspectedFile, rows: str) -> str:
    """Insert the relation `rows` (source_line and the raw columns as text) as rows of the inspected file."""
    return _insert(inspected.shape, rows, f"{literal(inspected.source_file)}, {literal(inspected.source_hash)}")


def insert_of_many(shape: RawSetShape) -> str:
    """The same for landing_records of several files, each with its source_file and source_hash."""
    return _insert(shape, "landing_records", "records.source_file, records.source_hash")


def _insert(shape: RawSetShape, rows: str, origin: str) -> str:
    """An empty field becomes null: a csv cannot tell the two apart by itself. The join with no row at all lets DuckDB
    write the rows in any order: kept in order they make pieces of uneven size, which the checkpoint writes once more.
    """
    names = list(shape.columns)
    shown = ", ".join(f"nullif({name}, '')" for name in names)
    return (
        f"insert into raw.{shape.name} (source_file, source_hash, source_line, {', '.join(names)}) "
        f"select {origin}, records.source_line, {shown} "
        f"from {rows} as records full join {UNORDERED_TABLE} on records.source_line = {UNORDERED_TABLE}.source_line"
    )


def stage_csv(inspected: InspectedFile) -> str:
    """Read the records of a csv into landing_staged, in the order of the file; malformed ones go to landing_rejects.

    Both cores read, and the rows keep the file's order all the same, so that their row ids are those of their records.
    """
    return f"create temp table {STAGED_TABLE} as {csv_records([inspected])}"


def csv_records(files: Sequence[InspectedFile]) -> str:
    """A SELECT of the records of csv files that have the same columns, in the order of the files and of their lines.

    Malformed records go to landing_rejects.
    """
    inspected = files[0]
    columns = {f"field_{place}": "varchar" for place in range(len(inspected.file_columns))}
    shown = [
        f"field_{place} as {name}" if place is not None else f"cast(null as varchar) as {name}"
        for name, place in inspected.positions.items()
    ]
    options = (
        f"header = {str(inspected.shape.header).lower()}, delim = {literal(inspected.shape.delimiter)}, quote = '\"', "
        "escape = '\"', strict_mode = true, null_padding = false, store_rejects = true, rejects_limit = 0, "
        "rejects_table = 'landing_rejects', rejects_scan = 'landing_scans'"
    )
    return f"select {', '.join(shown)} from {_read_csv(files, columns, options)}"


def staged_records(inspected: InspectedFile) -> str:
    """The records of landing_staged, numbered as if each were one physical line.

    Row ids begin at 0 once the table is there for good; within the transaction that makes it they would not.
    """
    return (
        f"(select rowid + {inspected.header_line_count + 1} as source_line, "
        f"{', '.join(inspected.positions)} from {STAGED_TABLE})"
    )


def distinct_shares(inspected: InspectedFile) -> str:
    """A SELECT of one row: for each raw column, how many records of the file's middle have a text of their own.

    A history begins with moments that are not like the later ones, such as a day on which everything was entered.
    """
    begin = f"(select count(*) from {STAGED_TABLE}) // 2 - {SAMPLED_RECORDS // 2}"
    middle = f"(select * from {STAGED_TABLE} where rowid >= {begin} limit {SAMPLED_RECORDS})"
    return f"select {_shares(inspected)} from {middle}"


def _shares(inspected: InspectedFile) -> str:
    return ", ".join(f"count(distinct {name}) / greatest(count(*), 1)" for name in inspected.shape.columns)


def create_raw(shape: RawSetShape, packed: Collection[str] = ()) -> str:
    """Make the empty raw.<set>; the text of the columns `packed` is stored without a search for repeats."""
    columns = [f"{name} varchar{' using compression zstd' * (name in packed)}" for name in shape.columns]
    own = ["source_file varchar", "source_hash varchar", "source_line bigint"]
    return f"create table raw.{shape.name} ({', '.join([*own, *columns])})"


def shifted_records(inspected: InspectedFile) -> str:
    """The records of landing_staged with their physical lines by the buckets of landing_shifts."""
    names = ", ".join(f"records.{name}" for name in inspected.positions)
    within = "len(list_filter(shifts.first_lines, lambda line : line <= records.source_line))"
    return (
        f"(select records.source_line + shifts.shift + {within} as source_line, {names} "
        f"from {staged_records(inspected)} as records "
        f"join landing_shifts as shifts on records.source_line // {SHIFT_BUCKET} = shifts.bucket)"
    )


def blank_separated_lines(inspected: InspectedFile) -> str:
    """A SELECT of the physical lines after the header: source_line, raw_line, is_blank, cells."""
    reading = _read_csv(
        [inspected], {"raw_line": "varchar"}, f"header = false, delim = '{_NO_DELIMITER}', quote = '', escape = ''"
    )
    return (
        "select source_line, raw_line, coalesce(trimmed, '') = '' as is_blank, "
        f"{_cells(inspected)} as cells from ("
        "select row_number() over () as source_line, raw_line, trim(raw_line, ' ' || chr(9) || chr(13)) as trimmed "
        f"from {reading}) where source_line > {inspected.header_line_count}"
    )


def _cells(inspected: InspectedFile) -> str:
    """The fields of a line; of a fixed-width line that is too short none, and of one too long one too many."""
    spans = inspected.shape.spans
    if not spans:
        return f"regexp_split_to_array(trimmed, {literal(_BLANKS)})"
    written = "length(rtrim(raw_line, ' ' || chr(9) || chr(13)))"
    fields = ", ".join(f"trim(substr(raw_line, {first}, {last - first + 1}))" for first, last in spans)
    too_many = ", ".join("''" for _ in range(len(spans) + 1))
    return (
        f"case when {written} < {max(first for first, _ in spans)} then cast([] as varchar[]) "
        f"when {written} > {max(last for _, last in spans)} then [{too_many}] else [{fields}] end"
    )


def blank_separated_records(inspected: InspectedFile) -> str:
    """The lines of landing_lines that have as many cells as the file has columns, with the raw columns."""
    shown = [
        f"cells[{place + 1}] as {name}" if place is not None else f"cast(null as varchar) as {name}"
        for name, place in inspected.positions.items()
    ]
    return (
        f"(select source_line, {', '.join(shown)} from landing_lines "
        f"where len(cells) = {len(inspected.file_columns)} and not is_blank)"
    )


def delete_loaded(inspected: InspectedFile) -> str:
    """Delete the rows of the inspected file."""
    return f"delete from raw.{inspected.shape.name} where {_is_of(inspected)}"


def insert_malformed(inspected: InspectedFile, lines: str) -> str:
    """Insert the relation `lines` (source_line, reason, raw_line) as malformed lines of the inspected file."""
    identity = (inspected.shape.name, inspected.source_file, inspected.source_hash)
    told = ", ".join(literal(part) for part in identity)
    return f"insert into {MALFORMED_TABLE} select {told}, source_line, reason, raw_line from {lines}"


def insert_repeated_headers(inspected: InspectedFile) -> str:
    """Insert the records that say what the header says as malformed lines."""
    mark = literal(inspected.shape.delimiter)
    lines = (
        f"(select source_line, 'repeated_header' as reason, concat_ws({mark}, {', '.join(inspected.positions)}) "
        f"as raw_line from raw.{inspected.shape.name} where {_is_of(inspected)} and {_is_header(inspected)})"
    )
    return insert_malformed(inspected, lines)


def delete_repeated_headers(inspected: InspectedFile) -> str:
    """Delete the records that say what the header says."""
    return f"delete from raw.{inspected.shape.name} where {_is_of(inspected)} and {_is_header(inspected)}"


def count_staged_headers(inspected: InspectedFile) -> str:
    """Count the staged records that say what the header says, so that stored ones are looked through only for these."""
    if not inspected.header_line_count:
        return "select 0"
    return f"select count(*) from {STAGED_TABLE} where {_is_header(inspected)}"


def _is_of(inspected: InspectedFile) -> str:
    return f"source_file = {literal(inspected.source_file)}"


def _is_header(inspected: InspectedFile) -> str:
    """The condition of a record that says what the header says; most are shorter, which DuckDB sees without reading."""
    names = {name: literal(inspected.file_columns[place].strip()) for name, place in _given(inspected).items()}
    return " and ".join(f"contains({name}, {header}) and trim({name}) = {header}" for name, header in names.items())


def _given(inspected: InspectedFile) -> dict[str, int]:
    """The raw columns that the file has, and where."""
    return {name: place for name, place in inspected.positions.items() if place is not None}


def parquet_rows(inspected: InspectedFile) -> str:
    """The rows of a parquet file as text, numbered from 1."""
    shown = [
        f"{_as_text(inspected, name, place)} as {name}" if place is not None else f"cast(null as varchar) as {name}"
        for name, place in inspected.positions.items()
    ]
    path = literal(without_patterns(str(inspected.path)))
    return (
        f"(select file_row_number + 1 as source_line, {', '.join(shown)} "
        f"from read_parquet({path}, file_row_number = true))"
    )


def parquet_shares(inspected: InspectedFile) -> str:
    """The same as `distinct_shares` for a parquet file."""
    begin = inspected.line_count // 2 - SAMPLED_RECORDS // 2
    middle = f"source_line > {begin} and source_line <= {begin + SAMPLED_RECORDS}"
    return f"select {_shares(inspected)} from {parquet_rows(inspected)} where {middle}"


def _as_text(inspected: InspectedFile, name: str, place: int) -> str:
    column, kind = identifier(inspected.file_columns[place]), inspected.kinds.get(name, "plain")
    if kind == "zoned":
        return f"cast(timezone({literal(inspected.shape.timezone)}, {column}) as varchar)"
    if kind == "float":
        # an id that pandas made a float because some are missing is 17 and not 17.0
        return f"regexp_replace(cast({column} as varchar), '[.]0$', '')"
    return f"cast({column} as varchar)"


def _read_csv(files: Sequence[InspectedFile], columns: dict[str, str], options: str) -> str:
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    compression = "gzip" if files[0].is_gzip else "none"
    paths = ", ".join(literal(without_patterns(str(each.path))) for each in files)
    return (
        f"read_csv([{paths}], auto_detect = false, all_varchar = true, "
        f"columns = {{{declared}}}, compression = '{compression}', {options})"
    )
