"""What tells that a file is still the one that was read, without reading it again."""

import time
from pathlib import Path

from custana_pipeline.errors import Transient
from custana_pipeline.raw.contracts import InspectedFile

SETTLING_NS = 2_000_000_000
"""The coarsest clock of a file system in use; a stamp older than this is that of the last write."""


def stamp_of(path: Path) -> tuple[int, ...]:
    """What tells that a path holds the same bytes as before: size, times of writing and change, and which file it is.

    Raises Transient where the file is gone.
    """
    try:
        found = path.stat()
    except OSError:
        raise _still_written(path.name) from None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def settled_stamp(path: Path) -> str:
    """The stamp as text; empty where there is no file, or its last write is so fresh that one more may leave no trace.

    The time of change (ctime) is in it, which no program can set back, so that a file with a restored time of writing
    is read again.
    """
    try:
        stamp = stamp_of(path)
    except Transient:
        return ""
    written_ns = max(stamp[1:3])
    return "-".join(map(str, stamp)) if time.time_ns() - written_ns > SETTLING_NS else ""


def refuse_changed(inspected: InspectedFile) -> None:
    """Raise Transient where a file is no longer the inspected one: it is being written, or was replaced."""
    refuse_other(inspected.path, inspected.stamp)


def refuse_other(path: Path, stamp: tuple[int, ...]) -> None:
    """Raise Transient where a file has another stamp than before."""
    if stamp_of(path) != stamp:
        raise _still_written(path.name)


def _still_written(file_name: str) -> Transient:
    return Transient(f"{file_name}: it changed while it was read: wait until it is written, then run again.")
