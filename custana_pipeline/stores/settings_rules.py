"""Rules that the texts in custana.toml keep beyond their types, so that none of them can say more than a setting.

Each rule returns what it was given, or raises ValueError with words that name no value; pydantic adds the place.
"""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

from custana_pipeline.errors import shown

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
MOST_PATTERNS = 50
MOST_COLUMNS = 500
LONGEST_WORDS = 300
"""Characters of a description, a header or another short text."""
SQL_WORDS = frozenset(
    """all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check
    collate collation column concurrently constraint create cross default deferrable desc describe distinct do else end
    except false fetch for foreign freeze from full glob group having ilike in initially inner intersect into is isnull
    join lambda lateral leading left like limit natural not notnull null offset on only or order outer overlaps pivot
    pivot_longer pivot_wider placing positional primary qualify references returning right rowid select semi show
    similar some summarize symmetric table tablesample then to trailing true union unique unpack unpivot using variadic
    verbose when where window with""".split()  # noqa: SIM905 - a hundred quotes would hide the words
)
"""Names that no column of a table can have without quotes."""
OWN_COLUMNS = frozenset(("source_file", "source_hash", "source_line"))
OWN_RAW_SETS = frozenset(("files", "file_stamps", "inputs", "malformed_lines", "replays"))
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_MARKS = re.compile(r"%(-[dmyHIMSj]|[aAwdbBmyYHIMSpjUWfzZxXcgnuVG%])")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")


def identifier(name: str) -> str:
    """The name of a table, pack or raw set."""
    if not IDENTIFIER.fullmatch(name):
        raise ValueError("a name is lower-case letters, digits and _, begins with a letter, and has at most 63 of them")
    return name


def raw_name(name: str) -> str:
    """The name of a raw column: one that SQL takes without quotes and that custana does not use itself."""
    identifier(name)
    if name in SQL_WORDS:
        raise ValueError(f"'{name}' is a word of SQL: call the column otherwise, such as {name}_no")
    if name in OWN_COLUMNS:
        raise ValueError(f"'{name}' is custana's own column: call yours otherwise")
    return name


def one_line(text: str) -> str:
    """A short text without control characters."""
    if len(text) > LONGEST_WORDS or shown(text, LONGEST_WORDS) != text:
        raise ValueError(f"a text is one line of at most {LONGEST_WORDS} visible characters")
    return text


def file_pattern(pattern: str) -> str:
    """A pattern of file names that stays below the folder that it is applied to."""
    one_line(pattern)
    if not pattern.strip() or _SCHEME.match(pattern):
        raise ValueError("a file pattern is a file name such as 'orders*.csv', and no address")
    parts = PurePosixPath(pattern).parts
    if pattern.startswith(("/", "~")) or ".." in parts or "\\" in pattern:
        raise ValueError("a file pattern stays below the input folder: no /, ~ or .. that leads out of it, and no \\")
    if parts.count("**") > 1 or any("**" in part and part != "**" for part in parts):
        raise ValueError("a file pattern has at most one **, as a folder of its own")
    return pattern


def field_mark(mark: str) -> str:
    """The character between two fields of a csv."""
    if not mark.isascii() or mark.isalnum() or mark in '"\r\n\0':
        raise ValueError(
            "the delimiter is one ASCII sign such as , ; | or a tab, and no letter, digit, quote or line end"
        )
    return mark


def strptime_format(text: str) -> str:
    """A format of dates in the signs that DuckDB's strptime knows, which names at least a year and a day."""
    if len(text) > 60 or shown(text) != text:
        raise ValueError("a time format is at most 60 visible characters")
    if "%" in _MARKS.sub("", text):
        raise ValueError("a time format has a % that is no sign of strptime: write %Y-%m-%d or the like")
    marks = set(_MARKS.findall(text))
    has_year, has_day = marks & {"Y", "y", "-y", "G", "x", "c"}, marks & {"d", "-d", "j", "-j", "u", "x", "c"}
    if not (has_year and has_day):
        raise ValueError("a time format names the year and the day, as %Y-%m-%d does")
    return text


def zone(name: str) -> str:
    """The IANA name of a time zone that is the same on every machine."""
    told = "there is no such IANA time zone, as 'Europe/London' is one"
    if not _ZONE.fullmatch(name) or len(name) > 60 or name.lower().split("/")[0] in ("localtime", "posix", "right"):
        raise ValueError(told)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(told) from None
    return name


def own_owner(owner: str) -> str:
    """An owner as Dagster takes it."""
    if not re.fullmatch(r"team:[A-Za-z0-9_-]{1,60}|[A-Za-z0-9._%+-]{1,60}@[A-Za-z0-9.-]{1,100}\.[A-Za-z]{2,24}", owner):
        raise ValueError("an owner is an e-mail address, or team:<name>")
    return owner


def memory(text: str) -> str:
    """An amount of memory, or nothing."""
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) *([KMGT])i?B", text)
    if text and not found:
        raise ValueError("an amount of memory is written as '4GB' is")
    size = float(found[1]) * 1024 ** ("KMGT".index(found[2]) + 1) if found else 0.0
    if text and not 64 * 1024**2 <= size <= 64 * 1024**4:
        raise ValueError("memory is between 64MB and 64TB")
    return text


def no_booleans_for_numbers(given: Any, numbers: Mapping[str, Any]) -> Any:
    """Refuses true and false where a number is meant: to Python they are 1 and 0."""
    if isinstance(given, Mapping):
        wrong = [name for name, kind in numbers.items() if isinstance(given.get(name), bool) and kind is not bool]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: true and false are no values of it")
    return given


def day(given: dt.date) -> dt.date:
    """A day that a calendar of customers can hold."""
    if not 1900 <= given.year <= 2199:
        raise ValueError("a day lies between 1900 and 2199")
    return given


Identifier = Annotated[str, AfterValidator(identifier)]
RawName = Annotated[str, AfterValidator(raw_name)]
OneLine = Annotated[str, AfterValidator(one_line)]
FilePattern = Annotated[str, AfterValidator(file_pattern)]
FieldMark = Annotated[str, AfterValidator(field_mark)]
TimeFormat = Annotated[str, AfterValidator(strptime_format)]
Zone = Annotated[str, AfterValidator(zone)]
Owner = Annotated[str, AfterValidator(own_owner)]
Memory = Annotated[str, AfterValidator(memory)]
Day = Annotated[dt.date, AfterValidator(day)]
