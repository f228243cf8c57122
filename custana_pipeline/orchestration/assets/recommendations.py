"""The asset that tunes the two recommendation lists on past windows and records what they are made with tonight."""

import datetime as dt
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from custana_pipeline.models.recommendation_history import History, Sales
from custana_pipeline.models.recommendation_tuning import (
    DEFAULT,
    DEFAULTS,
    METRIC,
    TUNED,
    ListParameters,
    ListTrial,
    RecommendationTuning,
    list_parameters,
    tune_recommendations,
)
from custana_pipeline.models.recommendation_windows import Everybody
from custana_pipeline.orchestration.ahead import turn
from custana_pipeline.orchestration.boundary import RETRIES, reported
from custana_pipeline.orchestration.days import as_of_days
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.recommendation_queries import (
    BASKETS,
    EVENT_DAYS,
    LINES,
    MOST_CUSTOMERS,
    MOST_DRAWN,
    number,
)
from custana_pipeline.orchestration.sql_assets import asset_key
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.tracking_records import AnalysisRun, LoggedAnalysis, Origin, Trial

ANALYSIS = "recommendations"
TABLE = f"models.{ANALYSIS}"
CHOICES = "models.recommendation_choices"
NAIVE_CHECK = "beats_the_best_naive_rule"
EPOCH = dt.date(1970, 1, 1)


def recommendation_assets(project: Project) -> list[dg.AssetsDefinition]:
    """One asset; it is made on every day, since the lists are made with the default parameters where none are tuned."""
    key = asset_key(TABLE)

    @dg.asset(
        key=key,
        deps=[asset_key("cleaned.transactions"), asset_key("cleaned.events")],
        group_name="models",
        kinds={"python", "mlflow"},
        owners=[project.settings.owner],
        description="What the buy-again and the discover list are made with, tuned on the windows just past.",
        code_version=project.code_version,
        partitions_def=as_of_days(project.settings.pack),
        retry_policy=RETRIES,
        pool="warehouse",
        op_tags=turn(TABLE),
        check_specs=[dg.AssetCheckSpec(NAIVE_CHECK, asset=key, description="Each list beats its best naive rule.")],
    )
    @reported
    def recommendations(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        as_of = dt.date.fromisoformat(context.partition_key)
        with project.warehouse.reading() as session:
            number(session, as_of)
            given = {"as_of": as_of, "most": MOST_CUSTOMERS}
            lines = session.arrays(LINES, given)
            with ThreadPoolExecutor(1) as beside:
                ordering = beside.submit(History.of_lines, lines)
                events, everybody = session.arrays(EVENT_DAYS, given), _everybody(session, as_of)
            history = ordering.result()
        span = ((as_of - EPOCH).days, project.settings.horizon_days)
        tuning = tune_recommendations(history, events, span, everybody)
        origin = Origin(
            data_version=_digest(history),
            code_version=project.code_version,
            dagster_run_id=context.run.run_id,
            dagster_asset=key.to_user_string(),
            dagster_partition=context.partition_key,
        )
        logged = project.tracker.log_analysis(_analysis_run(project, as_of, tuning, origin))
        with project.warehouse.transaction() as session:
            session.prepare()
            session.replace_day(CHOICES, _choice_rows(as_of, tuning, logged), as_of)
        return dg.MaterializeResult(metadata=_metadata(tuning, logged), check_results=[_naive_check(tuning)])

    return [recommendations]


def _digest(history: History) -> str:
    """A hash of the purchases that the lists were tried on."""
    hashed = hashlib.sha256()
    for values in vars(history).values():
        hashed.update(np.asarray(values).tobytes())
    return hashed.hexdigest()[:16]


def _everybody(session: Session, as_of: dt.date) -> Everybody | None:
    """What sold and what was bought together, where the lists are tried on some of the customers only."""
    if session.rows("select count(*) from numbered_customers")[0][0] <= MOST_CUSTOMERS:
        return None
    baskets = History.of_codes(session.arrays(BASKETS, {"as_of": as_of, "most": MOST_DRAWN})["code"])
    return Everybody(Sales.of(baskets), baskets)


def chosen_parameters(session: Session, as_of: dt.date) -> dict[str, float]:
    """The parameters of the list models as of the day; the defaults where nothing was tuned on that day."""
    chosen = dict(DEFAULTS)
    if session.exists(CHOICES):
        query = f"select list, parameters from {CHOICES} where as_of = $as_of"
        found = session.rows(query, {"as_of": as_of})
        chosen |= {which: ListParameters(**json.loads(parameters)) for which, parameters in found}
    return list_parameters(chosen)


def _analysis_run(project: Project, as_of: dt.date, tuning: RecommendationTuning, origin: Origin) -> AnalysisRun:
    served = list_parameters({target: choice.parameters for target, choice in tuning.choices.items()})
    variants = {f"{target}_variant": choice.variant for target, choice in tuning.choices.items()}
    return AnalysisRun(
        source=project.settings.source,
        analysis=ANALYSIS,
        as_of=as_of,
        state=tuning.state,
        reason=tuning.reason,
        origin=origin,
        trials=tuple(
            Trial(each.name, each.role, each.target, each.parameters, each.metrics)
            for each in tuning.trials
            if each.role == "baseline" or each.name in (DEFAULT, TUNED, tuning.choices[each.target].variant)
        ),
        settings=served | variants,
        row_counts=tuning.row_counts,
        tables={"grid": grid_table(tuning)} if tuning.trials else {},
    )


def grid_table(tuning: RecommendationTuning) -> pd.DataFrame:
    """Every list that was tried, a row each, with its parameters and its metrics on the newest window."""
    return pd.DataFrame(
        {"list": each.target, "name": each.name, "role": each.role, **each.parameters, **each.metrics}
        for each in tuning.trials
    )


def _choice_rows(as_of: dt.date, tuning: RecommendationTuning, logged: LoggedAnalysis) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "as_of": as_of,
            "list": target,
            "state": tuning.state,
            "variant": choice.variant,
            "parameters": json.dumps(choice.parameters.told()),
            "metric": METRIC[target],
            "figures": json.dumps(choice.figures),
            "best_naive": choice.best_naive,
            "beats_naive": choice.beats_naive,
            "reason": choice.reason,
            "mlflow_run_id": logged.run_id,
            "mlflow_url": logged.url,
        }
        for target, choice in tuning.choices.items()
    )


def _naive_check(tuning: RecommendationTuning) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=NAIVE_CHECK,
        passed=all(choice.beats_naive for choice in tuning.choices.values()),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={target: choice.reason for target, choice in tuning.choices.items()},
    )


def _metadata(tuning: RecommendationTuning, logged: LoggedAnalysis) -> dict[str, Any]:
    told: dict[str, Any] = {
        "state": tuning.state,
        "reason": tuning.reason,
        "mlflow_run": dg.MetadataValue.url(logged.url),
        **{f"customers_{window}": count for window, count in tuning.row_counts.items()},
    }
    for target, choice in tuning.choices.items():
        told[f"{target}/variant"] = choice.variant
        told[f"{target}/parameters"] = dg.MetadataValue.json(choice.parameters.told())
        told |= {f"{target}/{name}_{METRIC[target]}": value for name, value in choice.figures.items()}
    if tuning.trials:
        told["comparison"] = dg.MetadataValue.md("\n\n".join(_table(tuning.trials, target) for target in METRIC))
    return told


def _table(trials: tuple[ListTrial, ...], target: str) -> str:
    """The lists of one kind with their metrics on the newest window, as a Markdown table."""
    names = ("users", "recall_10", "ndcg_10", "coverage", "novelty")
    rows = [
        f"| {each.name} | {each.role} | " + " | ".join(f"{each.metrics.get(name, float('nan')):.4g}" for name in names)
        for each in trials
        if each.target == target
    ]
    return "\n".join([f"| {target} | role | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|", *rows])
