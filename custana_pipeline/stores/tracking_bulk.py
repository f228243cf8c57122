"""Finished nested runs written to MLflow's own tables in one transaction, with one statement a table.

Through the client each of the forty nested runs of a night takes some forty statements, with an object of SQLAlchemy's
for every number: a second and more of a run's time. The rows here are those that the client would have written.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from custana_pipeline.stores.tracking_records import finite_metrics

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

LONGEST_VALUE = 4000


@dataclass(frozen=True)
class NestedRun:
    """What is told of one candidate or baseline."""

    name: str
    tags: Mapping[str, str]
    parameters: Mapping[str, object]
    measured: Mapping[int, Mapping[str, float]]
    """Metrics by MLflow's step."""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)


def write_nested(client: "MlflowClient", parent: "RunInfo", runs: Sequence[NestedRun]) -> None:
    """Writes the runs as FINISHED ones of the parent's experiment, all of them or none."""
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag
    from sqlalchemy import insert

    found: Any = client
    rows = {
        SqlRun: [_run_row(run, parent) for run in runs],
        SqlTag: [row for run in runs for row in _keyed(run, _tags(run, parent))],
        SqlParam: [row for run in runs for row in _keyed(run, _parameters(run))],
        SqlMetric: [row for run in runs for row in _metric_rows(run, parent.start_time)],
        SqlLatestMetric: [row for run in runs for row in _latest_rows(run, parent.start_time)],
    }
    with found._tracking_client.store.ManagedSessionMaker(read_only=False) as session:
        for table, its_rows in rows.items():
            if its_rows:
                session.execute(insert(table), its_rows)


def artifact_uri(run_id: str, parent: "RunInfo") -> str:
    """Where MLflow looks for the files of a run beside its parent."""
    return str(parent.artifact_uri).replace(parent.run_id, run_id)


def _run_row(run: NestedRun, parent: "RunInfo") -> dict[str, object]:
    return {
        "run_uuid": run.run_id,
        "name": run.name,
        "artifact_uri": artifact_uri(run.run_id, parent),
        "experiment_id": int(parent.experiment_id),
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "source_version": "",
        "user_id": parent.user_id,
        "status": "FINISHED",
        "start_time": parent.start_time,
        "end_time": parent.start_time,
        "lifecycle_stage": "active",
    }


def _tags(run: NestedRun, parent: "RunInfo") -> dict[str, str]:
    return {**run.tags, "mlflow.parentRunId": parent.run_id, "mlflow.runName": run.name}


def _parameters(run: NestedRun) -> dict[str, str]:
    return {key: str(value)[:LONGEST_VALUE] for key, value in run.parameters.items()}


def _keyed(run: NestedRun, values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"run_uuid": run.run_id, "key": key, "value": value} for key, value in values.items()]


def _metric_rows(run: NestedRun, timestamp: int) -> list[dict[str, object]]:
    return [
        {"run_uuid": run.run_id, "key": key, "value": value, "timestamp": timestamp, "step": step, "is_nan": False}
        for step, key, value in finite_metrics(run.measured)
    ]


def _latest_rows(run: NestedRun, timestamp: int) -> list[dict[str, object]]:
    """Of each metric the one of its highest step."""
    latest = {row["key"]: row for row in sorted(_metric_rows(run, timestamp), key=lambda row: int(str(row["step"])))}
    return list(latest.values())
