"""Files inspected ahead: a second process reads what a run is going to land while the command imports what it needs.

    begin   starts it, where it is known which files are new
    taken   what it found of one file; nothing where it has not come to it

Imports keep one processor busy and Python's lock with it, so that a thread would only slow them down. Nothing is
decided by it: a file that is bad, or changed since, is inspected again by whoever lands it, and that tells of it.
"""

import json
import mmap
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Any

from custana_pipeline.errors import CustanaError
from custana_pipeline.raw.contracts import InspectedFile, RawSetShape
from custana_pipeline.raw.file_stamps import settled_stamp, stamp_of
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.stores import receipts
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.source_files import files_of, shape_of

_FREE, _BEGUN, _LEFT = 0, 1, 2
"""Nobody has come to the file; the second process has; it is left to whoever lands it."""
_OWN = ("path", "shape")
"""What of an inspected file is known without reading it."""
_TUPLES = ("blank_lines", "file_columns", "unknown_columns", "line_ends", "stamp")
Asked = tuple[Path, RawSetShape]


@dataclass
class _Ahead:
    """The files that the second process was asked for, and what it has told of them so far."""

    asked: Sequence[Asked]
    states: mmap.mmap
    telling: IO[str]
    """One line of JSON a file: its place among those asked for, and what was found, or null."""
    told: dict[int, dict[str, Any] | None] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)

    def found(self, place: int) -> dict[str, Any] | None:
        """What it tells of a file that it has begun, waited for; nothing where it ended before."""
        with self.lock:
            # a line without its end is that of a process which was killed while it told
            while place not in self.told and (line := self.telling.readline()).endswith("\n"):
                number, found = json.loads(line)
                self.told[number] = found
            return self.told.get(place)


_ahead: dict[Path, tuple[_Ahead, int]] = {}


def begin(settings: Settings) -> None:
    """Begins to inspect the text files that are new since the last run, in the order in which they will be landed.

    None where it is not known which are new: a warehouse is there, and no run has left a receipt. It is to be called
    before DuckDB and Dagster are imported: a copy of the process has none of their threads, but their locks.
    """
    _ahead.clear()
    asked: list[Asked] = []
    with suppress(CustanaError):
        asked = _new_files(settings)
    if not asked:
        return
    states = mmap.mmap(-1, len(asked))
    out, into = os.pipe()
    try:
        process = os.fork()
    except OSError:  # no room for a second process: whoever lands a file reads it then
        os.close(out)
        os.close(into)
        return
    if process == 0:
        os.close(out)
        _tell_and_end(asked, states, into)
    os.close(into)
    ahead = _Ahead(asked, states, os.fdopen(out, encoding="utf-8"))
    _ahead.update({path: (ahead, place) for place, (path, _) in enumerate(asked)})


def taken(path: Path, shape: RawSetShape) -> InspectedFile | None:
    """What was found of a file that is still the same, waited for where it is being read; None if it was not begun."""
    ahead, place = _ahead.pop(path, (None, 0))
    if ahead is None or ahead.asked[place][1] != shape:
        return None
    if ahead.states[place] == _FREE:
        ahead.states[place] = _LEFT
        return None
    told = ahead.found(place)
    if told is None:
        return None
    found = InspectedFile(path=path, shape=shape, **{**told, **{name: tuple(told[name]) for name in _TUPLES}})
    with suppress(CustanaError):
        return found if stamp_of(path) == found.stamp else None
    return None


def _new_files(settings: Settings) -> list[Asked]:
    known = receipts.files_read(settings)
    if known is None and settings.warehouse_path.exists():
        return []
    files = [
        (path, shape_of(settings, name))
        for name, raw_set in sorted(settings.pack.raw.items())
        if not raw_set.connection
        for path in files_of(settings, name)
    ]
    texts = [(path, shape) for path, shape in files if "parquet" not in (path.suffix.lower()[1:], shape.format)]
    # one that was written this very moment may be written once more and keep its stamp
    return [(path, shape) for path, shape in texts if settled_stamp(path) not in ("", (known or {}).get(str(path)))]


def _tell_and_end(asked: Sequence[Asked], states: mmap.mmap, into: int) -> None:
    """The second process: inspects one file after the other, and ends without anything of the first one's end."""
    for stopped in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopped, signal.SIG_DFL)
    try:
        with os.fdopen(into, "w", encoding="utf-8") as telling:
            for place, (path, shape) in enumerate(asked):
                if states[place] == _FREE:
                    states[place] = _BEGUN
                    telling.write(json.dumps([place, _found(path, shape)]) + "\n")
                    telling.flush()
    finally:
        os._exit(0)


def _found(path: Path, shape: RawSetShape) -> dict[str, Any] | None:
    # whatever is wrong with it, whoever lands it meets it again, and reads what was written since it was asked for
    with suppress(Exception):
        if settled_stamp(path):
            return {name: value for name, value in asdict(inspect_file(path, shape)).items() if name not in _OWN}
    return None
