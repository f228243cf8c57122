"""The exact reading of a csv that is not plain: records that span lines, malformed and blank lines, with line numbers.

Slower than a database's reader and sure of its line numbers, so it is taken only for files whose lines do not add up
otherwise.
"""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from custana_pipeline.errors import BadFile
from custana_pipeline.raw.contracts import InspectedFile, MalformedLine
from custana_pipeline.raw.plain_files import open_plain

BLOCK_BYTES = 8 << 20
RECORDS_PER_BATCH = 50_000
MAX_RAW_LINE_LENGTH = 10_000
MAX_FIELD_LENGTH = 2 << 20
LEAST_SWALLOWING_WIDTH = 3
_QUOTED_BETWEEN_BLANKS = re.compile(r' +"([^"]*)" *')


@dataclass
class ExactBatch:
    """Records with the physical lines on which they begin, and the malformed lines met among them."""

    lines: list[int] = field(default_factory=list)
    records: list[list[str]] = field(default_factory=list)
    malformed: list[MalformedLine] = field(default_factory=list)
    blank_line_count: int = 0
    continuation_line_count: int = 0


@dataclass(frozen=True)
class _Expected:
    """The file that is read, how many fields its records have, and what stands between these."""

    file_name: str
    width: int
    delimiter: str


class _RememberedLines:
    """The physical lines of a text stream; `taken` are those since the last reset."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream
        self.taken: list[str] = []

    def __iter__(self) -> "_RememberedLines":
        return self

    def __next__(self) -> str:
        line = next(self._stream)
        self.taken.append(line)
        return line


def read_batches(inspected: InspectedFile) -> Iterator[ExactBatch]:
    """All records of a csv after its header, in batches.

    Raises BadFile, with the line, where a quote is never closed or swallows the lines that follow it, and where line
    ends are of two kinds outside quotes.
    """
    expected = _Expected(inspected.source_file, len(inspected.file_columns), inspected.shape.delimiter)
    continuations = 0
    with _open_lines(inspected) as stream:
        lines = _RememberedLines(stream)
        csv.field_size_limit(MAX_FIELD_LENGTH)
        reader = csv.reader(lines, delimiter=inspected.shape.delimiter, strict=True)
        for _ in range(inspected.header_line_count):
            next(reader)
        batch = ExactBatch()
        while _take_record(reader, lines, batch, expected):
            if len(batch.records) >= RECORDS_PER_BATCH:
                continuations += batch.continuation_line_count
                yield batch
                batch = ExactBatch()
        yield batch
        continuations += batch.continuation_line_count
    _refuse_mixed_line_ends(inspected, continuations)


def lines_with_text(inspected: InspectedFile, reasons: Mapping[str, str]) -> list[MalformedLine]:
    """Every physical line after the header whose text is a key of `reasons`, with the reason it maps to."""
    wanted = {text.encode() + end: text for text in reasons for end in (b"", b"\r")}
    found: list[tuple[int, bytes]] = []
    number, rest = 0, b""
    with _open_bytes(inspected) as stream:
        while block := stream.read(BLOCK_BYTES):
            joined = rest + block if number or rest else block.removeprefix(codecs.BOM_UTF8)
            *lines, rest = joined.split(b"\n")
            found += [(place, line) for place, line in enumerate(lines, number + 1) if line in wanted]
            number += len(lines)
    if rest in wanted:
        found.append((number + 1, rest))
    texts = [(place, wanted[line]) for place, line in found if place > inspected.header_line_count]
    return [MalformedLine(place, reasons[text], text[:MAX_RAW_LINE_LENGTH]) for place, text in texts]


@contextmanager
def _open_bytes(inspected: InspectedFile) -> Iterator[BinaryIO]:
    with open_plain(inspected.path) as file:
        yield cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="rb")) if inspected.is_gzip else file


@contextmanager
def _open_lines(inspected: InspectedFile) -> Iterator[io.TextIOWrapper]:
    with (
        _open_bytes(inspected) as expanded,
        io.TextIOWrapper(expanded, encoding="utf-8-sig", newline="") as stream,  # type: ignore[arg-type]
    ):
        yield stream


def _take_record(reader, lines: _RememberedLines, batch: ExactBatch, expected: _Expected) -> bool:
    """Read one record into the batch; False at the end of the file."""
    file_name, width = expected.file_name, expected.width
    lines.taken.clear()
    first_line = reader.line_num + 1
    try:
        record = next(reader)
    except StopIteration:
        return False
    except csv.Error as fault:
        is_open = "unexpected end of data" in str(fault)
        if is_open or len(lines.taken) > 1:
            raise _swallowing(file_name, first_line, len(lines.taken) - 1) from None
        reason = "too_long_field" if "field limit" in str(fault) else "unquoted_value"
        batch.malformed.append(_malformed(first_line, reason, lines))
        return True
    if len(lines.taken) > 1 and _swallows_records(record, lines.taken, expected):
        raise _swallowing(file_name, first_line, len(lines.taken) - 1)
    batch.continuation_line_count += len(lines.taken) - 1
    if len(record) == width:
        batch.lines.append(first_line)
        batch.records.append(_unquoted(record, lines.taken))
    elif not record:
        batch.blank_line_count += 1
    else:
        reason = "too_few_fields" if len(record) < width else "too_many_fields"
        batch.malformed.append(_malformed(first_line, reason, lines))
    return True


def _unquoted(record: list[str], lines: list[str]) -> list[str]:
    """The record without the quotes of fields that begin with blanks, which Python takes for a part of their text."""
    if not any(' "' in line for line in lines):
        return record
    found = [_QUOTED_BETWEEN_BLANKS.fullmatch(text) for text in record]
    return [inner[1] if inner else text for inner, text in zip(found, record, strict=True)]


def _malformed(first_line: int, reason: str, lines: _RememberedLines) -> MalformedLine:
    return MalformedLine(first_line, reason, "".join(lines.taken).rstrip("\r\n")[:MAX_RAW_LINE_LENGTH])


def _swallowing(file_name: str, first_line: int, line_count: int) -> BadFile:
    return BadFile(
        f"{file_name}: the quote that opens on line {first_line} is not closed where its field ends and swallows "
        f"{line_count} more lines: mend that line, or double its quotes."
    )


def _swallows_records(record: list[str], lines: list[str], expected: _Expected) -> bool:
    """Whether lines inside a record's quotes look like records of their own, so that two stray quotes are more likely.

    A note of several lines seldom has as many delimiters on two of its lines as a record has.
    """
    if expected.width < LEAST_SWALLOWING_WIDTH or not record:
        return False
    alike = sum(line.count(expected.delimiter) == expected.width - 1 for line in lines)
    return alike >= (2 if len(record) == expected.width else 1)


def _refuse_mixed_line_ends(inspected: InspectedFile, continuation_line_count: int) -> None:
    """Line ends of the other kind are in order only where they all stand inside quotes."""
    if inspected.has_mixed_line_ends and continuation_line_count not in inspected.line_ends:
        raise BadFile(
            f"{inspected.source_file}: some lines end in CRLF and others in LF: export it again with one kind."
        )
