"""The executor of every job: all steps in the run's own process, which is known by its lock, waits for its
turn, and ends when it hangs.

One process, since DuckDB has one writer anyway: a killed run leaves no step behind that still writes.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.execution.step_dependency_config import StepDependencyConfig

from custana_pipeline.errors import TookTooLong
from custana_pipeline.orchestration import ahead
from custana_pipeline.orchestration.one_run import hearing, only_run
from custana_pipeline.orchestration.profiling import measure, profiled
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.dead_runs import mark_too_long
from custana_pipeline.stores.run_workers import STOP, TOO_LONG, working

PARTITION_TAG = "dagster/partition"
_STEP_ENDS = {
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
    dg.DagsterEventType.STEP_SUCCESS,
}


class WatchedExecutor(dg.Executor):
    """Dagster's in-process executor inside a worker's lock and time limit, while no other run of the source goes on."""

    def __init__(self, inner: dg.Executor, project: Project) -> None:
        self.inner = inner
        self.project = project

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
        home, run_id = Path(plan_context.instance.root_directory), plan_context.run_id
        with (
            profiled(self.project.settings),
            working(home, run_id, self.project.settings.max_runtime_seconds),
            hearing(plan_context.log.log),
            ahead.begun_ahead(self.project, _day(plan_context), execution_plan.step_keys_to_execute),
        ):
            try:
                yield from self._steps(plan_context, execution_plan)
            except (TookTooLong, dg.DagsterExecutionInterruptedError):
                if STOP.reason == TOO_LONG:
                    mark_too_long(plan_context.instance, run_id)
                raise dg.DagsterExecutionInterruptedError from None

    def _steps(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        with ExitStack() as turn:
            with dg.raise_execution_interrupts():  # Dagster hears of signals within steps only, and a turn may be long
                lease = turn.enter_context(only_run(self.project, plan_context.instance))
            lease.begins(plan_context.run_id)
            for event in self.inner.execute(plan_context, execution_plan):
                measure(event)
                ahead.heard(event)
                yield event
                if STOP.reason and event.event_type in _STEP_ENDS:
                    raise dg.DagsterExecutionInterruptedError


def _day(plan_context: PlanOrchestrationContext) -> dt.date | None:
    """The run's day; None where it has none, or several."""
    day = plan_context.dagster_run.tags.get(PARTITION_TAG)
    return None if day is None else dt.date.fromisoformat(day)


def watched_executor(project: Project) -> dg.ExecutorDefinition:
    """The executor of the project's jobs."""

    options: Any = dg.in_process_executor.config_schema

    @dg.executor(name="in_process", config_schema=options)
    def watched(context: dg.InitExecutorContext) -> dg.Executor:
        create = dg.in_process_executor.executor_creation_fn
        assert create is not None  # noqa: S101 - Dagster's own executor has one
        return WatchedExecutor(create(context), project)

    return watched
