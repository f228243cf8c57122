"""models.champions: which model serves a target as of a day, and how to load it safely."""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custana_pipeline.errors import DataFault
from custana_pipeline.models.training import Champion, Training
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.tracking_records import LoggedAnalysis

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
    "horizon_days": "bigint",
    "judged_path": "varchar",
    "judged_sha256": "varchar",
    "is_promoted": "boolean",
    "kept_version": "varchar",
    "shift": "double",
    "level": "varchar",
    "figures": "varchar",
    "input_hash": "varchar",
}
ARTIFACT_COLUMNS = (
    "mlflow_run_id", "mlflow_url", "registered_model", "registered_version", "artifact_path", "sha256", "judged_path",
    "judged_sha256", "model_version",
)  # fmt: skip
"""Where a model is found: what a champion that stays keeps from its last day."""
SERVES = "state in ('TRAINED', 'UNJUDGED')"


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
    _ensure_table(session)
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
        "horizon_days": project.settings.horizon_days,
        "input_hash": input_hash(session),
    }
    told = [base | _champion_row(session, project, training, logged, target, versions) for target in training.champions]
    for row in told or [base]:
        values = {name: row.get(name) for name in COLUMNS}
        session.connection.execute(f"insert into {TABLE} values ({', '.join(f'${name}' for name in COLUMNS)})", values)


def input_hash(session: Session) -> str:
    """What the history was read from: another input is another shop, and its champion has nothing to defend here."""
    if not session.exists("raw.inputs"):
        return ""
    query = "select md5(string_agg(raw_set || place, ',' order by raw_set, place)) from raw.inputs"
    return str(session.rows(query)[0][0])


def _ensure_table(session: Session) -> None:
    """Makes the table, or gives an older one the columns that it lacks."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    if not session.exists(TABLE):
        session.connection.execute(f"create table {TABLE} ({columns})")
        return
    there = session.columns(TABLE)
    if there != tuple(COLUMNS):
        kept = ", ".join(
            f"cast({name if name in there else 'null'} as {kind}) as {name}" for name, kind in COLUMNS.items()
        )
        session.connection.execute(f"create or replace table {TABLE} as select {kept} from {TABLE} order by rowid")


def store_holdouts(session: Session, as_of: dt.date, training: Training) -> None:
    """Keeps what each champion foresaw on its holdout beside what happened; the report draws from it."""
    columns = "as_of date, target varchar, customer_id varchar, actual double, predicted double"
    if session.exists(HOLDOUTS) and "customer_id" not in session.columns(HOLDOUTS):
        session.connection.execute(f"drop table {HOLDOUTS}")
    session.connection.execute(f"create table if not exists {HOLDOUTS} ({columns})")
    for target in training.champions:
        session.connection.execute(
            f"delete from {HOLDOUTS} where as_of = $as_of and target = $target", {"as_of": as_of, "target": target}
        )
        name = training.judged_as(target)
        judged = [each.holdout for each in training.evaluated_for(target) if each.name == name]
        if target == "segment" or not judged:
            continue
        session.connection.register("judged", judged[0][["customer_id", "actual", "predicted"]])
        session.connection.execute(
            f"""insert into {HOLDOUTS}
            select $as_of, $target, customer_id, cast(actual as double), cast(predicted as double) from judged""",
            {"as_of": as_of, "target": target},
        )
        session.connection.unregister("judged")


def _champion_row(
    session: Session,
    project: Project,
    training: Training,
    logged: LoggedAnalysis,
    target: str,
    versions: dict[str, str],
) -> dict[str, Any]:
    champion = training.champions[target]
    naive = [each for each in training.evaluated_for(target) if each.name == champion.best_naive]
    if champion.kept_version:
        found = _artifact_of(session, target, champion.kept_version)
    else:
        found = _new_artifact(project, logged, champion) | {"model_version": versions[target]}
    return found | {
        "target": target,
        "candidate": champion.name,
        "columns": json.dumps(list(champion.columns)),
        "reference": json.dumps(champion.reference, default=str),
        "metrics": json.dumps(champion.metrics),
        "naive_metrics": json.dumps(naive[0].metrics if naive else {}),
        "best_naive": champion.best_naive,
        "beats_naive": champion.beats_naive,
        "reason": champion.reason,
        "is_promoted": champion.is_promoted,
        "kept_version": champion.kept_version,
        "shift": champion.shift,
        "level": champion.level,
        "figures": json.dumps(champion.figures),
    }


def _new_artifact(project: Project, logged: LoggedAnalysis, champion: Champion) -> dict[str, Any]:
    registered = logged.registered[champion.target]
    judged = logged.trial_files.get((champion.target, champion.name))
    folder = project.settings.mlflow_dir
    return {
        "registered_model": registered.name,
        "registered_version": registered.version,
        "artifact_path": str(registered.file.relative_to(folder)),
        "sha256": registered.sha256,
        "judged_path": str(judged[0].relative_to(folder)) if judged else None,
        "judged_sha256": judged[1] if judged else None,
    }


def _artifact_of(session: Session, target: str, model_version: str) -> dict[str, Any]:
    query = f"""select {", ".join(ARTIFACT_COLUMNS)} from {TABLE}
        where target = $target and model_version = $model_version order by as_of limit 1"""
    row = session.rows(query, {"target": target, "model_version": model_version})[0]
    return dict(zip(ARTIFACT_COLUMNS, row, strict=True))


def serving_champion(session: Session, project: Project, as_of: dt.date, target: str) -> ServingChampion:
    """The champion of `target` as of the day, its file checked against the hash that was recorded at training.

    Raises DataFault where there is none.
    """
    query = f"""select candidate, model_version, artifact_path, sha256, columns, reference, metrics, naive_metrics,
            best_naive, beats_naive, reason, shift
        from {TABLE} where as_of = $as_of and target = $target and {SERVES}"""
    found = session.rows(query, {"as_of": as_of, "target": target}) if session.exists(TABLE) else []
    if not found:
        raise DataFault(f"There is no champion for {target} as of {as_of}: materialize the models of that day first.")
    from custana_pipeline.models.persistence import load
    from custana_pipeline.models.served import moved_to

    candidate, version, path, sha256, columns, reference, metrics, naive, best_naive, beats, reason, shift = found[0]
    return ServingChampion(
        target=target,
        candidate=candidate,
        model_version=version,
        estimator=moved_to(load(Path(project.settings.mlflow_dir / path), sha256), shift),
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
    query = f"select count(*) from {TABLE} where as_of = $as_of and target = $target and {SERVES}"
    return session.exists(TABLE) and session.rows(query, {"as_of": as_of, "target": target})[0][0] > 0
