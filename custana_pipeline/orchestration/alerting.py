"""Telling of runs that failed or published nothing: by the commands at once, by a sensor for everything else.

The sensor goes by what Dagster's books say, and a run that was told of carries a tag. So a run is told of whoever ended
it, also when the daemon was away meanwhile, and a fault while telling only means that the next tick tries again.
"""

import datetime as dt
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import dagster as dg

from custana_pipeline.errors import WrongUse
from custana_pipeline.orchestration.failures import failure_alert, is_stopped, outside_alert, unpublished_alert
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.alert_channels import channels_of
from custana_pipeline.stores.alerts import AlertDesk
from custana_pipeline.stores.dead_runs import ENDED_TAG
from custana_pipeline.stores.settings import Settings

TOLD_TAG = "custana/alerted"
"""Carries the code of the alert on the run that it was about."""
TICK_SECONDS = 15
_LOOK_BACK = dt.timedelta(days=1)
_OVERLAP = dt.timedelta(seconds=60)
_MOST_A_TICK = 50
_BUDGET_SECONDS = 20.0
_COMMAND_BUDGET_SECONDS = 5.0
_LOGGER = logging.getLogger("custana.alerts")


def desk_of(settings: Settings) -> AlertDesk:
    """Where alerts of these settings go."""
    return AlertDesk(settings.data_dir, channels_of(settings))


def tell_of_run(settings: Settings, instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Writes down what is to be told of a run, once, and returns it; empty where there is nothing."""
    if TOLD_TAG in run.tags:
        return ""
    failed = run.status == dg.DagsterRunStatus.FAILURE
    alert = failure_alert(instance, run) if failed else unpublished_alert(instance, run)
    if alert is None:
        return ""
    alert = alert if alert.source else replace(alert, source=settings.source)
    desk_of(settings).tell(alert)
    instance.add_run_tags(run.run_id, {TOLD_TAG: alert.code})
    return alert.text


def tell_of_command_run(settings: Settings, instance: dg.DagsterInstance, run_id: str) -> None:
    """What a command does about a run of its own, or of one before that died; takes some seconds at most."""
    run = instance.get_run_by_id(run_id)
    if run is not None and is_stopped(run) and ENDED_TAG not in run.tags and sys.stdin.isatty():
        instance.add_run_tags(run_id, {TOLD_TAG: "STOPPED"})  # by whoever sits there
    elif run is not None and run.is_finished and tell_of_run(settings, instance, run):
        desk_of(settings).deliver(_COMMAND_BUDGET_SECONDS)


@contextmanager
def telling_of_faults(settings: Settings) -> Iterator[None]:
    """Tells of what goes wrong in a command before, between or after its runs; not of how it was called."""
    try:
        yield
    except WrongUse:
        raise
    except Exception as error:
        if not getattr(error, "is_told", False):
            desk = desk_of(settings)
            desk.tell(outside_alert(settings.source, error))
            desk.deliver(_COMMAND_BUDGET_SECONDS)
        raise


def alert_sensor(project: Project) -> dg.SensorDefinition:
    """The sensor that tells of failed runs, on as shipped."""

    @dg.sensor(
        name="run_failure_alert",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        description="Tells of every run that failed, or published nothing for want of data: run, assets and reason, no "
        "customer's values; in data/logs/alerts.log and the daemon's log, by webhook and e-mail where these are set.",
    )
    def run_failure_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        cursor, told = _sweep(project.settings, context.instance, context.cursor)
        waiting = desk_of(project.settings).deliver(_BUDGET_SECONDS)
        return dg.SensorResult(skip_reason=f"{told} told, {waiting} wait for a channel.", cursor=cursor)

    return run_failure_alert


def _sweep(settings: Settings, instance: dg.DagsterInstance, cursor: str | None) -> tuple[str, int]:
    """Tells of what ended since the cursor, oldest first; returns the next cursor and how many were told of."""
    since = dt.datetime.fromisoformat(cursor) if cursor else dt.datetime.now(dt.UTC) - _LOOK_BACK
    over = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]
    records = instance.get_run_records(
        dg.RunsFilter(statuses=over, updated_after=since - _OVERLAP), order_by="update_timestamp", ascending=True
    )
    give_up, told = time.monotonic() + _BUDGET_SECONDS, 0
    for record in records:
        text = tell_of_run(settings, instance, record.dagster_run)
        if text:
            _LOGGER.error(text)
            told += 1
        since = max(since, _aware(record.update_timestamp))
        if told >= _MOST_A_TICK or time.monotonic() > give_up:
            break
    return since.isoformat(), told


def _aware(when: dt.datetime) -> dt.datetime:
    return when if when.tzinfo else when.replace(tzinfo=dt.UTC)
