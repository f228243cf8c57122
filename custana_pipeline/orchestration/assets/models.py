"""Model assets: each trains its analysis as of the day, tells MLflow everything, and records the champions."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from custana_pipeline.models.training import Training
from custana_pipeline.orchestration.ahead import learned_of, turn
from custana_pipeline.orchestration.backtest_tables import store_backtests
from custana_pipeline.orchestration.boundary import RETRIES, reported_steps
from custana_pipeline.orchestration.champions import store_champions, store_holdouts
from custana_pipeline.orchestration.days import as_of_days
from custana_pipeline.orchestration.importance_tables import store_importance
from custana_pipeline.orchestration.model_metadata import training_metadata, verdict_metadata
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.publication import write_states
from custana_pipeline.orchestration.sql_assets import asset_key
from custana_pipeline.orchestration.training_log import TrainingFacts, log_training
from custana_pipeline.orchestration.trainings import GATED
from custana_pipeline.stores.tracking_records import LoggedAnalysis, Origin

ANALYSES = {
    "behavior": "The model that foresees who will buy within the horizon.",
    "demand": "The models that foresee how often and for how much each customer will buy within the horizon.",
    "segmentation": "The model that tells which customers are alike.",
}
TRAINABLE_CHECK = "is_trainable"
NAIVE_CHECK = "beats_the_best_naive_rule"
GATE_CHECK = "promotion_gate"
LEAK_CHECK = "no_feature_gives_the_outcome_away"
Yielded = dg.AssetCheckResult | dg.AssetObservation | dg.MaterializeResult


def model_assets(project: Project) -> list[dg.AssetsDefinition]:
    """One asset for each analysis; where it is not trainable, nothing downstream of it is made that day."""
    return [_model_asset(project, analysis) for analysis in ANALYSES]


def _model_asset(project: Project, analysis: str) -> dg.AssetsDefinition:
    key = asset_key(f"models.{analysis}")

    @dg.asset(
        key=key,
        deps=[asset_key(f"features.{analysis}"), *([asset_key("features.levels")] if analysis in GATED else [])],
        group_name="models",
        kinds={"scikitlearn", "mlflow"},
        owners=[project.settings.owner],
        description=ANALYSES[analysis],
        code_version=project.code_version,
        partitions_def=as_of_days(project.settings.pack),
        retry_policy=RETRIES,
        pool="warehouse",
        op_tags=turn(f"models.{analysis}"),
        output_required=False,
        check_specs=[
            dg.AssetCheckSpec(
                TRAINABLE_CHECK, asset=key, description="Enough customers, and both outcomes among them."
            ),
            dg.AssetCheckSpec(NAIVE_CHECK, asset=key, description="Each champion beats its best naive rule."),
            *(_gate_checks(key) if analysis in GATED else []),
        ],
    )
    @reported_steps
    def model(context: dg.AssetExecutionContext) -> Iterator[Yielded]:
        as_of = dt.date.fromisoformat(context.partition_key)
        learned = learned_of(project, analysis, as_of)
        training = learned.training
        origin = Origin(
            data_version=learned.data_version,
            code_version=project.code_version,
            dagster_run_id=context.run.run_id,
            dagster_asset=key.to_user_string(),
            dagster_partition=context.partition_key,
        )
        facts = TrainingFacts(source=project.settings.source, as_of=as_of, origin=origin, dtypes=learned.dtypes)
        logged = log_training(project.tracker, training, facts)
        versions = {target: facts.version_of(training, target) for target in training.champions}
        with project.warehouse.transaction() as session:
            session.prepare()
            store_champions(session, project, as_of, training, logged, versions)
            store_holdouts(session, as_of, training)
            store_backtests(session, as_of, training)
            if analysis in GATED:
                store_importance(session, as_of, training, learned.importances)
            write_states(session, project, as_of)
        yield from _results(key, context.partition_key, training, logged)

    return model


def _gate_checks(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            GATE_CHECK,
            asset=key,
            blocking=True,
            description="A challenger was promoted: it clears the margins over champion and best naive rule on the "
            "same customers of the newest complete window. Otherwise the champion stays, or the naive rule serves.",
        ),
        dg.AssetCheckSpec(
            LEAK_CHECK, asset=key, blocking=True, description="No single feature foretells the outcome without fault."
        ),
    ]


def _results(key: dg.AssetKey, partition: str, training: Training, logged: LoggedAnalysis) -> Iterator[Yielded]:
    trained = training.is_trained
    yield dg.AssetCheckResult(
        check_name=TRAINABLE_CHECK,
        passed=trained,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"reason": training.reason, **{f"rows_{use}": count for use, count in training.row_counts.items()}},
    )
    beats = {target: champion.beats_naive for target, champion in training.champions.items()}
    yield dg.AssetCheckResult(
        check_name=NAIVE_CHECK,
        passed=trained and all(beats.values()),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={target: training.champions[target].reason for target in beats} or {"reason": training.reason},
    )
    if training.analysis in GATED:
        yield from _gate_results(training)
    if not trained:
        yield dg.AssetObservation(asset_key=key, partition=partition, metadata=verdict_metadata(training, logged))
        return
    yield dg.MaterializeResult(metadata=training_metadata(training, logged))


def _gate_results(training: Training) -> Iterator[Yielded]:
    """A refusal warns and lets the champion's lists be made; a leak stops everything after it."""
    promoted = {target: champion.is_promoted for target, champion in training.champions.items()}
    figures = {
        f"{target}/{name}": value
        for target, champion in training.champions.items()
        for name, value in champion.figures.items()
    }
    reasons = {target: champion.reason for target, champion in training.champions.items()}
    yield dg.AssetCheckResult(
        check_name=GATE_CHECK,
        passed=training.is_trained and all(promoted.values()),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**(reasons or {"reason": training.reason}), **figures},
    )
    leaked = training.state == "LEAKED_FEATURE"
    yield dg.AssetCheckResult(
        check_name=LEAK_CHECK,
        passed=not leaked,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"reason": training.reason} if leaked else {},
    )
