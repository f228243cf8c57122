"""The executor of every job: all steps in the run's own process, which is known by its lock and ends when it hangs.

One process, since DuckDB has one writer anyway: a killed run leaves no step behind that still writes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.execution.step_dependency_config import StepDependencyConfig

from custana_pipeline.errors import TookTooLong
from custana_pipeline.stores.dead_runs import mark_too_long
from custana_pipeline.stores.run_workers import STOP, TOO_LONG, working

_STEP_ENDS = {
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
    dg.DagsterEventType.STEP_SUCCESS,
}


class WatchedExecutor(dg.Executor):
    """Dagster's in-process executor inside a worker's lock and time limit."""

    def __init__(self, inner: dg.Executor, limit_seconds: float) -> None:
        self.inner = inner
        self.limit_seconds = limit_seconds

    @property
    def retries(self) -> RetryMode:
        """How a failed step is tried again."""
        return self.inner.retries

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        """What a step waits for."""
        return self.inner.step_dependency_config

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Carries out the steps; interrupts the run once one of them was interrupted, or the limit has passed."""
        home = Path(plan_context.instance.root_directory)
        with working(home, plan_context.run_id, self.limit_seconds):
            try:
                for event in self.inner.execute(plan_context, execution_plan):
                    yield event
                    if STOP.reason and event.event_type in _STEP_ENDS:
                        raise dg.DagsterExecutionInterruptedError
            except (TookTooLong, dg.DagsterExecutionInterruptedError):
                if STOP.reason == TOO_LONG:
                    mark_too_long(plan_context.instance, plan_context.run_id)
                raise dg.DagsterExecutionInterruptedError from None


def watched_executor(limit_seconds: float) -> dg.ExecutorDefinition:
    """The executor that ends a run after `limit_seconds`."""

    options: Any = dg.in_process_executor.config_schema

    @dg.executor(name="in_process", config_schema=options)
    def watched(context: dg.InitExecutorContext) -> dg.Executor:
        create = dg.in_process_executor.executor_creation_fn
        assert create is not None  # noqa: S101 - Dagster's own executor has one
        return WatchedExecutor(create(context), limit_seconds)

    return watched
