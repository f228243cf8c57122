"""Why a run failed, or published nothing, in our own words: what an alert may say.

A text is told only where custana wrote it. Of anything else the kind is told: libraries quote the offending values.
"""

import re
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.events import RunFailureReason
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG
from dagster_shared.error import SerializableErrorInfo

from custana_pipeline import errors
from custana_pipeline.orchestration.assets.models import TRAINABLE_CHECK
from custana_pipeline.stores.alerts import Alert
from custana_pipeline.stores.dead_runs import DIED, ENDED_TAG
from custana_pipeline.stores.run_workers import OVERDUE, TOO_LONG

_CODE = re.compile(r"^([A-Z][A-Z_]{2,}):")
_OWN = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.CustanaError)}
_SEE = "`custana ui` shows the run with its events."
_OUTSIDE = {
    RunFailureReason.UNEXPECTED_TERMINATION: ("STOPPED", "The run was stopped from outside before it ended."),
    RunFailureReason.START_TIMEOUT: ("NOT_STARTED", "The run's process did not start in time."),
    RunFailureReason.JOB_INITIALIZATION_FAILURE: ("NOT_STARTED", "The run could not be set up."),
    RunFailureReason.RUN_EXCEPTION: ("DEFECT", "The run failed outside of its assets."),
}
_Reason = tuple[str, str, str]
"""Code, kind, message."""


def failure_alert(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Alert:
    """What is told of a failed run; that it failed, at least, where its events cannot be made sense of."""
    try:
        return _failure_alert(instance, run)
    except Exception as error:  # an alert that cannot say why is better than none
        return _alert(run, _defect(type(error).__name__), ())


def _failure_alert(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Alert:
    if run.tags.get(ENDED_TAG) == TOO_LONG:
        return _alert(run, _of_own("TookTooLong", OVERDUE) or _defect(""), _last_asset(instance, run))
    if is_stopped(run):
        return _alert(run, _of_run(instance, run), _last_asset(instance, run))
    failed = [entry for entry in _events(instance, run, dg.DagsterEventType.STEP_FAILURE) if entry.step_key]
    stopped = dict(_tripped(instance, run))
    reasons = [_of_step(event, stopped) for event in failed] or [_of_run(instance, run)]
    if not failed:
        return _alert(run, reasons[0], _last_asset(instance, run))
    code, kind, message = min(reasons, key=lambda reason: reason[1] == "Defect")
    return _alert(run, (code, kind, message), tuple(_asset(event.step_key) for event in failed))


def mark_stopped(instance: dg.DagsterInstance, run_id: str) -> None:
    """Says of a run, in Dagster's own word, that a signal ended it."""
    instance.add_run_tags(run_id, {RUN_FAILURE_REASON_TAG: RunFailureReason.UNEXPECTED_TERMINATION.value})


def is_stopped(run: dg.DagsterRun) -> bool:
    """Whether a signal ended the run."""
    return run.tags.get(RUN_FAILURE_REASON_TAG) == RunFailureReason.UNEXPECTED_TERMINATION.value


def unpublished_alert(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Alert | None:
    """What is told of a run that ended well and yet has no lists, since a model could not be trained; else None."""
    found = {}
    for event in _events(instance, run, dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        check = event.asset_check_evaluation_data
        if check.check_name == TRAINABLE_CHECK and not check.passed:
            reason = check.metadata.get("reason")
            found[check.asset_key.to_user_string()] = str(reason.value) if reason is not None else ""
    if not found:
        return None
    message = f"Nothing was published, and what was stays. {' '.join(dict.fromkeys(found.values()))}"
    return _alert(run, ("NOT_TRAINABLE", "NotTrainable", message), tuple(found))


def outside_alert(source: str, error: Exception) -> Alert:
    """What is told of a command that failed before, between or after its runs."""
    code, kind, message = _of_own(type(error).__name__, str(error)) or _defect(type(error).__name__)
    return Alert(code=code, kind=kind, message=message, source=source)


def _alert(run: dg.DagsterRun, reason: _Reason, assets: tuple[str, ...]) -> Alert:
    code, kind, message = reason
    return Alert(
        code=code,
        kind=kind,
        message=message,
        run_id=run.run_id,
        job=run.job_name,
        source=run.tags.get("custana/source", ""),
        partition=run.tags.get("dagster/partition", ""),
        assets=assets,
    )


def _events(instance: dg.DagsterInstance, run: dg.DagsterRun, kind: dg.DagsterEventType) -> Iterator[dg.DagsterEvent]:
    for entry in instance.all_logs(run.run_id, of_type=kind):
        if entry.dagster_event is not None:
            yield entry.dagster_event


def _of_step(event: dg.DagsterEvent, tripped: dict[str, str]) -> _Reason:
    told = event.step_failure_data.user_failure_data
    if told is not None and "exit_code" in told.metadata and "kind" in told.metadata:
        kind = str(told.metadata["kind"].value)
        message = str(told.description)
        defect = message.startswith("A defect of custana")
        return _defect("", message) if defect else _of_own(kind, message) or _defect(kind)
    if _asset(event.step_key) in tripped:
        return "CHECK_FAILED", "DataFault", tripped[_asset(event.step_key)]
    return _of_error(event.step_failure_data.error)


def _of_error(error: SerializableErrorInfo | None) -> _Reason:
    """The innermost error of ours, in its own words; the kind of anything else."""
    name = "unknown"
    while error is not None:
        name = error.cls_name or name
        if name == "DagsterExecutionInterruptedError":
            return "STOPPED", "Stopped", _OUTSIDE[RunFailureReason.UNEXPECTED_TERMINATION][1]
        own = _of_own(name, error.message.partition(": ")[2].strip())
        if own:
            return own
        error = error.cause
    return _defect(name)


def _of_own(kind: str, message: str) -> _Reason | None:
    if kind not in _OWN:
        return None
    found = _CODE.match(message)
    return found.group(1) if found else _upper(kind), kind, message


def _defect(name: str, message: str = "") -> _Reason:
    return "DEFECT", "Defect", message or f"{name}; its text is withheld, since it may hold customers' values. {_SEE}"


def _of_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> _Reason:
    """Of a run without a failed step: it was ended from outside, or died."""
    for event in _events(instance, run, dg.DagsterEventType.RUN_FAILURE):
        if str(event.message).startswith("Exceeded maximum runtime"):
            return TOO_LONG, "TookTooLong", OVERDUE
        data: Any = event.event_specific_data  # nothing where the run was ended from outside
        own = _of_error(data.error) if data is not None and data.error is not None else None
        if own is not None and own[1] not in ("Defect", "Stopped"):
            return own
    told = run.tags.get(RUN_FAILURE_REASON_TAG)
    code, message = _OUTSIDE.get(RunFailureReason(told) if told else RunFailureReason.UNKNOWN, ("DIED", DIED))
    return code, code.title().replace("_", ""), f"{message} {_SEE}"


def _last_asset(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[str, ...]:
    """The asset that was made last when a run was ended."""
    return tuple(_asset(event.step_key) for event in _events(instance, run, dg.DagsterEventType.STEP_START))[-1:]


def _tripped(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[tuple[str, str]]:
    for event in _events(instance, run, dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        check = event.asset_check_evaluation_data
        if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR:
            reason = check.metadata.get("reason")
            told = str(reason.value) if reason is not None else f"The check {check.check_name} does not hold."
            yield check.asset_key.to_user_string(), told


def _asset(step_key: str | None) -> str:
    return str(step_key).replace("__", "/")


def _upper(kind: str) -> str:
    """A kind of error as a code.

    >>> _upper("ContractBroken")
    'CONTRACT_BROKEN'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).upper()
