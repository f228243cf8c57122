import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from custana_pipeline.orchestration.code_location import build_definitions
from custana_pipeline.stores.settings import Settings
from custana_pipeline_tests.orchestration.packs import with_calendar

LAST_DAY = dt.date(2024, 12, 31)


@pytest.fixture
def closed(tmp_path: Path) -> Settings:
    return with_calendar(tmp_path, LAST_DAY)


@pytest.fixture
def still_open(tmp_path: Path) -> Settings:
    return with_calendar(tmp_path, None)


def schedule(settings: Settings, name: str) -> dg.ScheduleDefinition:
    found = build_definitions(settings).resolve_schedule_def(name)
    assert isinstance(found, dg.ScheduleDefinition)
    return found


def asked(settings: Settings, name: str, day: str) -> dg.RunRequest | dg.SkipReason:
    """What a schedule answers in the night that begins `day`, at three o'clock."""
    night = dt.datetime.fromisoformat(f"{day}T03:00:00+00:00")
    with dg.build_schedule_context(scheduled_execution_time=night) as context:
        answer = schedule(settings, name)(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


@pytest.mark.parametrize(("name", "hour"), [("daily_ingest", 2), ("nightly_retraining", 3)])
def test_schedules_are_on_as_shipped_at_the_hour_of_the_sources_timezone(
    closed: Settings, name: str, hour: int
) -> None:
    found = schedule(closed, name)
    assert found.default_status == dg.DefaultScheduleStatus.RUNNING
    assert found.execution_timezone == "Europe/London"
    assert found.cron_schedule == f"0 {hour} * * *"


def test_ingest_before_a_retraining_at_midnight_is_in_the_evening(closed: Settings) -> None:
    at_midnight = closed.model_copy(update={"nightly_hour": 0})
    assert schedule(at_midnight, "daily_ingest").cron_schedule == "0 23 * * *"


def test_the_night_takes_the_day_that_begins(still_open: Settings) -> None:
    request = asked(still_open, "nightly_retraining", "2024-08-01")
    assert isinstance(request, dg.RunRequest)
    assert (request.partition_key, request.run_key) == ("2024-08-01", "nightly-2024-08-01")


def test_the_last_night_of_a_closed_source_is_still_run(closed: Settings) -> None:
    request = asked(closed, "nightly_retraining", LAST_DAY.isoformat())
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2024-12-31"


def test_after_the_end_of_a_closed_source_the_night_is_skipped_with_the_reason(closed: Settings) -> None:
    answer = asked(closed, "nightly_retraining", "2025-01-01")
    assert isinstance(answer, dg.SkipReason)
    assert "calendar ended on 2024-12-31" in str(answer.skip_message)


def test_before_the_first_day_the_night_is_skipped_with_the_reason(still_open: Settings) -> None:
    answer = asked(still_open, "nightly_retraining", "2024-06-30")
    assert isinstance(answer, dg.SkipReason)
    assert "no 2024-06-30" in str(answer.skip_message)


def test_ingest_runs_every_day_and_once_a_day(closed: Settings) -> None:
    keys = {asked(closed, "daily_ingest", day).run_key for day in ("2025-01-01", "2025-01-02", "2025-01-02")}  # type: ignore[union-attr]
    assert keys == {"ingest-2025-01-01", "ingest-2025-01-02"}


def test_ingest_lands_and_cleans_and_nightly_does_everything(closed: Settings) -> None:
    definitions = build_definitions(closed)
    nodes = {name: {node.name for node in definitions.resolve_job_def(name).nodes} for name in ("ingest", "nightly")}
    assert {name.split("__")[0] for name in nodes["ingest"]} == {"raw", "cleaned"}
    everything = {"__".join(spec.key.path) for spec in definitions.resolve_all_asset_specs()}
    assert nodes["nightly"] == everything
    assert nodes["ingest"] == {name for name in everything if name.startswith(("raw__", "cleaned__"))}


@pytest.mark.parametrize("name", ["ingest", "nightly"])
def test_jobs_run_in_one_process_and_are_ended_when_they_hang(closed: Settings, name: str) -> None:
    job = build_definitions(closed).resolve_job_def(name)
    assert job.executor_def.name == "in_process"
    assert job.run_tags["dagster/max_runtime"] == str(14400 + 120)
    assert job.run_tags["custana/source"] == "sample"


def test_freshness_is_asked_of_a_source_that_still_grows_only(closed: Settings, still_open: Settings) -> None:
    assert {spec.freshness_policy for spec in build_definitions(closed).resolve_all_asset_specs()} == {None}
    policies = [spec.freshness_policy for spec in build_definitions(still_open).resolve_all_asset_specs()]
    assert all(policy is not None for policy in policies)
    assert {policy.fail_window.to_timedelta() for policy in policies} == {dt.timedelta(hours=36)}  # type: ignore[union-attr]
