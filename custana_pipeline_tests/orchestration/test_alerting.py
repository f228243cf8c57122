import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from custana_pipeline import errors
from custana_pipeline.errors import BadFile, CustanaError, DataFault, Transient, WrongUse
from custana_pipeline.orchestration.alerting import TOLD_TAG, alert_sensor, telling_of_faults
from custana_pipeline.orchestration.boundary import reported
from custana_pipeline.orchestration.failures import failure_alert, unpublished_alert
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.dead_runs import DIED, mark_too_long
from custana_pipeline.stores.settings import Settings
from custana_pipeline_tests.orchestration.packs import with_calendar
from custana_pipeline_tests.stores.alert_receivers import web_receiver

SECRET = "Wilhelmina Q. Customer"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return with_calendar(tmp_path, dt.date(2024, 12, 31))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def _failing(error: BaseException) -> dg.AssetsDefinition:
    @dg.asset(key=["cleaned", "people"])
    @reported
    def people() -> None:
        raise error

    return people


def _run(instance: dg.DagsterInstance, asset: dg.AssetsDefinition) -> dg.DagsterRun:
    definitions = dg.Definitions(assets=[asset], jobs=[dg.define_asset_job("nightly")])
    job = definitions.resolve_job_def("nightly")
    tags = {"custana/source": "shop"}
    result = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    run = instance.get_run_by_id(result.run_id)
    assert run
    return run


def _ended(instance: dg.DagsterInstance, message: str) -> dg.DagsterRun:
    """A run that was ended from outside, with this message."""

    @dg.job
    def nightly() -> None: ...

    run = instance.create_run_for_job(nightly, status=dg.DagsterRunStatus.STARTED)
    instance.report_run_failed(run, message)
    found = instance.get_run_by_id(run.run_id)
    assert found
    return found


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (BadFile("NO_DATA: orders.csv is empty."), "NO_DATA", "BadFile"),
        (DataFault("6 % of the lines are rejected."), "DATA_FAULT", "DataFault"),
        (WrongUse("The input is not there."), "WRONG_USE", "WrongUse"),
        (Transient("Another process holds the warehouse."), "TRANSIENT", "Transient"),
    ],
)
def test_our_own_error_is_told_in_its_own_words(
    instance: dg.DagsterInstance, error: CustanaError, code: str, kind: str
) -> None:
    run = _run(instance, _failing(error))
    alert = failure_alert(instance, run)
    assert (alert.code, alert.kind, alert.message) == (code, kind, str(error))
    assert (alert.run_id, alert.job, alert.source, alert.assets) == (run.run_id, "nightly", "shop", ("cleaned/people",))


def test_a_librarys_text_is_withheld(instance: dg.DagsterInstance) -> None:
    alert = failure_alert(instance, _run(instance, _failing(ValueError(f"could not convert {SECRET}"))))
    assert (alert.code, alert.kind) == ("DEFECT", "Defect")
    assert "ValueError at test_alerting.py" in alert.message
    assert "Wilhelmina" not in json.dumps(alert.told())


def test_a_librarys_text_is_withheld_even_where_no_boundary_was(instance: dg.DagsterInstance) -> None:
    @dg.asset
    def people() -> None:
        raise dg.Failure(f"no such customer: {SECRET}", metadata={"who": SECRET})

    @dg.asset
    def others() -> None:
        raise KeyError(SECRET)

    for asset in (people, others):
        alert = failure_alert(instance, _run(instance, asset))
        assert alert.code == "DEFECT"
        assert "Wilhelmina" not in json.dumps(alert.told())


def test_a_check_that_stops_the_run_tells_its_reason(instance: dg.DagsterInstance) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("no_leak", asset="behavior", blocking=True)])
    def behavior() -> dg.MaterializeResult:
        check = dg.AssetCheckResult(passed=False, check_name="no_leak", metadata={"reason": "one feature is the label"})
        return dg.MaterializeResult(check_results=[check])

    @dg.asset(deps=[behavior])
    def lists() -> None: ...

    job = dg.Definitions(assets=[behavior, lists], jobs=[dg.define_asset_job("all_of_it")]).resolve_job_def("all_of_it")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    run = instance.get_run_by_id(result.run_id)
    assert run
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert failure_alert(instance, run).message == "one feature is the label"


@pytest.mark.parametrize(
    ("message", "code"),
    [(DIED, "DIED"), ("Exceeded maximum runtime of 60 seconds.", "TOO_LONG"), (SECRET, "DIED")],
)
def test_a_run_that_was_ended_from_outside_says_so(instance: dg.DagsterInstance, message: str, code: str) -> None:
    alert = failure_alert(instance, _ended(instance, message))
    assert alert.code == code
    assert "Wilhelmina" not in json.dumps(alert.told())


def test_a_run_that_was_ended_for_its_length_says_so_and_is_not_tried_again(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(_nothing, status=dg.DagsterRunStatus.STARTED)
    mark_too_long(instance, run.run_id)
    found = instance.get_run_by_id(run.run_id)
    assert found
    assert failure_alert(instance, found).code == "TOO_LONG"
    assert found.tags["dagster/max_retries"] == "0"


def test_a_run_that_could_not_train_is_told_of_though_it_ended_well(instance: dg.DagsterInstance) -> None:
    @dg.asset(key=["models", "behavior"], check_specs=[dg.AssetCheckSpec("is_trainable", asset=["models", "behavior"])])
    def behavior() -> dg.MaterializeResult:
        check = dg.AssetCheckResult(
            passed=False,
            check_name="is_trainable",
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"reason": "There are 12 customers."},
        )
        return dg.MaterializeResult(check_results=[check])

    alert = unpublished_alert(instance, _run(instance, behavior))
    assert alert
    assert (alert.code, alert.assets) == ("NOT_TRAINABLE", ("models/behavior",))
    assert "There are 12 customers." in alert.message


def test_every_error_of_ours_has_a_code() -> None:
    own = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CustanaError)]
    assert len(own) >= 9


def _ticked(settings: Settings, instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    sensor = alert_sensor(Project(settings))
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    result: Any = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def _told(settings: Settings) -> list[dict[str, Any]]:
    log = settings.data_dir / "logs" / "alerts.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_the_sensor_is_on_as_shipped(settings: Settings) -> None:
    sensor = alert_sensor(Project(settings))
    assert sensor.name == "run_failure_alert"
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_the_sensor_tells_of_each_failed_run_once(
    settings: Settings, instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    failed = _run(instance, _failing(DataFault("6 % of the lines are rejected.")))
    first = _ticked(settings, instance)
    _ticked(settings, instance, first.cursor)
    _ticked(settings, instance)  # a sensor whose cursor was reset
    assert [told["run_id"] for told in _told(settings)] == [failed.run_id]
    found = instance.get_run_by_id(failed.run_id)
    assert found
    assert found.tags[TOLD_TAG] == "DATA_FAULT"
    assert "6 % of the lines" in caplog.text


def test_runs_that_end_well_or_are_cancelled_are_not_told_of(settings: Settings, instance: dg.DagsterInstance) -> None:
    @dg.asset
    def fine() -> None: ...

    run = _run(instance, fine)
    instance.create_run_for_job(_nothing, status=dg.DagsterRunStatus.CANCELED)
    _ticked(settings, instance)
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert _told(settings) == []


@dg.job(name="nothing")
def _nothing() -> None: ...


def test_fifty_failures_are_all_told_within_two_ticks(settings: Settings, instance: dg.DagsterInstance) -> None:
    failed = {_ended(instance, DIED).run_id for _ in range(50)}
    with web_receiver() as receiver:
        told = settings.model_copy(update={"alert_webhook": _secret(receiver.address)})
        _ticked(told, instance, _ticked(told, instance).cursor)
    assert {each["run_id"] for each in receiver.got} == failed
    assert len(receiver.got) == 50


def _secret(address: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(address)


def test_a_receiver_that_is_away_never_fails_the_sensor_and_gets_the_alert_later(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    _ended(instance, DIED)
    with web_receiver(500) as receiver:
        told = settings.model_copy(update={"alert_webhook": _secret(receiver.address)})
        first = _ticked(told, instance)
        assert "1 wait for a channel" in str(first.skip_reason)
        (settings.data_dir / "alerts" / "webhook.later").unlink()  # as if its time had come
        second = _ticked(told, instance, first.cursor)
        assert "0 wait for a channel" in str(second.skip_reason)
    assert len(receiver.got) == 1


def _raising(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def test_a_command_tells_of_faults_outside_of_its_runs_but_not_of_wrong_use(settings: Settings) -> None:
    told = CustanaError("was told of before")
    told.is_told = True
    for error in (WrongUse("no such day"), told):
        with pytest.raises(CustanaError), telling_of_faults(settings):
            _raising(error)()
    assert _told(settings) == []
    with pytest.raises(RuntimeError), telling_of_faults(settings):
        _raising(RuntimeError(SECRET))()
    (alert,) = _told(settings)
    assert (alert["code"], alert["source"]) == ("DEFECT", settings.source)
    assert "Wilhelmina" not in json.dumps(alert)
