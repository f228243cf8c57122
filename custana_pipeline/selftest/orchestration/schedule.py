"""The nights of a schedule: missed ones, and those in which the clocks change; on Dagster's own scheduler."""

import datetime as dt
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._scheduler.scheduler import launch_scheduled_runs
from dagster._utils.schedules import cron_string_iterator

from custana_pipeline.orchestration.code_location import build_definitions
from custana_pipeline.selftest.shop import Shop
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores import dagster_home
from custana_pipeline.stores.settings import Settings, load_settings

DEFINITIONS = """from custana_pipeline.orchestration.code_location import build_definitions
from custana_pipeline.stores.settings import load_settings

defs = build_definitions(load_settings())
"""
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


@trial("B8")
def missed_nights(run: Trial) -> None:
    """Leaves the daemon away for three nights, then lets it look twice."""
    shop = run.shop()
    with _scheduler(shop) as look:
        look("2025-01-10T12:00")
        look("2025-01-11T03:30")
        expect(_days(shop) == {"2025-01-11": 1}, f"an ordinary night made {_days(shop)}")
        look("2025-01-14T12:00")
        look("2025-01-14T12:05")
    with _scheduler(shop) as look:  # a daemon that was started anew
        look("2025-01-14T12:10")
    found = _days(shop)
    expect(found == {"2025-01-11": 1, "2025-01-14": 1}, f"after three missed nights there are runs for {found}")
    ingests = _count(shop, "ingest")
    expect(ingests == 2, f"after three missed nights there are {ingests} runs of ingest")


@trial("B13")
def clock_changes(run: Trial) -> None:
    """Asks for the schedules' times over both changes of the clocks, at the hours that they may be set to."""
    settings = settings_of(run.shop())
    for hour in range(0, 24, run.times(quick=2, full=1)):
        schedules = build_definitions(settings.model_copy(update={"nightly_hour": hour})).schedules or []
        for cron in {str(each.cron_schedule) for each in schedules if isinstance(each, dg.ScheduleDefinition)}:
            for zone in ZONES:
                _one_a_day(cron, zone, dt.datetime(2025, 3, 1, tzinfo=dt.UTC))
                _one_a_day(cron, zone, dt.datetime(2025, 9, 25, tzinfo=dt.UTC))


def settings_of(shop: Shop) -> Settings:
    """The settings that a command of this shop has."""
    with mock.patch.dict(os.environ, shop.environment):
        return load_settings()


def _one_a_day(cron: str, zone: str, begin: dt.datetime) -> None:
    times = cron_string_iterator(begin.timestamp(), cron, zone)
    days = [next(times).date() for _ in range(45)]
    wanted = [days[0] + dt.timedelta(days=number) for number in range(45)]
    expect(days == wanted, f"`{cron}` in {zone} misses or doubles a day after {begin.date()}")


@contextmanager
def _scheduler(shop: Shop) -> Iterator:
    """Dagster's scheduler over the shop's home: a function that lets it look at an hour in UTC."""
    file = shop.root / "definitions.py"
    file.write_text(DEFINITIONS, encoding="utf-8")
    origin = LoadableTargetOrigin(executable_path=sys.executable, python_file=str(file), attribute="defs")
    target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(origin, location_name="custana_pipeline"))
    home = dagster_home.prepare(shop.data / "dagster")
    with (
        mock.patch.dict(os.environ, shop.environment),
        dagster_home.opened(home) as instance,
        WorkspaceProcessContext(instance, target) as workspace,
    ):

        def look(at: str) -> None:
            now = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
            with freeze_time(now):
                list(launch_scheduled_runs(workspace, logging.Logger("silent", logging.CRITICAL), now, {}))

        yield look


def _runs(shop: Shop) -> list[dg.DagsterRun]:
    with dagster_home.opened(Path(shop.data / "dagster")) as instance:
        return list(instance.get_runs())


def _days(shop: Shop) -> dict[str, int]:
    return dict(Counter(run.tags["dagster/partition"] for run in _runs(shop) if run.job_name == "nightly"))


def _count(shop: Shop, job: str) -> int:
    return sum(run.job_name == job for run in _runs(shop))
