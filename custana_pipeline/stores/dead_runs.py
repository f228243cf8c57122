"""Dagster runs whose process died, ended as failures: else they stand as started and the queue waits for hours.

A local run has no health check. What tells the living from the dead is a lock that the kernel drops with its process: a
command shares the home's command lock for as long as it runs, the servers hold the server lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores.file_locks import opened_lock, share, taken

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

COMMAND_TAGS = {"custana/trigger": "command"}
"""The tags of a run that a command makes in its own process."""
_COMMANDS_LOCK, _SERVERS_LOCK = "commands.lock", "servers.lock"


@contextmanager
def commanding(instance: "DagsterInstance", home: Path) -> Iterator[None]:
    """Counts this process among the home's living commands; ends the runs of dead ones where no other lives."""
    with opened_lock(home / _COMMANDS_LOCK) as file:
        if taken(file):
            _end(instance, [run for run in _started(instance) if _is_of_command(run)])
        share(file)
        yield


@contextmanager
def serving(home: Path) -> Iterator[None]:
    """Holds the home as its only servers; WrongUse where others serve it already."""
    with opened_lock(home / _SERVERS_LOCK) as file:
        if not taken(file):
            raise WrongUse(f"Another `custana ui` serves {home} already: use that one, or stop it first.")
        yield


def end_dead_runs(instance: "DagsterInstance", home: Path, *, of_servers: bool) -> int:
    """Ends the runs of commands that died, and with `of_servers` those of servers; returns how many there were.

    Pass `of_servers` before the daemon is up: what stands as started then has nobody who runs it.
    """
    with opened_lock(home / _COMMANDS_LOCK) as file:
        no_command_lives = taken(file)
        dead = [run for run in _started(instance) if (no_command_lives if _is_of_command(run) else of_servers)]
        _end(instance, dead)
    return len(dead)


def _started(instance: "DagsterInstance") -> list["DagsterRun"]:
    from dagster import DagsterRunStatus, RunsFilter

    statuses = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    return list(instance.get_runs(filters=RunsFilter(statuses=statuses)))


def _is_of_command(run: "DagsterRun") -> bool:
    return COMMAND_TAGS.items() <= run.tags.items()


def _end(instance: "DagsterInstance", runs: list["DagsterRun"]) -> None:
    for run in runs:
        instance.report_run_failed(run, "The process of this run died before the run ended.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
