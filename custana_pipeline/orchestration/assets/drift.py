"""The drift asset: whether tonight's customers are like those that the model of who buys has learned from."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import dagster as dg

from custana_pipeline.orchestration.boundary import RETRIES, reported
from custana_pipeline.orchestration.days import as_of_days
from custana_pipeline.orchestration.drift_tables import TABLE, measure_drift, store_drift
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.sql_assets import asset_key, table_metadata

if TYPE_CHECKING:
    from custana_pipeline.models.drift import Drift

CHECK = "inputs_are_like_those_of_training"
SHOWN = 20


def drift_assets(project: Project) -> list[dg.AssetsDefinition]:
    """models/drift, whose check warns and stops nothing."""
    key = asset_key(TABLE)

    @dg.asset(
        key=key,
        deps=[asset_key("features.behavior"), asset_key("models.behavior")],
        group_name="models",
        kinds={"duckdb", "python"},
        owners=[project.settings.owner],
        description="How far the inputs and scores of the day are from those of training, column by column.",
        partitions_def=as_of_days(project.settings.pack),
        retry_policy=RETRIES,
        pool="warehouse",
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=key, description="No input and no score moved more than chance and time do.")
        ],
    )
    @reported
    def drift(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        as_of = dt.date.fromisoformat(context.partition_key)
        with project.warehouse.transaction() as session:
            measured = measure_drift(session, project, as_of)
            store_drift(session, measured, as_of)
            metadata = table_metadata(session, TABLE)
        return dg.MaterializeResult(metadata=metadata | _told(measured), check_results=[_verdict(measured)])

    return [drift]


def _verdict(measured: "Drift") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=measured.level != "alarm",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "note": measured.note,
            "unseen_categories": sum(measured.unseen.values()),
            **{level: len(measured.columns_at(level)) for level in ("alarm", "warn")},
        },
    )


def _told(measured: "Drift") -> dict[str, Any]:
    rows = [
        f"| {row['column']} | {row['psi']:.3f} | {row['psi_alarm']:.3f} | {row['ks']:.3f} | {row['ks_alarm']:.3f} "
        f"| {row['level']} | {row['direction']} |"
        for row in measured.table.head(SHOWN).to_dict("records")
    ]
    head = ["| column | PSI | alarm from | KS | alarm from | level | direction |", "|---|---|---|---|---|---|---|"]
    return {"note": measured.note, "state": measured.state, "largest": dg.MetadataValue.md("\n".join([*head, *rows]))}
