"""One run of the chain inside the command's own process, told to Dagster's instance so that the UI shows it too."""

import datetime as dt
import logging
import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import dagster as dg

from custana_pipeline.errors import CustanaError, DataFault, TookTooLong, Transient, WrongUse
from custana_pipeline.orchestration import ahead
from custana_pipeline.orchestration.alerting import tell_of_command_run
from custana_pipeline.orchestration.days import as_of_days, last_day
from custana_pipeline.orchestration.failures import is_stopped, mark_stopped
from custana_pipeline.orchestration.one_run import only_run
from custana_pipeline.orchestration.profiling import measure, profiled
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.warming import step_begins, warming
from custana_pipeline.stores import dagster_home
from custana_pipeline.stores.dead_runs import COMMAND_TAGS, ENDED_TAG, end_dead_runs, mark_too_long
from custana_pipeline.stores.lingering import lingering
from custana_pipeline.stores.run_lock import Lease
from custana_pipeline.stores.run_workers import OVERDUE, STOP, STOPPED, TOO_LONG, working
from custana_pipeline.stores.settings import Settings

STAGES = ("raw", "cleaned", "features", "models", "applications")
Heard = Callable[[str, str], None]
"""Called with a stage and what happened to one of its steps: started, done, skipped or failed."""

_HAPPENINGS = {
    "STEP_START": "started",
    "STEP_SUCCESS": "done",
    "STEP_SKIPPED": "skipped",
    "STEP_FAILURE": "failed",
}


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended, with the seconds that each step took."""

    run_id: str
    as_of: dt.date | None
    skipped: tuple[str, ...]
    step_seconds: dict[str, float] = field(default_factory=dict)
    next_day: dt.date | None = None
    """The day that a run without a day is for, after this one."""

    @property
    def has_published(self) -> bool:
        """Whether the lists of the day were made and published in this run."""
        return "applications__exports" in self.step_seconds

    @property
    def stage_seconds(self) -> dict[str, float]:
        """Seconds a stage, in the order of the chain."""
        return {
            stage: sum(seconds for step, seconds in self.step_seconds.items() if stage_of(step) == stage)
            for stage in STAGES
        }


def stage_of(step_key: str) -> str:
    """The stage of a step.

    >>> stage_of("cleaned__transactions")
    'cleaned'
    """
    return step_key.split("__")[0]


def run_chain(
    project: Project, as_of: dt.date | None, heard: Heard, definitions: dg.Definitions | None = None
) -> RunOutcome:
    """Runs everything for one day, and returns how it went.

    Without `as_of`, a closed source is run for its last day, an open one for the day after its newest order line.
    Raises the errors of custana.errors with the failed asset's own message and exit code.
    """
    from custana_pipeline.orchestration.code_location import definitions_of

    settings = project.settings
    if as_of is not None:
        _refuse_day_to_come(settings, as_of)
    definitions = definitions or definitions_of(project)
    home = dagster_home.prepare(settings.dagster_home)
    with ExitStack() as stack:
        stack.enter_context(profiled(settings))
        instance = stack.enter_context(dagster_home.opened(home))
        lease = stack.enter_context(only_run(project, instance))
        for died in end_dead_runs(instance, home, of_servers=False):
            tell_of_command_run(settings, instance, died)
        command = _Command(project, definitions, instance, heard, lease)
        stack.enter_context(warming(settings))
        stack.enter_context(lingering())
        if as_of is None and settings.pack.calendar.end is None:
            command.execute("ingest", None)
            as_of = next_day(settings)
            _refuse_missing_partition(definitions, as_of)
            later = [spec.key for spec in definitions.resolve_all_asset_specs() if spec.key.path[0] in STAGES[2:]]
            return command.execute("nightly", as_of, later)
        return command.execute("nightly", as_of or settings.pack.calendar.end)


def step_counts(settings: Settings, definitions: dg.Definitions | None = None) -> dict[str, int]:
    """How many steps each stage of the nightly job has."""
    from custana_pipeline.orchestration.code_location import build_definitions

    job = (definitions or build_definitions(settings)).resolve_job_def("nightly")
    counts: dict[str, int] = dict.fromkeys(STAGES, 0)
    for node in job.nodes:
        counts[stage_of(node.name)] += 1
    return counts


@dataclass(frozen=True)
class _Command:
    """What the runs of one command share."""

    project: Project
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    heard: Heard
    lease: Lease

    @property
    def settings(self) -> Settings:
        """The project's."""
        return self.project.settings

    def execute(
        self, job_name: str, as_of: dt.date | None, selection: Sequence[dg.AssetKey] | None = None
    ) -> RunOutcome:
        """One run in this process; raises what made it fail."""
        # what Dagster would print of skipped steps is told by the summary; it resets its own logger as the run begins
        for name in ("dagster", "dagster._core.execution.plan.active"):
            logging.getLogger(name).setLevel(logging.ERROR)
        run_id = str(uuid.uuid4())
        self.lease.begins(run_id)
        self.instance.add_event_listener(run_id, lambda entry: _tell(entry, self.heard))
        try:
            result, stopped_for = self._executed(job_name, run_id, as_of, selection)
        finally:
            self.lease.ends()  # else whoever waits for the turn kills this process for a run that is over
        if stopped_for == TOO_LONG:
            mark_too_long(self.instance, run_id)
        if stopped_for == STOPPED:
            mark_stopped(self.instance, run_id)
        tell_of_command_run(self.settings, self.instance, run_id)
        try:
            _raise_interrupt(self.instance, run_id)
            _raise_failures(result)
        except CustanaError as error:
            error.is_told = True
            raise
        seconds, skipped = _step_seconds(self.instance, run_id)
        return RunOutcome(run_id, as_of, tuple(skipped), seconds, next_day(self.settings) if as_of else None)

    def _executed(
        self, job_name: str, run_id: str, as_of: dt.date | None, selection: Sequence[dg.AssetKey] | None
    ) -> tuple[dg.ExecuteInProcessResult, str]:
        """The run's result, and what it was stopped for, if it was."""
        with (
            working(Path(self.instance.root_directory), run_id, self.settings.max_runtime_seconds),
            ahead.begun_ahead(self.project, as_of),
        ):
            result = self.definitions.resolve_job_def(job_name).execute_in_process(
                instance=self.instance,
                run_id=run_id,
                partition_key=as_of.isoformat() if as_of else None,
                asset_selection=list(selection) if selection else None,
                raise_on_error=False,
                tags={**COMMAND_TAGS, "dagster/max_retries": "0", "custana/source": self.settings.source},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
            return result, STOP.reason


def _tell(entry: dg.EventLogEntry, heard: Heard) -> None:
    event = entry.dagster_event
    if event is not None:
        measure(event)
        ahead.heard(event)
        if event.event_type_value == "STEP_START" and event.step_key:
            step_begins(event.step_key)
    if event is None or event.step_key is None or event.event_type_value not in _HAPPENINGS:
        return
    heard(event.step_key, _HAPPENINGS[event.event_type_value])


def _step_seconds(instance: dg.DagsterInstance, run_id: str) -> tuple[dict[str, float], list[str]]:
    seconds, skipped = {}, []
    for stats in instance.get_run_step_stats(run_id):
        if stats.start_time and stats.end_time:
            seconds[stats.step_key] = stats.end_time - stats.start_time
        else:
            skipped.append(stats.step_key)
    return seconds, skipped


def _raise_interrupt(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None and run.tags.get(ENDED_TAG) == TOO_LONG:
        raise TookTooLong(OVERDUE)
    if run is not None and is_stopped(run):
        raise KeyboardInterrupt


def _raise_failures(result: dg.ExecuteInProcessResult) -> None:
    # the first one: what fails after it may do so for want of what it would have made
    for event in result.all_events:
        if event.is_step_failure:
            _raise_failure(event, result)
    _raise_stopped(result)
    if not result.success:
        raise CustanaError(f"The run failed: `custana ui` shows the run {result.run_id} with its events.")


def _raise_failure(event: dg.DagsterEvent, result: dg.ExecuteInProcessResult) -> NoReturn:
    told = event.step_failure_data.user_failure_data
    step = str(event.step_key).replace("__", "/")
    if told is not None:
        code = told.metadata.get("exit_code")
        kind = {DataFault.exit_code: DataFault, WrongUse.exit_code: WrongUse}.get(
            int(str(code.value)) if code is not None else 1, CustanaError
        )
        raise kind(f"{step}: {told.description}")
    _raise_passing(event.step_failure_data.error)
    _raise_stopped(result)
    if os.environ.get("CUSTANA_DEBUG"):
        raise CustanaError(str(event.step_failure_data.error))
    raise CustanaError(f"{step} ({_kind(event)}) failed: `custana ui` shows the run {result.run_id} with its events.")


def _kind(event: dg.DagsterEvent) -> str:
    """The class of the innermost error of a step that failed outside of its own body; never its text."""
    error, kind = event.step_failure_data.error, "unknown"
    while error is not None:
        error, kind = error.cause, error.cls_name or kind
    return kind


def _raise_passing(error: Any) -> None:
    """Transient with its own text, where that is what was tried again in vain."""
    while error is not None:
        if error.cls_name == Transient.__name__:
            raise Transient(error.message.split(": ", 1)[-1].strip())
        error = error.cause


def _raise_stopped(result: dg.ExecuteInProcessResult) -> None:
    """DataFault with the reasons of the checks that stopped what comes after them."""
    told = {}
    for event in result.all_events:
        if event.event_type_value != "ASSET_CHECK_EVALUATION":
            continue
        check = event.asset_check_evaluation_data
        reason = check.metadata.get("reason")
        if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR and reason is not None:
            told[check.asset_key.to_user_string()] = f"{check.asset_key.to_user_string()}: {reason.value}"
    if told:
        raise DataFault(f"{' '.join(told.values())} Nothing was published, and what was stays.")


def next_day(settings: Settings) -> dt.date:
    """The day that a run without a day is for: a closed source's last one, else that after the newest order line.

    Lines of days that have not ended yet, as by a slip of the year, count only where there are no others.
    """
    if settings.pack.calendar.end is not None:
        return settings.pack.calendar.end
    query = """select coalesce(max(ordered_date) filter (where ordered_date < $today), max(ordered_date))
        from cleaned.numbered_transactions"""
    with Project(settings).warehouse.reading() as session:
        newest = session.rows(query, {"today": last_day(settings.pack)})[0][0]
    if newest is None:
        raise DataFault("cleaned.transactions has no line: check the source files and `custana status`.")
    return newest + dt.timedelta(days=1)


def _refuse_day_to_come(settings: Settings, as_of: dt.date) -> None:
    if not as_of_days(settings.pack).has_partition_key(as_of.isoformat()):
        raise WrongUse(
            f"--as-of {as_of} is no day of source '{settings.source}' yet ({settings.pack.timezone}): choose one that "
            "has begun."
        )


def _refuse_missing_partition(definitions: dg.Definitions, as_of: dt.date) -> None:
    days = definitions.resolve_job_def("nightly").partitions_def
    if days is not None and not days.has_partition_key(as_of.isoformat()):
        raise DataFault(
            f"The day after the newest order line, {as_of}, is outside the source's calendar: set `calendar` in "
            "custana.toml, or choose a day with --as-of."
        )
