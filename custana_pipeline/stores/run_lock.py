"""One run at a time over a source's warehouse, and none that is over.

The lock is one that the kernel drops with its process, so that a crash leaves nothing to clear. Its file names the
holder: process, run, and since when. A holder whose run has ended in Dagster's books can change nothing any more (each
change asks first), and is killed by whoever waits for it, after a time of grace.
"""

import contextlib
import datetime as dt
import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol, TextIO

from custana_pipeline.errors import Superseded, Transient
from custana_pipeline.stores.file_locks import opened_lock, taken

WAIT_SECONDS = 3600.0
GRACE_SECONDS = 10.0
"""How long a process may hold the lock after its run has ended."""
_POLL_SECONDS = 0.2
_BOOKS_SECONDS = 2.0
_TOLD_SECONDS = 60.0
_log = logging.getLogger("custana")


class Books(Protocol):
    """What is known of runs; Dagster's instance knows it in a pipeline."""

    def is_over(self, run_id: str) -> bool:
        """Whether the run has ended, well or not."""
        ...


class NoBooks:
    """For work that is no run: nothing is known, so nothing is over."""

    def is_over(self, run_id: str) -> bool:  # noqa: ARG002
        """Never."""
        return False


@dataclass(frozen=True)
class Turn:
    """What is waited for, and how long."""

    warehouse: Path
    books: Books = field(default_factory=NoBooks)
    wait_seconds: float = WAIT_SECONDS
    grace_seconds: float = GRACE_SECONDS

    @property
    def path(self) -> Path:
        """The file of the lock, beside the warehouse."""
        return self.warehouse.with_suffix(".lock")


@dataclass(frozen=True)
class Holder:
    """The process that holds the lock, as its file says."""

    pid: int
    started: str
    """Boot and start time of the process; another process of the same number has others."""
    since: str
    run_id: str = ""

    @property
    def told(self) -> str:
        """The holder in a message."""
        return f"process {self.pid}, since {self.since}"


@dataclass
class Lease:
    """The lock while it is held."""

    turn: Turn
    file: TextIO
    holder: Holder

    def begins(self, run_id: str) -> None:
        """From now on it is this run that is asked about."""
        self.holder = replace(self.holder, run_id=run_id)
        _write(self.file, json.dumps(asdict(self.holder)))

    def ends(self) -> None:
        """The run has ended, and its process has more to do: nothing is asked about until another one begins."""
        with contextlib.suppress(OSError):
            self.begins("")

    def refuse_if_lost(self) -> None:
        """Raises Superseded where the run has ended in the books, or the lock is no longer this process's."""
        run = self.holder.run_id
        if not _is_at(self.turn.path, self.file) or read_holder(self.turn.path) != self.holder:
            raise Superseded("Another run has taken this one's place, so this one changes nothing and ends.")
        if run and self.turn.books.is_over(run):
            raise Superseded(f"The run {run} was ended already, so it changes nothing any more: start another one.")


_leases: dict[Path, Lease] = {}


@contextmanager
def holding_turn(turn: Turn) -> Iterator[Lease]:
    """Waits until no other run is under way, and is the only one for the block.

    Within the block the same process may ask again. The wait is told to the logger `custana`. Raises Transient, with
    the holder's process, where the other is not done in time.
    """
    if turn.path in _leases:
        yield _leases[turn.path]
        return
    with _taken_in_time(turn) as file:
        me = Holder(os.getpid(), started_at(os.getpid()), f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC")
        lease = Lease(turn, file, me)
        lease.begins("")
        _leases[turn.path] = lease
        try:
            yield lease
        finally:
            del _leases[turn.path]
            with contextlib.suppress(OSError):
                _write(file, "")


def refuse_if_lost(warehouse: Path) -> None:
    """Raises Superseded where this process runs over the warehouse and may not change anything any more."""
    lease = _leases.get(warehouse.with_suffix(".lock"))
    if lease is not None:
        lease.refuse_if_lost()


def read_holder(path: Path) -> Holder | None:
    """Who the lock's file names; None where nobody does."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def started_at(pid: int) -> str:
    """When a living process started, as a text that no other process has; empty where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{boot}:{fields[19]}"


@contextmanager
def _taken_in_time(turn: Turn) -> Iterator[TextIO]:
    patience = _Patience(turn)
    while True:
        with opened_lock(turn.path) as file:
            if not taken(file):
                patience.wait()
            elif _is_at(turn.path, file):  # else somebody has deleted the file, and the lock with it
                yield file
                return


@dataclass
class _Patience:
    """Waiting for a holder: told, bounded, and at an end where the holder's run is over."""

    turn: Turn
    begun: float = field(default_factory=time.monotonic)
    told_at: float = float("-inf")
    asked_at: float = float("-inf")
    over_since: float | None = None

    def wait(self) -> None:
        now, holder = time.monotonic(), read_holder(self.turn.path)
        who = holder.told if holder else "a process that is not named yet"
        if now - self.begun > self.turn.wait_seconds:
            raise Transient(
                f"Another run of {self.turn.warehouse.stem} ({who}) has been under way for {now - self.begun:.0f} s "
                "longer than this one may wait: let it end or stop it, or raise CUSTANA_RUN_WAIT_SECONDS."
            )
        if holder and now - self.told_at > _TOLD_SECONDS:
            self.told_at = now
            _log.warning(
                "Another run of %s is under way (%s): waiting for it, at most %.0f s.",
                self.turn.warehouse.stem,
                who,
                self.turn.wait_seconds - (now - self.begun),
            )
        if holder and now - self.asked_at > min(_BOOKS_SECONDS, self.turn.grace_seconds):
            self.asked_at = now
            self._end_what_is_over(holder)
        time.sleep(_POLL_SECONDS)

    def _end_what_is_over(self, holder: Holder) -> None:
        if not holder.run_id or not self.turn.books.is_over(holder.run_id):
            self.over_since = None
            return
        self.over_since = self.over_since or time.monotonic()
        is_same = holder.started and holder.started == started_at(holder.pid) and holder.pid != os.getpid()
        if is_same and time.monotonic() - self.over_since >= self.turn.grace_seconds:
            _log.warning("The run of %s is over, but it goes on: it is killed.", holder.told)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(holder.pid, signal.SIGKILL)


def _is_at(path: Path, file: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:
        return False


def _write(file: TextIO, text: str) -> None:
    os.ftruncate(file.fileno(), 0)
    file.write(text)
    file.flush()
