"""How the rows of each published list are made in the transaction of its asset, and what that tells of them."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import dagster as dg
import pandas as pd

from custana_pipeline.orchestration import recommendation_tables
from custana_pipeline.orchestration.assets.recommendations import chosen_parameters
from custana_pipeline.orchestration.customer_rows import by_customer
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.scoring import behavior_scores, demand_scores, segment_assignments
from custana_pipeline.stores.frames import framed
from custana_pipeline.stores.session import Session

NO_AMOUNTS = "demand_forecast has no amounts: the source has no prices, or no model of amounts could be trained."
SUPPORTING = {
    "product_recommendations": recommendation_tables.SUPPORTING,
    "demand_totals": ("demand_by_category",),
}
"""List -> the tables that are built before it, in order."""
POPULARITY = "applications.product_popularity"
"""What is on offer on one day, that of the recommendations that were made last."""

Build = Callable[[Session, Project, dt.date], dict[str, Any]]


def recommended_customers_of(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    """Everybody's probability to buy, with the audience and its control group."""
    from custana_pipeline.applications.customer_frames import beside
    from custana_pipeline.applications.recommended_customers import AudienceSettings, recommended_customers

    scores, version = behavior_scores(session, project, as_of)
    amounts = "select customer_id, expected_amount from applications.demand_forecast where as_of = $as_of"
    scores = beside(scores, _customers(session, amounts, as_of))
    settings = AudienceSettings(
        audience_share=project.settings.audience_share,
        value=project.audience_value,
        control_share=project.settings.control_share,
        seed=project.settings.seed,
    )
    customers: Any = recommended_customers(scores, version, as_of, settings)
    session.replace_day("applications.recommended_customers", customers, as_of)
    return {
        "model_version": version,
        "audience": int(customers["is_recommended"].sum()),
        "control_group": int(customers["is_control"].sum()),
        "expected_buyers": float(customers["p_buy"].sum()),
    }


def demand_forecast_of(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    """Everybody's expected purchases and amounts."""
    from custana_pipeline.applications.demand_forecast import demand_forecast

    def recent_trade() -> pd.DataFrame:
        session.build(project.models["applications.recent_trade"], {"as_of": as_of})
        query = """select customer_id, gross_amount_365d, return_amount_365d from applications.recent_trade
            where as_of = $as_of"""
        return _customers(session, query, as_of)

    scores, version, trade = demand_scores(session, project, as_of, recent_trade)
    forecasts: Any = demand_forecast(scores, trade, version, as_of)
    session.replace_day("applications.demand_forecast", forecasts, as_of)
    return {
        "model_version": version,
        "expected_purchases": float(forecasts["expected_purchases"].sum()),
        "expected_amount": float(forecasts["expected_amount"].sum()),
    }


def customer_value_of(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    """What each customer is worth within the horizon and within a year; empty without amounts."""
    from custana_pipeline.applications.customer_frames import beside
    from custana_pipeline.applications.customer_value import customer_value

    list_of_day = "select * exclude (as_of) from applications.demand_forecast where as_of = $as_of"
    forecast = _customers(session, list_of_day, as_of)
    query = """select customer_id, repeat_count, active_span_days, tenure_days, purchase_days_365d,
            purchase_amount_365d, net_amount_365d
        from features.activity where as_of = $as_of"""
    foreseen = "select customer_id, btyd_purchases, btyd_amount from features.btyd where as_of = $as_of"
    past = beside(_customers(session, query, as_of), _customers(session, foreseen, as_of))
    customers: Any = customer_value(forecast, past, project.settings.horizon_days, as_of)
    session.replace_day("applications.customer_value", customers, as_of)
    totals = {name: float(customers[name].sum()) for name in ("horizon_value", "year_value", "year_purchases")}
    return totals if len(customers) else {"why_empty": NO_AMOUNTS}


def customer_segments_of(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    """Everybody's segment, and the names of the segments."""
    from custana_pipeline.applications.customer_segments import customer_segments

    assignments, names, version = segment_assignments(session, project, as_of)
    by_id = dict(zip(names["segment_id"], names["segment_name"], strict=True))
    customers = customer_segments(assignments, by_id, version, as_of)
    session.replace_day("applications.customer_segments", customers, as_of)
    session.replace_day("applications.segment_names", names.assign(as_of=pd.Timestamp(as_of).date()), as_of)
    sizes = customers["segment_name"].value_counts()
    return {"model_version": version, "segments": dg.MetadataValue.json({str(k): int(v) for k, v in sizes.items()})}


def _customers(session: Session, query: str, as_of: dt.date) -> pd.DataFrame:
    """The rows of a day, one a customer, by customer_id."""
    return framed(by_customer(session.table(query, {"as_of": as_of})))


def product_recommendations_of(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    """Both lists of products for everybody, with the settings that were chosen for the day."""
    tuned = chosen_parameters(session, as_of)
    recommendation_tables.build_recommendations(session, project.models.by_name, {"as_of": as_of, **tuned})
    return {}


def segment_offers_of(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    """What each segment buys more of; what is on offer is found anew where lists of another day were made since."""
    query = f"select count(*) from {POPULARITY} where as_of = $as_of"
    if not session.exists(POPULARITY) or not session.rows(query, {"as_of": as_of})[0][0]:
        given = {"as_of": as_of, **chosen_parameters(session, as_of)}
        session.build(project.models[POPULARITY], given)
    return by_select("segment_offers")(session, project, as_of)


def by_select(name: str) -> Build:
    """The builder of a list that is one SELECT, after the tables that are there for it."""

    def build(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
        given = {"as_of": as_of, "horizon_days": project.settings.horizon_days}
        for table in SUPPORTING.get(name, ()):
            session.build(project.models[f"applications.{table}"], given)
        session.build_day(project.models[f"applications.{name}"], given)
        return {}

    return build
