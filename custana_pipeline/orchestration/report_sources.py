"""What the report is told, read from the tables of its day."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pandas as pd

from custana_pipeline.applications import report_evidence as evidence
from custana_pipeline.applications.report_audience import audience_facts, holdout_of
from custana_pipeline.applications.report_facts import AbsentFacts, FileFacts, ModelFacts, ReportFacts
from custana_pipeline.applications.report_models import origin_facts
from custana_pipeline.orchestration.absences import absences
from custana_pipeline.orchestration.audits import counts_by_table
from custana_pipeline.orchestration.backtest_tables import backtests
from custana_pipeline.orchestration.champions import HOLDOUTS
from custana_pipeline.orchestration.drift_tables import drift_note
from custana_pipeline.orchestration.importance_tables import importances
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.publication import PUBLISHED_LISTS, champions_of, contract_of, data_version
from custana_pipeline.orchestration.watch import warnings_of
from custana_pipeline.stores.session import Session

LISTED = """select
    list, product_id, min(coalesce(product_name, product_id)) as shown, count(*) as customers,
    count(*) filter (rank = 1) as first_places
from applications.product_recommendations
where as_of = $as_of and not starts_with(reason, $filler)
group by list, product_id
order by list, product_id"""
"""On how many lists each product stands; what merely fills a list up is not counted."""

NOT_SHOWN = ("product_recommendations", "customer_segments")
"""Lists of which the report shows no more than how many rows they have."""
SHOWN_COLUMNS = {
    "recommended_customers": ("customer_id", "p_buy", "is_recommended", "is_control"),
    "demand_forecast": ("customer_id", "expected_purchases", "expected_amount", "expected_net_amount"),
    "customer_value": ("horizon_value", "year_value", "note"),
}
"""What the report sums up of the other lists with a row a customer."""


def facts_of(session: Session, project: Project, as_of: dt.date) -> ReportFacts:
    """Everything that the report of a day shows, without a customer in it."""
    lists = {name: _list(session, name, as_of) for name in PUBLISHED_LISTS if name not in NOT_SHOWN}
    holdouts = session.frame(f"select * from {HOLDOUTS} where as_of = $as_of", {"as_of": as_of})
    amounts: Any = holdouts[holdouts["target"] == "future_amount"]
    days = session.rows("select min(ordered_date), max(ordered_date) from cleaned.numbered_transactions")[0]
    champions = champions_of(session, as_of)
    return ReportFacts(
        source=project.settings.source,
        description=project.settings.pack.description,
        as_of=as_of,
        horizon_days=project.settings.horizon_days,
        headline=evidence.headline(
            lists["recommended_customers"], lists["demand_forecast"], amounts if len(amounts) else None
        ),
        currency=project.settings.pack.currency,
        first_day=days[0],
        last_day=days[1],
        tables=evidence.tables(counts_by_table(session)),
        repaired_values=_repairs(session),
        warnings=tuple(warnings_of(session)),
        models=_with_origins(
            _models(champions, holdouts, as_of - dt.timedelta(days=project.settings.horizon_days)),
            backtests(session, as_of),
        ),
        segments=evidence.segments(lists["segment_profiles"], lists["segment_offers"], _meanings(session, as_of)),
        moves=evidence.moves(lists["segment_migrations"]),
        last_list=_last_list(lists["segment_migrations"]),
        totals=evidence.totals(lists["demand_totals"]),
        value=evidence.value(lists["customer_value"]),
        audience=audience_facts(
            lists["recommended_customers"], lists["demand_forecast"], project.audience_value, holdout_of(holdouts)
        ),
        importances=tuple(importances(session, as_of, "is_recommended")),
        drift=drift_note(session, as_of),
        products=evidence.products(session.frame(LISTED, {"as_of": as_of, "filler": evidence.FILLER})),
        files=tuple(_file(session, name, as_of) for name in PUBLISHED_LISTS),
        absent=tuple(AbsentFacts(what, why) for what, why in absences(session, project)),
        versions={"code": project.code_version, "data": data_version(session)}
        | dict(zip(champions["target"], champions["model_version"], strict=True)),
    )


def _list(session: Session, name: str, as_of: dt.date) -> pd.DataFrame:
    if name in SHOWN_COLUMNS:
        told = ", ".join(SHOWN_COLUMNS[name])
        return session.large_frame(f"select {told} from applications.{name} where as_of = $as_of", {"as_of": as_of})
    return session.frame(f"select * from applications.{name} where as_of = $as_of", {"as_of": as_of})


def _repairs(session: Session) -> int:
    return int(session.rows("select coalesce(sum(line_count), 0)::bigint from cleaned.repairs")[0][0])


def _models(champions: pd.DataFrame, holdouts: Any, holdout: dt.date) -> tuple[ModelFacts, ...]:
    return tuple(
        ModelFacts(
            target=str(row["target"]),
            state=str(row["state"]),
            reason=str(row["reason"]),
            champion=str(row["candidate"]),
            best_naive=str(row["best_naive"]),
            beats_naive=bool(row["beats_naive"]),
            metrics=row["metrics"],
            naive_metrics=row["naive_metrics"],
            deciles=evidence.deciles(judged) if len(judged := holdouts[holdouts["target"] == row["target"]]) else (),
            holdout=None if row["target"] == "segment" else holdout,
            kept_version=_text(row["kept_version"]),
            level=_text(row["level"]),
            gains=row["figures"],
        )
        for row in champions.to_dict("records")
    )


def _text(value: Any) -> str:
    """The text, or an empty one where a row of an older table has none."""
    return "" if pd.isna(value) else str(value)


def _with_origins(models: tuple[ModelFacts, ...], tested: pd.DataFrame) -> tuple[ModelFacts, ...]:
    found = [origin_facts(tested, model) for model in models]
    return tuple(
        replace(model, beside=beside, origins=days) for model, (beside, days) in zip(models, found, strict=True)
    )


def _meanings(session: Session, as_of: dt.date) -> dict[str, tuple[str, str]]:
    query = """select segment_name, description, suggested_action from applications.segment_names
        where as_of = $as_of"""
    return {name: (meaning, action) for name, meaning, action in session.rows(query, {"as_of": as_of})}


def _last_list(migrations: pd.DataFrame) -> dt.date | None:
    days: Any = migrations["previous_as_of"]
    return None if days.empty else pd.to_datetime(days).dt.date.iloc[0]


def _file(session: Session, name: str, as_of: dt.date) -> FileFacts:
    rows = session.rows(f"select count(*) from applications.{name} where as_of = $as_of", {"as_of": as_of})[0][0]
    columns = {column: told.description or "" for column, told in contract_of(name).to_schema().columns.items()}
    return FileFacts(name=name, rows=int(rows), meaning=PUBLISHED_LISTS[name], columns=columns)
