"""What a run came to, read back from the warehouse and the published manifest."""

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

from custana_pipeline.orchestration.absences import absences
from custana_pipeline.orchestration.audits import counts_by_table
from custana_pipeline.orchestration.profiling import profile_line
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.publication import state_path
from custana_pipeline.orchestration.run import RunOutcome
from custana_pipeline.orchestration.watch import warnings_of
from custana_pipeline.stores.places import near
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline.stores.session import Session

HEADLINE_METRICS = {
    "is_recommended": "holdout_roc_auc",
    "future_purchase": "holdout_rmse",
    "future_amount": "holdout_mae",
    "segment": "silhouette",
}


@dataclass(frozen=True)
class LineCounts:
    """Where the lines of one table went."""

    table: str
    read: int
    kept: int
    set_aside: int
    rejected: int


@dataclass(frozen=True)
class ModelRow:
    """One champion beside the best naive baseline, in the metric that is told of its target."""

    target: str
    champion: str
    metric: str
    champion_value: float
    naive: str
    naive_value: float
    verdict: str
    """Who serves and how it stands: beats naive, champion stays, naive serves or untested."""


@dataclass(frozen=True)
class RunSummary:
    """The facts that the terminal shows at the end of a run."""

    lines: tuple[LineCounts, ...]
    customers: int
    models: tuple[ModelRow, ...]
    untrainable: dict[str, str]
    absent: tuple[str, ...]
    warnings: tuple[str, ...]
    """What was noticed about the data and stopped nothing."""
    places: dict[str, str]
    peak_memory_gb: float = field(default=0.0)
    stages: str = ""
    """Seconds and peak memory of each stage, in one line."""


def summarise(project: Project, outcome: RunOutcome) -> RunSummary:
    """Reads the outcome of a run back."""
    with project.warehouse.reading() as session:
        lines = line_counts(session)
        customers = _customers(session, outcome.as_of)
        models, untrainable = model_rows(session, outcome)
        warnings = tuple(warnings_of(session))
        absent = tuple(f"no {what}: {why}" for what, why in absences(session, project))
    return RunSummary(
        lines=lines,
        customers=customers,
        models=models,
        untrainable=untrainable,
        absent=absent,
        warnings=warnings,
        places=_places(project, outcome, bool(untrainable)),
        peak_memory_gb=PROFILE.peak_gb,
        stages=profile_line(),
    )


def _customers(session: Session, as_of: dt.date | None) -> int:
    """Customers with a purchase before the day: those of features.activity, where the run got so far."""
    if as_of is not None and session.exists("features.activity"):
        found = session.rows("select count(*) from features.activity where as_of = $as_of", {"as_of": as_of})[0][0]
        if found:
            return int(found)
    query = """select count(distinct customer_number) from cleaned.numbered_transactions
        where not is_return and ordered_date < coalesce($as_of::date, date '9999-01-01')"""
    return int(session.rows(query, {"as_of": as_of})[0][0])


def line_counts(session: Session) -> tuple[LineCounts, ...]:
    """The counts of every cleaned table, over all files of its history."""
    counts: Any = counts_by_table(session)
    by_table: dict[str, Any] = {
        str(table): rows.groupby("status")["line_count"].sum()
        for table, rows in counts.groupby("table_name", sort=False)
    }
    return tuple(
        LineCounts(
            table, int(found.sum()), *(int(found.get(status, 0)) for status in ("kept", "set_aside", "rejected"))
        )
        for table, found in by_table.items()
    )


def model_rows(session: Session, outcome: RunOutcome) -> tuple[tuple[ModelRow, ...], dict[str, str]]:
    """The champions of the run's day, and the analyses that could not be trained with their reasons."""
    if not session.exists("models.champions") or outcome.as_of is None:
        return (), {}
    query = """select target, candidate, metrics, best_naive, naive_metrics, beats_naive, kept_version, state, analysis,
            reason
        from models.champions where as_of = $as_of order by analysis, target"""
    shown, untrainable = [], {}
    for row in session.rows(query, {"as_of": outcome.as_of}):
        target, candidate, metrics, naive, naive_metrics, beats, kept, state, analysis, reason = row
        if state not in ("TRAINED", "UNJUDGED"):
            untrainable[analysis] = reason
            continue
        metric = HEADLINE_METRICS.get(target, "")
        value, naive_value = (json.loads(told).get(metric, float("nan")) for told in (metrics, naive_metrics))
        verdict = _verdict(state, str(kept or ""), bool(beats))
        shown.append(ModelRow(target, candidate, metric.removeprefix("holdout_"), value, naive, naive_value, verdict))
    return tuple(shown), untrainable


def _verdict(state: str, kept_version: str, beats_naive: bool) -> str:
    if state == "UNJUDGED":
        return "untested"
    if kept_version:
        return "champion stays"
    return "beats naive" if beats_naive else "naive serves"


def _places(project: Project, outcome: RunOutcome, unpublished: bool) -> dict[str, str]:
    settings = project.settings
    folder = settings.published_dir / str(outcome.as_of)
    uis = "`make ui` (or `custana ui`): Dagster http://127.0.0.1:{}, MLflow http://127.0.0.1:{}"
    places = {"UIs": uis.format(settings.dagster_port, settings.mlflow_port)}
    if unpublished:
        return {"Report": near(state_path(project, outcome.as_of)), **places} if outcome.as_of else places
    return {"Lists": near(folder), "Report": near(folder / "report.html"), **places}
