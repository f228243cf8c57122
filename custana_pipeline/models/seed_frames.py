"""Flat customer files of one table: read strictly, typed by what they hold, faults told by line and column only."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np
import pandas as pd

from custana_pipeline.errors import BadFile, DataFault
from custana_pipeline.models.encoding import as_numbers
from custana_pipeline.raw.plain_files import open_plain

NUMBERS = ("purchase_frequency", "purchase_amount", "future_purchase", "future_amount", "recency_days", "tenure_days")
"""Columns that are numbers or nothing: a text in one of them is a fault, not a category."""
LINE = "line"
"""The physical line of a row in its file (for a one-line row); added by `read_flat`, never a feature."""
_YES = {"1", "1.0", "true", "yes", "y", "t"}
_NO = {"0", "0.0", "false", "no", "n", "f"}
_BLANK = {"", "na", "n/a", "nan", "null", "none"}


def read_flat(path: Path) -> pd.DataFrame:
    """The rows of a .csv or .csv.gz file with a header, all text, blanks missing, with the column `line`.

    The delimiter is a comma, semicolon or tab, whichever the header has most. Raises BadFile for a file that is
    missing, empty or not UTF-8, has only a header, doubled or nameless columns, or a row with too few or many fields.
    """
    try:
        with _opened(path) as lines:
            header, rows, numbers = _parsed(path, lines)
    except (OSError, EOFError) as error:
        raise BadFile(
            f"{path} cannot be read ({type(error).__name__}): give the path of a .csv or .csv.gz file."
        ) from error
    except UnicodeDecodeError as error:
        raise BadFile(f"{path} is not UTF-8 (byte {error.start}): save it again as UTF-8.") from error
    except csv.Error as error:
        raise BadFile(f"{path} is no readable CSV ({error}): check its quotes.") from error
    if not rows:
        raise BadFile(f"{path} has a header and no rows: export it again with its customers.")
    frame = pd.DataFrame(rows, columns=pd.Index(header), dtype=object)
    frame = frame.mask(frame.apply(lambda column: column.str.strip().str.lower().isin(_BLANK)))
    return frame.assign(**{LINE: np.array(numbers, dtype=np.int64)})


def _opened(path: Path) -> TextIO:
    file = open_plain(path.resolve(strict=True))
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(file, "rt", encoding="utf-8-sig", newline=""))
    return io.TextIOWrapper(file, encoding="utf-8-sig", newline="")


def _parsed(path: Path, lines: Iterable[str]) -> tuple[list[str], list[list[str]], list[int]]:
    stream: Iterator[str] = iter(lines)
    first = next(stream, "")
    if not first.strip():
        raise BadFile(f"{path} is empty or has no header in its first line: export it again.")
    delimiter = max(",;\t", key=first.count)
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    _check_header(path, header)
    rows, numbers = [], []
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    for row in reader:
        if not row:
            continue
        if len(row) != len(header):
            raise BadFile(
                f"{path}, line {reader.line_num + 1}: {len(row)} fields where the header has {len(header)}: "
                "correct or remove that line."
            )
        rows.append(row)
        numbers.append(reader.line_num + 1)
    return header, rows, numbers


def _check_header(path: Path, header: list[str]) -> None:
    doubled = sorted({name for name in header if header.count(name) > 1 and name})
    if doubled:
        raise BadFile(f"{path} has the column {', '.join(doubled)} more than once: rename or remove one.")
    if "" in header or LINE in header:
        raise BadFile(f"{path} has a column without a name, or one called '{LINE}': rename it.")


def typed(rows: pd.DataFrame, numeric: Iterable[str] | None = None) -> pd.DataFrame:
    """The rows with numbers as float64 and everything else as text.

    A column is a number when all its known values are, when it is one of NUMBERS, or, where `numeric` is given, when it
    is named there (the columns that were numbers in training). Age bands ('25-34', '65+') become their lower bound.
    Raises DataFault, with the line of the first offence, when such a column holds something else.
    """
    columns = {name: _typed_column(rows, str(name), numeric) for name in rows.columns}
    return pd.DataFrame(columns, index=rows.index)


def _typed_column(rows: pd.DataFrame, name: str, numeric: Iterable[str] | None) -> pd.Series:
    column: Any = rows[name]
    if name == "customer_id":
        return column.astype(str).where(column.notna())
    if pd.api.types.is_numeric_dtype(column):
        return column if name == LINE else column.astype("float64")
    known = column.notna()
    source = _lower_bounds(column) if name == "age" else column
    numbers = as_numbers(source)
    faulty = known & numbers.isna()
    is_demanded = name in NUMBERS or (numeric is not None and name in set(numeric))
    if is_demanded and faulty.any():
        raise DataFault(
            f"{name} holds {int(faulty.sum())} values that are no numbers, the first {place(rows, faulty)}: write "
            "plain numbers with a decimal point and without thousands separators or currency."
        )
    if is_demanded or (numeric is None and known.any() and not faulty.any()):
        return numbers
    return column.astype(str).where(known)


def _lower_bounds(ages: pd.Series) -> pd.Series:
    text = ages.astype(str).str.strip()
    bands = text.str.extract(r"^(\d+)\s*(?:-|–|to|\+)\s*\d*\s*\+?$", expand=False)
    return bands.where(bands.notna(), text).where(ages.notna())


def as_yes_or_no(rows: pd.DataFrame, name: str) -> pd.Series:
    """A yes/no column as 1.0 and 0.0, missing where blank; DataFault for anything but 0/1, true/false, yes/no."""
    words: Any = rows[name].astype(str).str.strip().str.lower()
    known: Any = rows[name].notna()
    answers: Any = pd.Series(np.where(words.isin(_YES), 1.0, np.where(words.isin(_NO), 0.0, np.nan)), index=rows.index)
    faulty = known & answers.isna()
    if faulty.any():
        raise DataFault(
            f"{name} holds {int(faulty.sum())} values that are neither 0/1, true/false nor yes/no, the first "
            f"{place(rows, faulty)}: write 1 for yes and 0 for no."
        )
    return answers.where(known)


def place(rows: pd.DataFrame, chosen: pd.Series) -> str:
    """Where the first chosen row is, for a message: by line of its file, else by row."""
    first = int(np.flatnonzero(chosen.to_numpy())[0])
    return f"in line {int(rows[LINE].iloc[first])}" if LINE in rows else f"in row {first + 1}"
