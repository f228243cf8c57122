"""What a raw file set should look like, what one of its files was found to be, and the names that both use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from custana_pipeline.errors import WrongUse

RawFormat = Literal["csv", "blank_separated", "fixed_width", "parquet"]
ParquetKind = Literal["plain", "float", "zoned"]
"""How a parquet column becomes text: as it is, without the .0 of whole numbers, or as local time of the source."""

SOURCE_COLUMNS = ("source_file", "source_hash", "source_line")
KNOWN_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_SPAN = re.compile(r"^(\d{1,5})-(\d{1,5})\Z")
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}\Z")


@dataclass(frozen=True)
class RawSetShape:
    """The declared shape of the files of one raw set.

    `columns` maps the raw name (the column of raw.<name>) to the header that the files carry; where `header` is false
    its order is the order in the files.
    For fixed_width it maps the raw name to the first and last character, "1-5".
    Raises WrongUse for a name that is no plain identifier.
    """

    name: str
    columns: Mapping[str, str]
    format: RawFormat = "csv"
    delimiter: str = ","
    header: bool = True
    optional: tuple[str, ...] = ()
    timezone: str = "UTC"
    """The zone whose local time a parquet timestamp with a zone is turned into."""

    def __post_init__(self) -> None:
        for name in (self.name, *self.columns):
            if not _NAME.match(name) or name in SOURCE_COLUMNS:
                raise WrongUse(f"raw set {self.name!r}: {name!r} is no name for it: use a-z, 0-9 and _, letter first.")
        if strangers := set(self.optional) - set(self.columns):
            raise WrongUse(f"raw set {self.name}: optional {sorted(strangers)} are not among its columns.")
        if len(self.delimiter.encode()) != 1 or self.delimiter in '"\r\n':
            raise WrongUse(f"raw set {self.name}: the delimiter has to be one plain character.")

        if self.format == "fixed_width" and self.header:
            raise WrongUse(f"raw set {self.name}: a fixed_width file has no header: write header = false.")
        _ = self.spans

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """For fixed_width the first and last character of each column, from 1; else nothing. WrongUse for a bad one."""
        if self.format != "fixed_width":
            return ()
        found = [_SPAN.match(place) for place in self.columns.values()]
        spans = tuple((int(each[1]), int(each[2])) for each in found if each)
        if len(spans) < len(found) or any(not 1 <= first <= last for first, last in spans):
            raise WrongUse(f'raw set {self.name}: each fixed_width column says its characters, such as "1-5".')
        return spans

    @property
    def digest(self) -> str:
        """A short hash of the declaration: files landed under another one are landed again."""
        parts = (self.format, self.delimiter, str(self.header), *self.optional, *map("=".join, self.columns.items()))
        parts += (self.timezone,) if self.timezone != "UTC" else ()
        return sha256("\x1f".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class InspectedFile:
    """One file that may be landed: what one pass over its bytes found.

    `positions` gives, for each raw name, the place of its column in the file (from 0), or None where an optional one
    is missing. Line numbers are physical and count from 1; for parquet a line is a row. `line_ends` counts those that
    are LF and those that are CRLF. `file_columns` are the headers, or the raw names where there is no header.
    """

    path: Path
    shape: RawSetShape
    format: RawFormat
    source_hash: str
    byte_count: int
    expanded_byte_count: int
    line_count: int
    blank_lines: tuple[int, ...]
    positions: Mapping[str, int | None]
    file_columns: tuple[str, ...] = field(repr=False)
    unknown_columns: tuple[str, ...]
    is_gzip: bool = False
    line_ends: tuple[int, int] = (0, 0)
    kinds: Mapping[str, ParquetKind] = field(default_factory=dict)
    stamp: tuple[int, ...] = ()
    """What tells whether the file is still the inspected one."""
    is_plain: bool = False
    """A csv without quoted text, blank lines and gzip that has as many delimiters as its lines should have.

    Then every line is most likely a record; proven it is once there are as many records as lines.
    """
    has_long_lines: bool = False
    """Whether some line is so long that a reader which notes it for each of its faults may not come to an end."""

    @property
    def source_file(self) -> str:
        """The name that rows and ledger carry."""
        return self.path.name

    @property
    def header_line_count(self) -> int:
        """1 where the first line is a header, else 0."""
        return int(self.shape.header and self.format != "parquet")

    @property
    def has_mixed_line_ends(self) -> bool:
        """Whether some line ends are CRLF and others LF, in order only for line ends inside quoted fields."""
        return all(self.line_ends)


@dataclass(frozen=True)
class MalformedLine:
    """A record that cannot be split into the fields of its file: where it begins, why, and its text."""

    source_line: int
    reason: str
    raw_line: str
