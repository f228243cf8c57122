"""A warehouse that stays open for a moment after a change, so that the next step of the run finds it open.

    lingering       while it lasts, `opened` shares one open database of this process
    opened          a connection of that database
    closed          a connection of it has been closed
    let_go          closes the database now: before work on the file itself, and after a failure

To open a DuckDB file takes 20 ms and to close it 25, whatever changed, and a run does so 46 times. It is closed
SECONDS after it was opened, or as soon as nobody uses it after that, so that whoever waits for the file has his turn
between steps as before.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

SECONDS = 2.0


@dataclass
class _Database:
    """The database that is open now, if any; `users` are its open connections but the one that keeps it open."""

    path: Path | None = None
    kept: duckdb.DuckDBPyConnection | None = None
    users: int = 0
    is_due: bool = False
    timer: threading.Timer | None = None


_open = _Database()
_turn = threading.RLock()
_allowed = threading.Event()


@contextmanager
def lingering() -> Iterator[None]:
    """Within it databases are shared; nothing is open after it."""
    _allowed.set()
    try:
        yield
    finally:
        _allowed.clear()
        let_go()


def opened(
    path: Path, connect: Callable[[], duckdb.DuckDBPyConnection], *, only_if_open: bool = False
) -> duckdb.DuckDBPyConnection | None:
    """A connection of the shared database of `path`, which `connect` opens; None where none may or shall be shared."""
    with _turn:
        if _open.kept is None or _open.path != path:
            if not _allowed.is_set() or only_if_open:
                return None
            let_go()
            _open.kept = _kept_open(path, connect())
        _open.users += 1
        return _open.kept.cursor()


def _kept_open(path: Path, kept: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    timer = threading.Timer(SECONDS, _due, (kept,))
    timer.daemon = True
    timer.start()
    _open.path, _open.users, _open.is_due, _open.timer = path, 0, False, timer
    return kept


def closed() -> None:
    """Notes that a connection from `opened` has been closed."""
    with _turn:
        _open.users -= 1
        if _open.is_due and not _open.users:
            let_go()


def let_go(path: Path | None = None) -> None:
    """Closes the database where it is that of `path`, or whichever it is, if no connection of it is in use."""
    with _turn:
        if _open.kept is None or _open.users or (path is not None and _open.path != path):
            return
        kept, timer = _open.kept, _open.timer
        _open.path = _open.kept = _open.timer = None
        if timer is not None:
            timer.cancel()
        kept.close()


def _due(kept: duckdb.DuckDBPyConnection) -> None:
    with _turn:
        if _open.kept is kept:
            _open.is_due = True
            let_go()
