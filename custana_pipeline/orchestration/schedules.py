"""Jobs and schedules; all of them on as shipped."""

import datetime as dt

import dagster as dg

from custana_pipeline.orchestration.days import as_of_days
from custana_pipeline.orchestration.executor import watched_executor
from custana_pipeline.orchestration.project import Project

OUTER_LIMIT_SECONDS = 120
"""A run ends itself after max_runtime_seconds; if it has not after these more, Dagster's own monitor ends it."""


def jobs(project: Project) -> list:
    """`ingest` lands and cleans; `nightly` does everything for one as_of."""
    ingested = dg.AssetSelection.groups("raw", "cleaned")
    limit = project.settings.max_runtime_seconds
    executor = watched_executor(project)
    told = {"dagster/max_runtime": str(limit + OUTER_LIMIT_SECONDS), "custana/source": project.settings.source}
    return [
        dg.define_asset_job(
            "ingest",
            selection=ingested,
            description="Land the files that are new or changed, and build the cleaned tables.",
            executor_def=executor,
            run_tags=told,
        ),
        dg.define_asset_job(
            "nightly",
            selection=dg.AssetSelection.all(),
            description="The whole chain for one as_of: ingest, features, retraining, lists, report, publication.",
            executor_def=executor,
            run_tags=told,
        ),
    ]


def schedules(project: Project) -> list[dg.ScheduleDefinition]:
    """`daily_ingest` one hour before `nightly_retraining`, both in the source's timezone."""
    pack, hour = project.settings.pack, project.settings.nightly_hour
    days = as_of_days(pack)
    ended = pack.calendar.end

    @dg.schedule(
        job_name="ingest",
        cron_schedule=f"0 {(hour - 1) % 24} * * *",
        execution_timezone=pack.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Lands what arrived since yesterday.",
    )
    def daily_ingest(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"ingest-{context.scheduled_execution_time.date()}")

    @dg.schedule(
        job_name="nightly",
        cron_schedule=f"0 {hour} * * *",
        execution_timezone=pack.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Retrains and publishes for the day that begins.",
    )
    def nightly_retraining(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.date()
        if ended is not None and day > ended:
            return dg.SkipReason(f"The source's calendar ended on {ended}; nothing new can be learnt from it.")
        if not days.has_partition_key(day.isoformat()):
            return dg.SkipReason(f"The source's calendar has no {day}.")
        return dg.RunRequest(run_key=f"nightly-{day}", partition_key=day.isoformat())

    return [daily_ingest, nightly_retraining]


def freshness(project: Project) -> dg.FreshnessPolicy | None:
    """Fails 36 hours after the last materialization; none for a closed source, which never gets fresher."""
    if project.settings.pack.calendar.end is not None:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(hours=36), warn_window=dt.timedelta(hours=26))
