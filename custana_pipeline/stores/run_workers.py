"""The processes that carry out a Dagster run, each with a file `<dagster home>/workers/<run_id>` that it keeps locked.

The kernel lets go of the lock with its process, however that ends. So a file that is locked is a living worker, a file
that is not is what a dead one left, and the file says whom to kill and from when on.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from custana_pipeline.errors import TookTooLong
from custana_pipeline.stores.file_locks import opened_lock, taken

FOLDER = "workers"
GRACE_SECONDS = 10.0
"""From being asked to stop to being stopped by the kernel."""


OVERDUE = (
    "TOO_LONG: the run took longer than max_runtime_seconds and was ended: see what it waited for, or set "
    "CUSTANA_MAX_RUNTIME_SECONDS higher."
)
TOO_LONG, STOPPED = "TOO_LONG", "STOPPED"


@dataclass
class Stop:
    """Whether the run at work in this process is to end, and why; whatever a step makes of the interruption."""

    reason: str = ""
    is_at_work: bool = False

    def ask(self, reason: str) -> None:
        """Has the run end; the first reason holds, and where no run is at work there is nothing to end."""
        if self.is_at_work:
            self.reason = self.reason or reason


STOP = Stop()


@dataclass(frozen=True)
class Worker:
    """What a worker's file says of it."""

    path: Path
    pid: int
    limit_seconds: float
    began: float
    """Seconds since the epoch."""

    @property
    def run_id(self) -> str:
        """The run that it carries out."""
        return self.path.name

    @property
    def lives(self) -> bool:
        """Whether its process still runs."""
        return is_at_work(self.path.parent.parent, self.run_id)

    @property
    def is_overdue(self) -> bool:
        """Whether it should have ended itself before, and did not."""
        return time.time() - self.began > self.limit_seconds + 2 * GRACE_SECONDS

    def kill(self) -> None:
        """Ends the process, which cannot refuse; nothing where it has ended by itself."""
        if self.pid and self.lives:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def forget(self) -> None:
        """Takes its file away."""
        self.path.unlink(missing_ok=True)


@contextmanager
def working(home: Path, run_id: str, limit_seconds: float) -> Iterator[None]:
    """Counts this process as the worker of a run, which may take `limit_seconds`.

    After those TookTooLong is raised where the main thread stands; ten seconds later the kernel ends the process.
    """
    path = home / FOLDER / run_id
    aside = path.with_name(f".{run_id}.{os.getpid()}")
    with opened_lock(aside) as file:
        taken(file)  # nobody else knows this name
        file.write(json.dumps({"pid": os.getpid(), "limit_seconds": limit_seconds}))
        file.flush()
        aside.replace(path)  # so that the file is never seen without its lock
        STOP.reason, STOP.is_at_work = "", True
        try:
            with _limited(limit_seconds):
                yield
        finally:
            STOP.reason, STOP.is_at_work = "", False  # a process may carry out another run after this one
            path.unlink(missing_ok=True)


def is_at_work(home: Path, run_id: str) -> bool:
    """Whether a living process carries out the run."""
    path = home / FOLDER / run_id
    try:
        with path.open("r+", encoding="utf-8") as file:
            return not taken(file)
    except FileNotFoundError:
        return False


def known_workers(home: Path) -> list[Worker]:
    """All workers, living and dead, that have a file; in the order of their run ids."""
    found = []
    for path in sorted((home / FOLDER).glob("[!.]*")):
        try:
            found.append(_read(path))
        except FileNotFoundError:  # it has ended just now
            continue
    return found


def _read(path: Path) -> Worker:
    began = path.stat().st_mtime
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Worker(path, int(told["pid"]), float(told["limit_seconds"]), began)
    except (ValueError, KeyError, TypeError):  # a machine that lost its power may leave an empty file, and no process
        return Worker(path, 0, 0.0, began)


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return

    def end(*_: object) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the next one ends the process, whatever it is doing
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
        STOP.ask(TOO_LONG)
        raise TookTooLong(OVERDUE)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
