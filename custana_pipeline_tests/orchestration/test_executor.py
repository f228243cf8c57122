import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from custana_pipeline.errors import DataFault, Transient
from custana_pipeline.orchestration import executor
from custana_pipeline.orchestration.boundary import RETRIES, reported
from custana_pipeline.orchestration.executor import watched_executor
from custana_pipeline.orchestration.failures import failure_alert
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.run_workers import known_workers
from custana_pipeline_tests.orchestration.packs import shipped

QUICKLY = RETRIES._replace(delay=0.01, backoff=None, jitter=None)
PATIENT_SECONDS = 60


def _chain(act_of_first: str, limit_seconds: float, folder: str) -> dg.JobDefinition:
    """A job of two assets that do not depend on each other; `act_of_first` names what the first one does."""

    @dg.asset(key=["raw", "a_first"], retry_policy=QUICKLY)
    @reported
    def a_first(context: dg.AssetExecutionContext) -> None:
        ACTS[act_of_first](context)

    @dg.asset(key=["raw", "b_second"], retry_policy=QUICKLY)
    @reported
    def b_second() -> None: ...

    settings = shipped("sample", Path(folder)).model_copy(update={"max_runtime_seconds": limit_seconds})
    job = dg.define_asset_job("ingest", executor_def=watched_executor(Project(settings)))
    return dg.Definitions(assets=[a_first, b_second], jobs=[job]).resolve_job_def("ingest")


def _is_known_by_its_lock(context: dg.AssetExecutionContext) -> None:
    (worker,) = known_workers(Path(context.instance.root_directory))
    assert (worker.run_id, worker.pid) == (context.run.run_id, os.getpid())


def _is_signalled(context: dg.AssetExecutionContext) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENT_SECONDS)


def _hangs(context: dg.AssetExecutionContext) -> None:
    time.sleep(PATIENT_SECONDS)


def _hangs_and_swallows(context: dg.AssetExecutionContext) -> None:
    try:
        time.sleep(PATIENT_SECONDS)
    except Exception:
        return


def _is_locked_out_once(context: dg.AssetExecutionContext) -> None:
    if context.retry_number == 0:
        raise Transient("Another process holds the warehouse.")


def _finds_a_bad_file(context: dg.AssetExecutionContext) -> None:
    raise DataFault("NO_DATA: orders.csv is empty.")


ACTS = {act.__name__: act for act in (_is_known_by_its_lock, _is_signalled, _hangs, _hangs_and_swallows)}
ACTS |= {act.__name__: act for act in (_is_locked_out_once, _finds_a_bad_file)}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as made:
        yield made


def _run(instance: dg.DagsterInstance, act: str, limit_seconds: float = PATIENT_SECONDS) -> dg.DagsterRun:
    built = dg.build_reconstructable_job(
        __name__, "_chain", reconstructable_args=(act, limit_seconds, instance.root_directory)
    )
    with dg.execute_job(built, instance=instance, tags={"custana/source": "shop"}) as result:
        run = instance.get_run_by_id(result.run_id)
    assert run
    return run


def _steps(instance: dg.DagsterInstance, run: dg.DagsterRun, kind: dg.DagsterEventType) -> list[str]:
    return [str(entry.dagster_event.step_key) for entry in instance.all_logs(run.run_id, of_type=kind)]  # type: ignore[union-attr]


def test_a_run_is_known_by_its_lock_while_it_is_carried_out(instance: dg.DagsterInstance) -> None:
    assert _run(instance, "_is_known_by_its_lock").status == dg.DagsterRunStatus.SUCCESS
    assert known_workers(Path(instance.root_directory)) == []


def test_a_signal_ends_the_run_at_once_although_its_assets_may_be_tried_again(instance: dg.DagsterInstance) -> None:
    run = _run(instance, "_is_signalled")
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert _steps(instance, run, dg.DagsterEventType.STEP_START) == ["raw__a_first"]
    assert failure_alert(instance, run).code == "STOPPED"


def test_a_signal_ends_a_run_that_still_waits_for_its_turn(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def long_turn(*_: object) -> Iterator[None]:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENT_SECONDS)
        yield

    monkeypatch.setattr(executor, "only_run", long_turn)
    run = _run(instance, "_hangs")
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert _steps(instance, run, dg.DagsterEventType.STEP_START) == []
    assert failure_alert(instance, run).code == "STOPPED"


@pytest.mark.parametrize("act", ["_hangs", "_hangs_and_swallows"])
def test_a_run_that_hangs_ends_after_its_limit_and_is_not_tried_again(instance: dg.DagsterInstance, act: str) -> None:
    run = _run(instance, act, limit_seconds=0.5)
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert _steps(instance, run, dg.DagsterEventType.STEP_START) == ["raw__a_first"]
    alert = failure_alert(instance, run)
    assert (alert.code, alert.assets, alert.source) == ("TOO_LONG", ("raw/a_first",), "shop")
    assert run.tags["dagster/max_retries"] == "0"


def test_a_passing_fault_is_tried_again(instance: dg.DagsterInstance) -> None:
    run = _run(instance, "_is_locked_out_once")
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert _steps(instance, run, dg.DagsterEventType.STEP_UP_FOR_RETRY) == ["raw__a_first"]


def test_bad_data_are_not_tried_again(instance: dg.DagsterInstance) -> None:
    run = _run(instance, "_finds_a_bad_file")
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert _steps(instance, run, dg.DagsterEventType.STEP_UP_FOR_RETRY) == []
    assert failure_alert(instance, run).code == "NO_DATA"
