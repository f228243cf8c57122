"""Everything that Dagster loads for one source, put together."""

import logging
import warnings

import dagster as dg

from custana_pipeline.orchestration.alerting import alert_sensor
from custana_pipeline.orchestration.assets.applications import application_assets
from custana_pipeline.orchestration.assets.cleaned import cleaned_assets
from custana_pipeline.orchestration.assets.drift import drift_assets
from custana_pipeline.orchestration.assets.features import feature_assets
from custana_pipeline.orchestration.assets.models import model_assets
from custana_pipeline.orchestration.assets.raw import raw_assets
from custana_pipeline.orchestration.assets.recommendations import recommendation_assets
from custana_pipeline.orchestration.assets.steady import steady_assets
from custana_pipeline.orchestration.executor import watched_executor
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.schedules import freshness, jobs, schedules
from custana_pipeline.orchestration.skipped_steps import tell_of_all
from custana_pipeline.stores.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """The assets, checks, jobs, schedules and sensor of the active source."""
    return definitions_of(Project(settings))


def definitions_of(project: Project) -> dg.Definitions:
    """The same of a project that is used for more than this, since reading its SQL takes a third of a second."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    tell_of_all()
    assets = [
        *raw_assets(project),
        *cleaned_assets(project),
        *feature_assets(project),
        *steady_assets(project),
        *model_assets(project),
        *drift_assets(project),
        *recommendation_assets(project),
        *application_assets(project),
    ]
    policy = freshness(project)
    definitions = dg.Definitions(
        assets=assets,
        jobs=jobs(project),
        schedules=schedules(project),
        sensors=[alert_sensor(project)],
        executor=watched_executor(project),
    )
    if policy is None:
        return definitions
    with warnings.catch_warnings():
        # the version is pinned, and its users cannot do anything about a preview
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return definitions.map_asset_specs(func=lambda spec: dg.apply_freshness_policy(spec, policy))
