"""The inspection of a source file before anything of it is loaded: one pass over its bytes, then its header by name.

    inspect_file  -> InspectedFile, or BadFile with what is wrong, where, and the mend
    hash_file     -> the sha256 that tells whether a file is new or changed

A message names declared columns, counts and positions only: the first line of a file without header is customer data.
"""

import csv
import gzip
import hashlib
import io
import stat
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from custana_pipeline.errors import BadFile
from custana_pipeline.raw.contracts import KNOWN_DELIMITERS, InspectedFile, ParquetKind, RawFormat, RawSetShape
from custana_pipeline.raw.file_stamps import refuse_other, stamp_of
from custana_pipeline.raw.line_scan import LineScan
from custana_pipeline.raw.plain_files import open_plain

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 4 << 20
MAX_EXPANDED_BYTES = 64 << 30
BOMB_BYTES = 64 << 20
BOMB_RATIO = 200
_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"
_ZIP_MAGIC = b"PK\x03\x04"


def inspect_file(path: Path, raw_set: RawSetShape, max_expanded_bytes: int = MAX_EXPANDED_BYTES) -> InspectedFile:
    """Find out what one file holds without loading it, or refuse it with BadFile; Transient where it is being written.

    Reads the file once (gzip with its checksum), so a file that comes back is UTF-8 without NUL bytes, has line ends of
    one kind and every required column, and its lines are counted. `max_expanded_bytes` bounds what a gzip unpacks to.
    """
    _refuse_what_is_no_file(path)
    before = stamp_of(path)
    try:
        is_parquet = _format_of(path, raw_set) == "parquet"
        inspected = _inspect_parquet(path, raw_set) if is_parquet else _inspect_text(path, raw_set, max_expanded_bytes)
    except (BadFile, OSError):
        refuse_other(path, before)  # half a file is no bad one while it is written
        raise
    refuse_other(path, before)
    return replace(inspected, stamp=before)


def hash_file(path: Path) -> str:
    """The sha256 of the file's bytes as stored, in hex."""
    _refuse_what_is_no_file(path)
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_what_is_no_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as fault:
        raise BadFile(f"{path.name}: it cannot be read ({fault.strerror}): check the path and its rights.") from None
    if not stat.S_ISREG(mode):
        raise BadFile(f"{path.name}: it is no ordinary file: give a .csv, .csv.gz, .txt or .parquet file.")


def _format_of(path: Path, raw_set: RawSetShape) -> RawFormat:
    """The format by the file's name, which has to agree with its first bytes."""
    with open_plain(path) as file:
        magic = file.read(4)
    if not magic:
        raise BadFile(f"{path.name}: it is empty (0 bytes): export it again, or take it away.")
    if magic.startswith(_ZIP_MAGIC):
        raise BadFile(f"{path.name}: it is a zip or Excel file, whatever its name: save it as csv, or unpack it.")
    if magic.startswith(_GZIP_MAGIC) != _is_gzip(path):
        raise BadFile(f"{path.name}: its name and its first bytes disagree on gzip: rename it to what it is.")
    is_parquet = path.suffix.lower() == ".parquet" or raw_set.format == "parquet"
    if (magic == _PARQUET_MAGIC) != is_parquet:
        raise BadFile(f"{path.name}: its name and its first bytes disagree on parquet: rename it to what it is.")
    return "parquet" if is_parquet else raw_set.format


def _is_gzip(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


class _HashedReader(io.RawIOBase):
    """The stored bytes of a file, hashed as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


@contextmanager
def open_expanded(path: Path) -> Iterator[tuple[BinaryIO, "_HashedReader"]]:
    """The expanded bytes of a text file, and the reader that hashes the stored bytes below them.

    Raises BadFile for a gzip that is damaged or cut off, wherever in the block it shows.
    """
    with open_plain(path) as file:
        stored = _HashedReader(file)
        try:
            expanded = gzip.GzipFile(fileobj=cast(BinaryIO, stored), mode="rb") if _is_gzip(path) else stored
            yield cast(BinaryIO, expanded), stored
        except (gzip.BadGzipFile, zlib.error):
            raise BadFile(f"{path.name}: the gzip is damaged (its checksum fails): fetch it again.") from None
        except EOFError:
            raise BadFile(f"{path.name}: the gzip is cut off before its end: fetch it again.") from None


def _inspect_text(path: Path, raw_set: RawSetShape, max_expanded_bytes: int) -> InspectedFile:
    before = path.stat()
    scan, source_hash = _scan(path, raw_set, min(max_expanded_bytes, max(BOMB_BYTES, BOMB_RATIO * before.st_size)))
    header = _cells(scan.first_line, raw_set, path.name)
    positions, unknown = _match(header, raw_set, path.name)
    if scan.line_count - len(scan.blank_lines) <= int(raw_set.header):
        raise BadFile(f"{path.name}: it has a header and no line of data: export it again, or take it away.")
    return InspectedFile(
        path=path,
        shape=raw_set,
        format=raw_set.format,
        source_hash=source_hash,
        byte_count=before.st_size,
        expanded_byte_count=scan.byte_count,
        line_count=scan.line_count,
        blank_lines=tuple(scan.blank_lines),
        positions=positions,
        file_columns=tuple(header) if raw_set.header else tuple(raw_set.columns),
        unknown_columns=unknown,
        is_gzip=_is_gzip(path),
        line_ends=scan.line_ends,
        is_plain=raw_set.format == "csv" and not _is_gzip(path) and _is_plain(scan, len(header)),
        has_long_lines=scan.has_long_lines,
    )


def _is_plain(scan: LineScan, width: int) -> bool:
    has_all_delimiters = scan.delimiter_count == (width - 1) * scan.line_count
    return has_all_delimiters and not scan.has_quoted_text and not scan.blank_lines and not all(scan.line_ends)


def _scan(path: Path, raw_set: RawSetShape, max_unpacked_bytes: int) -> tuple[LineScan, str]:
    """The scan of all lines, and the sha256 of the stored bytes."""
    scan = LineScan(path.name, raw_set.delimiter)
    with open_expanded(path) as (expanded, stored):
        while block := expanded.read(BLOCK_BYTES):
            scan.feed(block)
            if _is_gzip(path) and scan.byte_count > max_unpacked_bytes:
                raise BadFile(
                    f"{path.name}: it unpacks to more than {max_unpacked_bytes:,} bytes: split it, or look into it."
                )
    scan.finish()
    return scan, stored.digest.hexdigest()


def _inspect_parquet(path: Path, raw_set: RawSetShape) -> InspectedFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    before = path.stat()
    try:
        metadata = pq.read_metadata(path)
        arrow_schema = metadata.schema.to_arrow_schema()
        header = list(arrow_schema.names)
    except (pa.ArrowException, OSError):
        raise BadFile(f"{path.name}: it is no readable parquet file: write it again.") from None
    if metadata.num_rows == 0:
        raise BadFile(f"{path.name}: it has columns and no row: export it again, or take it away.")
    positions, unknown = _match(header, replace(raw_set, header=True), path.name)
    return InspectedFile(
        path=path,
        shape=raw_set,
        format="parquet",
        kinds={
            name: _kind(arrow_schema.types[place], path.name, header[place])
            for name, place in positions.items()
            if place is not None
        },
        source_hash=hash_file(path),
        byte_count=before.st_size,
        expanded_byte_count=before.st_size,
        line_count=metadata.num_rows,
        blank_lines=(),
        positions=positions,
        file_columns=tuple(header),
        unknown_columns=unknown,
    )


def _kind(arrow_type: "pa.DataType", file_name: str, header: str) -> ParquetKind:
    """How a column of this type becomes text; BadFile where it cannot."""
    import pyarrow.types as types

    if types.is_dictionary(arrow_type):
        return _kind(arrow_type.value_type, file_name, header)
    if types.is_nested(arrow_type) or types.is_binary(arrow_type) or types.is_large_binary(arrow_type):
        kind = str(arrow_type).split("<")[0]
        raise BadFile(f"{file_name}: column {header} is of type {kind}: write text, numbers or times.")
    if types.is_timestamp(arrow_type) and arrow_type.tz is not None:
        return "zoned"
    return "float" if types.is_floating(arrow_type) else "plain"


def _cells(first_line: str, raw_set: RawSetShape, file_name: str) -> list[str]:
    """The cells of a file's first line."""
    if not first_line.strip():
        raise BadFile(f"{file_name}: its first line is blank: {_first_line_mend(raw_set)}.")
    if raw_set.format == "blank_separated":
        return first_line.split()
    if raw_set.spans:
        return [first_line[first - 1 : last] for first, last in raw_set.spans]
    try:
        return next(csv.reader([first_line], delimiter=raw_set.delimiter, strict=True))
    except csv.Error:
        raise BadFile(f"{file_name}: line 1 has an unclosed or stray quote: {_first_line_mend(raw_set)}.") from None


def _first_line_mend(raw_set: RawSetShape) -> str:
    return "the first line has to be the header" if raw_set.header else "it has to start with data"


def _match(header: list[str], raw_set: RawSetShape, file_name: str) -> tuple[dict[str, int | None], tuple[str, ...]]:
    """Where each declared column stands in the file, and the headers that nobody declared."""
    if not raw_set.header:
        if len(header) != len(raw_set.columns):
            raise BadFile(_wrong_width(header, raw_set, file_name))
        return {name: place for place, name in enumerate(raw_set.columns)}, ()
    found = [_plain(cell) for cell in header]
    declared = {name: _plain(wanted) for name, wanted in raw_set.columns.items()}
    missing = [raw_set.columns[name] for name, wanted in declared.items() if wanted not in found]
    required = [raw_set.columns[name] for name in declared if name not in raw_set.optional]
    if absent := [wanted for wanted in missing if wanted in required]:
        raise BadFile(_missing_columns(header, absent, raw_set, file_name))
    if doubled := [raw_set.columns[name] for name, wanted in declared.items() if found.count(wanted) > 1]:
        raise BadFile(f"{file_name}: column {_listed(doubled)} stands more than once in the header: keep one of each.")
    positions = {name: found.index(wanted) if wanted in found else None for name, wanted in declared.items()}
    unknown = (cell.strip() for cell in header if _plain(cell) not in declared.values())
    return positions, tuple(unknown)


def _plain(header: str) -> str:
    visible = "".join(mark for mark in header if unicodedata.category(mark) != "Cf")
    return unicodedata.normalize("NFC", visible.strip().casefold())


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _wrong_width(header: list[str], raw_set: RawSetShape, file_name: str) -> str:
    what = f"{file_name}: line 1 has {len(header)} fields, {len(raw_set.columns)} are declared"
    return f"{what}{_delimiter_hint(header, raw_set)}: correct the columns of raw set {raw_set.name}, or the file."


def _missing_columns(header: list[str], absent: list[str], raw_set: RawSetShape, file_name: str) -> str:
    hint = _delimiter_hint(header, raw_set)
    if hint:
        return f"{file_name}: its header is one cell{hint}: correct the delimiter of raw set {raw_set.name}."
    if len(absent) == len([name for name in raw_set.columns if name not in raw_set.optional]):
        return f"{file_name}: line 1 holds none of the columns {_listed(absent)}: the first line has to be the header."
    return f"{file_name}: column {_listed(absent)} is missing: add it, or correct {raw_set.name} in custana.toml."


def _delimiter_hint(header: list[str], raw_set: RawSetShape) -> str:
    """What to say when one cell holds all: the delimiter that the file seems to use."""
    if len(header) != 1 or len(raw_set.columns) == 1:
        return ""
    counts = {mark: header[0].count(mark) for mark in KNOWN_DELIMITERS if mark != raw_set.delimiter}
    best = max(counts, key=lambda mark: counts[mark])
    return f", and its delimiter looks like {KNOWN_DELIMITERS[best]}" if counts[best] else ""
