"""What an error of the disk or of a database means, in custana's own words.

A full disk shows as an OSError, as DuckDB's text, as SQLite's, or as any of these wrapped by Dagster or MLflow. The
texts of the libraries are read here and never shown.
"""

import errno
import re
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path

from custana_pipeline.errors import CustanaError, Damaged, NoSpace, Transient

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_FULL_TEXT = re.compile(r"No space left on device|is full|Disk quota exceeded|File too large|max_temp_directory_size")
_REFUSED_TEXT = re.compile(
    r"readonly database|Read-only file system|Permission denied|unable to open database file|disk I/O error"
)
_DAMAGED_TEXT = re.compile(
    r"Corrupt (database|WAL)|does not match stored checksum|"
    r"Could not read enough bytes from file \S*\.duckdb|Failure while replaying WAL|"
    r"not a valid DuckDB database|disk image is malformed|file is not a database|Failed to deserialize"
)
_MEMORY_TEXT = "Out of Memory Error:"
"""Within a text of another kind where one connection reads what another one yields."""
_FULL_BYTES = 4_000_000
"""With less than this free a database that cannot write has no room."""
_DATABASES = ("duckdb", "_duckdb", "sqlite3", "sqlalchemy", "mlflow", "dagster")


def told(error: BaseException, where: Path | None = None) -> CustanaError | None:
    """The error as one of custana's; None where it is neither the disk's nor a damaged or locked database's.

    `where` is a file or folder on the disk in question, for its free space.
    """
    for each in _chain(error):
        kind = _kind(each)
        if kind == "refused" and where is not None and free_bytes(where) < _FULL_BYTES:
            kind = NoSpace  # SQLite says only that it could not write
        if kind is not None:
            return _worded(kind, each, where)
    return None


def defect(error: BaseException) -> CustanaError:
    """An error that nobody has foreseen: its type and place, without its text, which may quote customers' values."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "custana_pipeline" in frame.filename] or frames
    where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "an unknown place"
    return CustanaError(
        f"A defect of custana: {type(error).__name__} at {where}. Its text is withheld, since it may hold customers' "
        "values; run again with CUSTANA_DEBUG=1 to see it, and report it, please."
    )


def free_bytes(where: Path) -> int:
    """The free bytes of the disk that `where`, or the nearest folder above it that is there, lies on."""
    there = next(folder for folder in (where, *where.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


def megabytes(count: float) -> str:
    """Bytes in a message.

    >>> megabytes(123_456_789), megabytes(3_140_000_000), megabytes(40_000_000_000)
    ('124 MB', '3.1 GB', '40 GB')
    """
    if count < 999.5e6:
        return f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.1f} GB" if count < 9.95e9 else f"{count / 1e9:,.0f} GB"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [getattr(each, "orig", None), each.__cause__, each.__context__]


def _kind(error: BaseException) -> type[CustanaError] | str | None:
    if isinstance(error, OSError) and error.errno in _FULL:
        return NoSpace
    if isinstance(error, OSError) and error.errno in _REFUSED:
        return "refused"
    if isinstance(error, MemoryError):
        return "no memory"
    if not type(error).__module__.startswith(_DATABASES):
        return None
    text = str(error)
    lacks_memory = type(error).__name__ == "OutOfMemoryException" or _MEMORY_TEXT in text
    if lacks_memory and not _FULL_TEXT.search(text):
        return "memory"
    if _FULL_TEXT.search(text):
        return NoSpace
    if _REFUSED_TEXT.search(text):
        return "refused"
    if "database is locked" in text:
        return Transient
    if _DAMAGED_TEXT.search(text):
        return Damaged
    return None


def _worded(kind: type[CustanaError] | str, error: BaseException, where: Path | None) -> CustanaError:
    place = where or _place(error)
    name = f" {place.name}" if place else ""
    if kind is NoSpace:
        free = f" ({megabytes(free_bytes(place))} free)" if place else ""
        return NoSpace(
            f"The disk takes no more{' of' if name else ''}{name}{free}: free some space, or give --data-dir on a "
            "larger disk, and run again. What was published before still stands."
        )
    if kind is Damaged:
        return Damaged(
            f"The database{name} is damaged; nothing was published from it, and what was stays. `custana verify` looks "
            "through everything, and `custana verify --repair` moves it aside and restores the last snapshot."
        )
    if kind == "memory":
        return CustanaError(
            "A query needs more memory than memory_limit allows: raise CUSTANA_MEMORY_LIMIT, or free disk space for "
            "spilling. What was published before still stands."
        )
    if kind == "no memory":
        return CustanaError(
            "This process may have no more memory: let DuckDB have less (CUSTANA_MEMORY_LIMIT), or give the machine, "
            "its container or ulimit more. What was published before still stands."
        )
    if kind is Transient:
        return Transient(f"The database{name} is locked by another process: try again when that has ended.")
    return CustanaError(
        f"The disk refuses to write{name}: check the rights of the data folder and the free space, and run again."
    )


def _place(error: BaseException) -> Path | None:
    name = getattr(error, "filename", None)
    return Path(name) if isinstance(name, str) else None
