"""Model assets: each trains its analysis as of the day, tells MLflow everything, and records the champions."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from custana_pipeline.features.windows import Origins
from custana_pipeline.models.training import Training
from custana_pipeline.orchestration.boundary import RETRIES, reported_steps
from custana_pipeline.orchestration.champions import snapshots, store_champions, store_holdouts
from custana_pipeline.orchestration.days import as_of_days
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.sql_assets import asset_key
from custana_pipeline.stores.tracking_records import (
    AnalysisRun,
    LoggedAnalysis,
    Origin,
    ServingModel,
    Trial,
    column_types,
)

ANALYSES = {
    "behavior": "The model that foresees who will buy within the horizon.",
    "demand": "The models that foresee how often and for how much each customer will buy within the horizon.",
    "segmentation": "The model that tells which customers are alike.",
}
TRAINABLE_CHECK = "is_trainable"
NAIVE_CHECK = "beats_the_best_naive_rule"
Yielded = dg.AssetCheckResult | dg.AssetObservation | dg.MaterializeResult


def model_assets(project: Project) -> list[dg.AssetsDefinition]:
    """One asset for each analysis; where it is not trainable, nothing downstream of it is made that day."""
    return [_model_asset(project, analysis) for analysis in ANALYSES]


def _model_asset(project: Project, analysis: str) -> dg.AssetsDefinition:
    key = asset_key(f"models.{analysis}")

    @dg.asset(
        key=key,
        deps=[asset_key(f"features.{analysis}")],
        group_name="models",
        kinds={"scikitlearn", "mlflow"},
        owners=[project.settings.owner],
        description=ANALYSES[analysis],
        code_version=project.code_version,
        partitions_def=as_of_days(project.settings.pack),
        retry_policy=RETRIES,
        pool="warehouse",
        output_required=False,
        check_specs=[
            dg.AssetCheckSpec(TRAINABLE_CHECK, asset=key, description="Enough customers, and both outcomes among them."),
            dg.AssetCheckSpec(NAIVE_CHECK, asset=key, description="Each champion beats its best naive rule."),
        ],
    )
    @reported_steps
    def model(context: dg.AssetExecutionContext) -> Iterator[Yielded]:
        as_of = dt.date.fromisoformat(context.partition_key)
        with project.warehouse.reading() as session:
            known = project.origins(session, as_of)
            rows = snapshots(session, f"features.{analysis}", _days(analysis, known))
        training = train(project, analysis, rows, known)
        origin = Origin(
            data_version=digest_of(rows),
            code_version=project.code_version,
            dagster_run_id=context.run_id,
            dagster_asset=key.to_user_string(),
            dagster_partition=context.partition_key,
        )
        versions = model_versions(training, origin, as_of)
        logged = log_training(project, training, rows, as_of=as_of, origin=origin, versions=versions)
        with project.warehouse.transaction() as session:
            session.prepare()
            store_champions(session, project, as_of, training, logged, versions)
            store_holdouts(session, as_of, training)
        yield from _results(key, context.partition_key, training, logged)

    return model


def _days(analysis: str, known: Origins) -> tuple[dt.date, ...]:
    if analysis == "segmentation":
        return (known.holdout, known.as_of)
    return tuple(sorted({*known.training, known.holdout, *known.refit}))


def train(project: Project, analysis: str, rows: pd.DataFrame, known: Origins) -> Training:
    """Trains one analysis on its feature rows; see the models stage."""
    settings = project.settings
    if analysis == "behavior":
        from custana_pipeline.models.behavior import BehaviorSettings, train_behavior

        return train_behavior(rows, known, BehaviorSettings(horizon_days=settings.horizon_days, seed=settings.seed))
    if analysis == "demand":
        from custana_pipeline.models.demand import DemandSettings, train_demand

        return train_demand(rows, known, DemandSettings(horizon_days=settings.horizon_days, seed=settings.seed))
    from custana_pipeline.models.segmentation import SegmentationSettings, train_segmentation

    days = pd.to_datetime(rows["as_of"]).dt.date
    earlier = rows[days == known.holdout]
    told = earlier if len(earlier) and earlier["future_amount"].notna().any() else None
    return train_segmentation(rows[days == known.as_of], told, SegmentationSettings(seed=settings.seed))


def model_versions(training: Training, origin: Origin, as_of: dt.date) -> dict[str, str]:
    """A version a champion that is the same whenever data, code and settings are: <candidate>-<as_of>-<digest>."""
    told = json.dumps([origin.data_version, origin.code_version, training.settings], sort_keys=True, default=str)
    digest = hashlib.sha256(told.encode()).hexdigest()[:8]
    return {target: f"{champion.name}-{as_of}-{digest}" for target, champion in training.champions.items()}


def digest_of(rows: pd.DataFrame) -> str:
    """A hash of a frame's values and column names."""
    hashed = pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes()
    return hashlib.sha256(",".join(rows.columns).encode() + hashed).hexdigest()[:16]


def log_training(
    project: Project,
    training: Training,
    rows: pd.DataFrame,
    *,
    as_of: dt.date,
    origin: Origin,
    versions: dict[str, str],
) -> LoggedAnalysis:
    """Tells MLflow of a training: a parent run, a nested run each candidate and baseline, the champions registered."""
    from custana_pipeline.models.figures import figures_of
    from custana_pipeline.models.persistence import TRUSTED_TYPES

    source = project.settings.source
    trials = tuple(
        Trial(
            name=each.name,
            role=each.role,
            target=each.target,
            parameters=each.parameters,
            metrics=each.metrics,
            figures=lambda each=each: figures_of(each, training.analysis),
            estimator=each.estimator if each.role == "candidate" else None,
        )
        for each in training.evaluated
    )
    champions = tuple(
        ServingModel(
            target=target,
            candidate=champion.name,
            registered_model=registered_name(source, training.analysis, target),
            model_version=versions[target],
            estimator=champion.estimator,
            columns=champion.columns,
            metrics=champion.metrics,
            best_naive=champion.best_naive,
            beats_naive=champion.beats_naive,
            reason=champion.reason,
        )
        for target, champion in training.champions.items()
    )
    run = AnalysisRun(
        source=source,
        analysis=training.analysis,
        as_of=as_of,
        state=training.state,
        reason=training.reason,
        origin=origin,
        column_types=column_types({name: rows[name].dtype for name in rows.columns}),
        trials=trials,
        champions=champions,
        settings=training.settings,
        row_counts=training.row_counts,
        dropped_columns=training.dropped_columns,
    )
    return project.tracker.log_analysis(run, TRUSTED_TYPES)


def registered_name(source: str, analysis: str, target: str) -> str:
    """The name in MLflow's registry.

    >>> registered_name("sample", "demand", "future_amount")
    'sample-demand-future_amount'
    """
    return f"{source}-demand-{target}" if analysis == "demand" else f"{source}-{analysis}"


def _results(key: dg.AssetKey, partition: str, training: Training, logged: LoggedAnalysis) -> Iterator[Yielded]:
    metadata: dict[str, object] = {
        "state": training.state,
        "reason": training.reason,
        "mlflow_run": dg.MetadataValue.url(logged.url),
        "rows": dg.MetadataValue.json(training.row_counts),
    }
    trained = training.is_trained
    yield dg.AssetCheckResult(
        check_name=TRAINABLE_CHECK,
        passed=trained,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"reason": training.reason},
    )
    if not trained:
        yield dg.AssetObservation(asset_key=key, partition=partition, metadata=metadata)  # type: ignore[arg-type]
        return
    beats = {target: champion.beats_naive for target, champion in training.champions.items()}
    yield dg.AssetCheckResult(
        check_name=NAIVE_CHECK, passed=all(beats.values()), severity=dg.AssetCheckSeverity.WARN, metadata=beats
    )
    for target, model in logged.registered.items():
        metadata[f"{target}_model"] = dg.MetadataValue.url(model.url)
        metadata[f"{target}_champion"] = training.champions[target].name
    metadata["comparison"] = dg.MetadataValue.md(comparison_table(training))
    metadata |= {
        f"{target}/{name}": float(value)
        for target, champion in training.champions.items()
        for name, value in champion.metrics.items()
    }
    yield dg.MaterializeResult(metadata=metadata)


def comparison_table(training: Training) -> str:
    """Candidates and baselines with their metrics, as a Markdown table for each target."""
    tables = []
    for target, champion in training.champions.items():
        tried = training.evaluated_for(target)
        names = list(dict.fromkeys(name for each in tried for name in each.metrics))
        head = f"| {target} | role | " + " | ".join(name.removeprefix("holdout_") for name in names) + " |"
        rule = "|---" * (len(names) + 2) + "|"
        rows = [
            f"| {'**' + each.name + '**' if each.name == champion.name else each.name} | {each.role} | "
            + " | ".join(f"{each.metrics[name]:.4g}" if name in each.metrics else "" for name in names)
            + " |"
            for each in tried
        ]
        tables.append("\n".join([head, rule, *rows]))
    return "\n\n".join(tables)
