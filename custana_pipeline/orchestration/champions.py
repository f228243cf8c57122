"""models.champions: which model serves a target as of a day, and how to load it safely."""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from custana_pipeline.errors import DataFault
from custana_pipeline.models.training import Training
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.tracking_records import LoggedAnalysis
from custana_pipeline.stores.warehouse import Session

TABLE = "models.champions"
HOLDOUTS = "models.holdouts"
COLUMNS = {
    "as_of": "date",
    "analysis": "varchar",
    "target": "varchar",
    "candidate": "varchar",
    "model_version": "varchar",
    "mlflow_run_id": "varchar",
    "mlflow_url": "varchar",
    "registered_model": "varchar",
    "registered_version": "bigint",
    "artifact_path": "varchar",
    "sha256": "varchar",
    "columns": "varchar",
    "reference": "varchar",
    "metrics": "varchar",
    "naive_metrics": "varchar",
    "best_naive": "varchar",
    "beats_naive": "boolean",
    "state": "varchar",
    "reason": "varchar",
}


@dataclass(frozen=True)
class ServingChampion:
    """A champion as loaded for scoring: its pipeline, what it takes, and how it is told of."""

    target: str
    candidate: str
    model_version: str
    estimator: Any
    columns: tuple[str, ...]
    reference: dict[str, Any]
    metrics: dict[str, float]
    naive_metrics: dict[str, float]
    best_naive: str
    beats_naive: bool
    reason: str


def store_champions(
    session: Session,
    project: Project,
    as_of: dt.date,
    training: Training,
    logged: LoggedAnalysis,
    versions: dict[str, str],
) -> None:
    """Replaces the rows of one analysis and day; NOT_TRAINABLE is a row too, with its reason and no model."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    session.connection.execute(f"create table if not exists {TABLE} ({columns})")
    session.connection.execute(
        f"delete from {TABLE} where as_of = $as_of and analysis = $analysis",
        {"as_of": as_of, "analysis": training.analysis},
    )
    base = {
        "as_of": as_of,
        "analysis": training.analysis,
        "mlflow_run_id": logged.run_id,
        "mlflow_url": logged.url,
        "state": training.state,
        "reason": training.reason,
    }
    rows = [base | _champion_row(project, training, logged, target, versions) for target in training.champions] or [
        base
    ]
    for row in rows:
        values = {name: row.get(name) for name in COLUMNS}
        session.connection.execute(f"insert into {TABLE} values ({', '.join(f'${name}' for name in COLUMNS)})", values)


def store_holdouts(session: Session, as_of: dt.date, training: Training) -> None:
    """Keeps what each champion foresaw on its holdout beside what happened; the report draws from it."""
    session.connection.execute(
        f"create table if not exists {HOLDOUTS} (as_of date, target varchar, actual double, predicted double)"
    )
    for target, champion in training.champions.items():
        session.connection.execute(
            f"delete from {HOLDOUTS} where as_of = $as_of and target = $target", {"as_of": as_of, "target": target}
        )
        judged = [each.holdout for each in training.evaluated_for(target) if each.name == champion.name]
        if target == "segment" or not judged:
            continue
        session.connection.register("judged", judged[0][["actual", "predicted"]].astype("float64"))
        session.connection.execute(
            f"insert into {HOLDOUTS} select $as_of, $target, actual, predicted from judged",
            {"as_of": as_of, "target": target},
        )
        session.connection.unregister("judged")


def _champion_row(
    project: Project, training: Training, logged: LoggedAnalysis, target: str, versions: dict[str, str]
) -> dict[str, Any]:
    champion, registered = training.champions[target], logged.registered[target]
    naive = [each for each in training.evaluated_for(target) if each.name == champion.best_naive]
    return {
        "target": target,
        "candidate": champion.name,
        "model_version": versions[target],
        "registered_model": registered.name,
        "registered_version": registered.version,
        "artifact_path": str(registered.file.relative_to(project.settings.mlflow_dir)),
        "sha256": registered.sha256,
        "columns": json.dumps(list(champion.columns)),
        "reference": json.dumps(champion.reference, default=str),
        "metrics": json.dumps(champion.metrics),
        "naive_metrics": json.dumps(naive[0].metrics if naive else {}),
        "best_naive": champion.best_naive,
        "beats_naive": champion.beats_naive,
        "reason": champion.reason,
    }


def serving_champion(session: Session, project: Project, as_of: dt.date, target: str) -> ServingChampion:
    """The champion of `target` as of the day, its file checked against the hash that was recorded at training.

    Raises DataFault where there is none.
    """
    query = f"""select candidate, model_version, artifact_path, sha256, columns, reference, metrics, naive_metrics,
            best_naive, beats_naive, reason
        from {TABLE} where as_of = $as_of and target = $target and state = 'TRAINED'"""
    found = session.rows(query, {"as_of": as_of, "target": target}) if session.exists(TABLE) else []
    if not found:
        raise DataFault(f"There is no champion for {target} as of {as_of}: materialize the models of that day first.")
    from custana_pipeline.models.persistence import load

    candidate, version, path, sha256, columns, reference, metrics, naive, best_naive, beats, reason = found[0]
    return ServingChampion(
        target=target,
        candidate=candidate,
        model_version=version,
        estimator=load(Path(project.settings.mlflow_dir / path), sha256),
        columns=tuple(json.loads(columns)),
        reference=json.loads(reference),
        metrics=json.loads(metrics),
        naive_metrics=json.loads(naive),
        best_naive=best_naive,
        beats_naive=bool(beats),
        reason=reason,
    )


def has_champion(session: Session, as_of: dt.date, target: str) -> bool:
    """Whether a trained champion of `target` is there as of the day."""
    query = f"select count(*) from {TABLE} where as_of = $as_of and target = $target and state = 'TRAINED'"
    return session.exists(TABLE) and session.rows(query, {"as_of": as_of, "target": target})[0][0] > 0


def snapshots(session: Session, table: str, days: tuple[dt.date, ...]) -> pd.DataFrame:
    """The feature rows of `days`, oldest first, in the order of the grain."""
    listed = ", ".join(f"date '{day}'" for day in days)
    return session.frame(f"select * from {table} where as_of in ({listed}) order by as_of, customer_id")
