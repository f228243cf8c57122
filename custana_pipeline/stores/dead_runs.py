"""Dagster runs whose process died or will not end, ended in Dagster's books: else they hold the queue's only place.

A local run has no health check. What tells the living from the dead is the worker's lock (`run_workers`), which the
kernel drops with its process.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores.file_locks import opened_lock, taken
from custana_pipeline.stores.run_workers import (
    FOLDER,
    GRACE_SECONDS,
    OVERDUE,
    TOO_LONG,
    Worker,
    is_at_work,
    known_workers,
)

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

COMMAND_TAGS = {"custana/trigger": "command"}
"""The tags of a run that a command makes in its own process."""
DIED = "The process of this run died before the run ended."
ENDED_TAG = "custana/ended"
"""Carries the code of what ended a run that did not end by itself."""
_DIED_TAGS = {"custana/died": "yes"}
"""The tags of a command's run whose process died."""
KEPT_DEAD_RUNS = 5
"""How many runs of commands that died stay in the books, the newest; each takes about a megabyte."""
_SERVERS_LOCK = "servers.lock"
_LINGERING_SECONDS = 5.0
"""A process whose run has ended in the books for longer than this is killed."""


@contextmanager
def serving(home: Path) -> Iterator[None]:
    """Holds the home as its only servers; WrongUse where others serve it already."""
    with opened_lock(home / _SERVERS_LOCK) as file:
        if not taken(file):
            raise WrongUse(f"Another `custana ui` serves {home} already: use that one, or stop it first.")
        yield


def end_dead_runs(instance: "DagsterInstance", home: Path, *, of_servers: bool) -> list[str]:
    """Ends the runs of commands that died, and with `of_servers` those of servers; returns their ids.

    Pass `of_servers` before the daemon is up: what stands as started then has nobody who runs it, unless its worker
    outlived the servers.
    """
    ended = []
    for run in _unfinished(instance):
        is_ours = of_servers or (COMMAND_TAGS.items() <= run.tags.items())
        if is_ours and not is_at_work(home, run.run_id) and _end(instance, run.run_id, DIED):
            ended.append(run.run_id)
            (home / FOLDER / run.run_id).unlink(missing_ok=True)
            if COMMAND_TAGS.items() <= run.tags.items():
                instance.add_run_tags(run.run_id, _DIED_TAGS)
    if ended:
        _forget_older(instance, home, ended)
    return ended


def mark_too_long(instance: "DagsterInstance", run_id: str) -> None:
    """Says of a run why it is about to end, and that it is not tried again: it would hang again."""
    instance.add_run_tags(run_id, {ENDED_TAG: TOO_LONG, "dagster/max_retries": "0"})


def is_ended(instance: "DagsterInstance", run_id: str) -> bool:
    """Whether the books say that the run is over: whoever still carries it out must not publish any more."""
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


@dataclass
class RunWatch:
    """What `custana ui` does about runs while it is up; one look takes some milliseconds."""

    instance: "DagsterInstance"
    home: Path
    _seen_dead: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Ends runs of dead processes, and processes of runs that are over, hang, or will not be cancelled."""
        end_dead_runs(self.instance, self.home, of_servers=False)
        workers = known_workers(self.home)
        dead = [worker for worker in workers if not worker.lives]
        for worker in workers:
            if worker not in dead:
                self._judge(worker)
        for worker in dead:
            # Dagster's own code server, where it lives, is the first to tell what became of its child
            if worker.run_id in self._seen_dead:
                _end(self.instance, worker.run_id, DIED)
                worker.forget()
        self._seen_dead = {worker.run_id for worker in dead}

    def _judge(self, worker: Worker) -> None:
        record = self.instance.get_run_record_by_id(worker.run_id)
        if record is None:
            return
        run = record.dagster_run
        if run.is_finished:
            if time.time() - (record.end_time or 0) > _LINGERING_SECONDS:
                worker.kill()
        elif worker.is_overdue:
            mark_too_long(self.instance, run.run_id)
            _end(self.instance, run.run_id, OVERDUE)
            worker.kill()
        elif run.status.value == "CANCELING" and time.time() - record.update_timestamp.timestamp() > GRACE_SECONDS:
            worker.kill()


def _forget_older(instance: "DagsterInstance", home: Path, untold: list[str]) -> None:
    """Takes the runs of commands that died out of the books and off the disk, but for the newest and the `untold`."""
    from dagster import RunsFilter

    died = instance.get_runs(filters=RunsFilter(tags={**COMMAND_TAGS, **_DIED_TAGS}))
    for run in died[KEPT_DEAD_RUNS:]:
        if run.run_id in untold:
            continue
        instance.delete_run(run.run_id)
        for events in (home / "history" / "runs").glob(f"{run.run_id}.db*"):
            events.unlink()  # Dagster empties the file, and leaves it


def _unfinished(instance: "DagsterInstance") -> list["DagsterRun"]:
    from dagster import DagsterRunStatus, RunsFilter

    statuses = [
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
        DagsterRunStatus.CANCELING,
    ]
    return list(instance.get_runs(filters=RunsFilter(statuses=statuses)))


def _end(instance: "DagsterInstance", run_id: str, message: str) -> bool:
    """Ends a run in the books, unless it has ended meanwhile; a cancelled one as cancelled."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return False
    if run.status.value == "CANCELING":
        instance.report_run_canceled(run, message)
    else:
        instance.report_run_failed(run, message)
    instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return True
