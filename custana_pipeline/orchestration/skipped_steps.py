"""Runs in which nothing is left but steps that will not be carried out end, where Dagster's own loop does not.

After each step Dagster tells of all steps that are skipped for want of what came before, then of all that are abandoned
since something before them failed. A step that is skipped since another was just abandoned is told of after the next
step; after the last one there is no next, and the run waits for it at full speed and without end
(https://github.com/dagster-io/dagster/issues/33661, open with 1.13.27).
"""

from collections.abc import Iterator
from functools import wraps
from typing import Any

from dagster._core.execution.plan.active import ActiveExecution

_told = ActiveExecution.plan_events_iterator


def tell_of_all() -> None:
    """Has Dagster go on telling as long as there are such steps; once a process is enough."""
    ActiveExecution.plan_events_iterator = _all_told


@wraps(_told)
def _all_told(self: ActiveExecution, job_context: Any) -> Iterator[Any]:
    while True:
        yield from _told(self, job_context)
        self._update()  # what was told of may decide others
        if not (self._pending_skip or self._pending_abandon):
            return
