"""One run at a time for a source: a command takes the turn itself, a worker of Dagster's by its executor."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores import housekeeping
from custana_pipeline.stores.run_lock import Lease, Turn, holding_turn


@dataclass(frozen=True)
class DagsterBooks:
    """What Dagster's instance knows of runs."""

    instance: dg.DagsterInstance

    def is_over(self, run_id: str) -> bool:
        """Whether the run has ended, was deleted, or is being cancelled."""
        run = self.instance.get_run_by_id(run_id)
        return run is None or run.is_finished or run.status == dg.DagsterRunStatus.CANCELING


@contextmanager
def only_run(project: Project, instance: dg.DagsterInstance) -> Iterator[Lease]:
    """Waits for the turn of a run, clears away what killed ones left, and holds the turn for the block.

    Raises Transient when another run takes too long, NoSpace and Damaged where the disk or the warehouse is no good.
    """
    settings = project.settings
    turn = Turn(settings.warehouse_path, DagsterBooks(instance), settings.run_wait_seconds)
    with holding_turn(turn) as lease:
        housekeeping.before_run(project.warehouse, settings)
        try:
            yield lease
        finally:
            housekeeping.after_run(project.warehouse)


@contextmanager
def hearing(tell: Callable[[int, str], Any]) -> Iterator[None]:
    """Passes what is logged to `custana` in the block, such as a wait, on to `tell`, with its level before it."""
    handler = _Teller(tell)
    logger = logging.getLogger("custana")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


class _Teller(logging.Handler):
    def __init__(self, tell: Callable[[int, str], Any]) -> None:
        super().__init__()
        self.tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self.tell(record.levelno, record.getMessage())
