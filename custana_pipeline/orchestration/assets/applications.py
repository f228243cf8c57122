"""Application assets: the lists made by the champions, the report, and their publication as one whole."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import pandas as pd

from custana_pipeline.errors import ContractBroken
from custana_pipeline.orchestration import recommendation_tables
from custana_pipeline.orchestration.assets.recommendations import chosen_parameters
from custana_pipeline.orchestration.boundary import RETRIES, reported
from custana_pipeline.orchestration.days import as_of_days
from custana_pipeline.orchestration.id_numbers import OWNERS
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.publication import (
    PUBLISHED_LISTS,
    contract_of,
    judged_list,
    keeping_snapshot,
    publish_day,
    render_day,
)
from custana_pipeline.orchestration.retention import forget_old_days
from custana_pipeline.orchestration.scoring import behavior_scores, demand_scores, segment_assignments
from custana_pipeline.orchestration.sql_assets import (
    asset_key,
    described_columns,
    lineage_metadata,
    table_metadata,
    told_with_sql,
)
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel

CONTRACT_CHECK = "keeps_its_contract"
CONTRACT_MEANING = "The rows of the day keep the list's pandera contract."
NO_AMOUNTS = "demand_forecast has no amounts: the source has no prices, or no model of amounts could be trained."
SUPPORTING = {
    "product_recommendations": recommendation_tables.SUPPORTING,
    "demand_totals": ("demand_by_category",),
}
"""List -> the tables that are built before it and only for it, in order."""

Built = tuple[dict[str, Any], int]
Build = Callable[[Session, Project, dt.date], dict[str, Any]]


def application_assets(project: Project) -> list[dg.AssetsDefinition]:
    """The lists, then the report, then the publication."""
    lists = [
        _list_asset(
            project,
            "recommended_customers",
            ("models.behavior", "features.behavior", "applications.demand_forecast"),
            _recommended,
        ),
        _list_asset(
            project, "demand_forecast", ("models.demand", "features.demand", "features.purchase_days"), _forecast
        ),
        _list_asset(
            project,
            "customer_value",
            ("applications.demand_forecast", "features.activity", "features.btyd"),
            _value,
        ),
        _list_asset(project, "customer_segments", ("models.segmentation", "features.segmentation"), _segments),
        _list_asset(
            project,
            "product_recommendations",
            ("cleaned.transactions", "cleaned.products", "cleaned.events", "models.recommendations"),
            _recommendations,
        ),
        _list_asset(
            project,
            "segment_profiles",
            (
                "applications.customer_segments",
                "applications.demand_forecast",
                "cleaned.customers",
                "features.purchase_days",
            ),
            _sql("segment_profiles"),
        ),
        _list_asset(
            project,
            "segment_offers",
            ("applications.customer_segments", "applications.product_recommendations", "cleaned.transactions"),
            _sql("segment_offers"),
        ),
        _list_asset(project, "segment_migrations", ("applications.customer_segments",), _sql("segment_migrations")),
        _list_asset(
            project,
            "demand_totals",
            (
                "applications.demand_forecast",
                "applications.customer_segments",
                "cleaned.products",
                "cleaned.customers",
                "cleaned.transactions",
            ),
            _sql("demand_totals"),
        ),
    ]
    return [*lists, _report_asset(project), _exports_asset(project)]


def _list_asset(project: Project, name: str, deps: tuple[str, ...], build: Build) -> dg.AssetsDefinition:
    key, table = asset_key(f"applications.{name}"), f"applications.{name}"

    @dg.asset(
        key=key,
        deps=[asset_key(dep) for dep in deps],
        group_name="applications",
        kinds={"duckdb", "sql"} if table in project.models.by_name else {"duckdb", "python"},
        owners=[project.settings.owner],
        description=told_with_sql(PUBLISHED_LISTS[name], *_select_of(project, name)),
        partitions_def=as_of_days(project.settings.pack),
        retry_policy=RETRIES,
        pool="warehouse",
        check_specs=[dg.AssetCheckSpec(CONTRACT_CHECK, asset=key, blocking=True, description=CONTRACT_MEANING)],
    )
    @reported
    def published_list(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        as_of = dt.date.fromisoformat(context.partition_key)
        with project.warehouse.transaction() as session:
            metadata = build(session, project, as_of)
            rows = judge_list(session, name, as_of)
            contract = described_columns(contract_of(name))
            metadata |= table_metadata(session, table, contract) | {"dagster/partition_row_count": rows}
            if table in project.models.by_name:
                metadata |= lineage_metadata(session, project.models[table], _owners())
        check = dg.AssetCheckResult(check_name=CONTRACT_CHECK, passed=True, metadata={"rows": rows})
        return dg.MaterializeResult(metadata=metadata, check_results=[check])

    return published_list


def _select_of(project: Project, name: str) -> list[SqlModel]:
    """The SELECT that makes the list, where it is one."""
    return [model for table, model in project.models.by_name.items() if table == f"applications.{name}"]


def _owners() -> Mapping[str, str]:
    """Supporting table -> the list whose asset builds it."""
    owners = {
        f"applications.{table}": f"applications.{owner}" for owner, tables in SUPPORTING.items() for table in tables
    }
    return owners | OWNERS | {recommendation_tables.PLACES: "applications.product_recommendations"}


def judge_list(session: Session, name: str, as_of: dt.date) -> int:
    """How many rows the list has as of the day; ContractBroken where they do not keep its contract."""
    from custana_pipeline.cleaned.gate import describe

    verdict = judged_list(session, name, as_of)
    if not verdict.passed:
        raise ContractBroken(f"applications.{name} at {as_of} does not keep its contract: {describe(verdict)}.")
    return verdict.row_count


def _recommended(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    from custana_pipeline.applications.customer_frames import beside
    from custana_pipeline.applications.recommended_customers import AudienceSettings, recommended_customers

    scores, version = behavior_scores(session, project, as_of)
    amounts = """select customer_id, expected_amount from applications.demand_forecast
        where as_of = $as_of order by customer_id"""
    scores = beside(scores, session.large_frame(amounts, {"as_of": as_of}))
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


def _forecast(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    from custana_pipeline.applications.demand_forecast import demand_forecast

    def recent_trade() -> pd.DataFrame:
        session.build(project.models["applications.recent_trade"], {"as_of": as_of})
        return session.large_frame(
            """select customer_id, gross_amount_365d, return_amount_365d from applications.recent_trade
            order by customer_id"""
        )

    scores, version, trade = demand_scores(session, project, as_of, recent_trade)
    forecasts: Any = demand_forecast(scores, trade, version, as_of)
    session.replace_day("applications.demand_forecast", forecasts, as_of)
    return {
        "model_version": version,
        "expected_purchases": float(forecasts["expected_purchases"].sum()),
        "expected_amount": float(forecasts["expected_amount"].sum()),
    }


def _value(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    from custana_pipeline.applications.customer_value import customer_value

    list_of_day = "select * exclude (as_of) from applications.demand_forecast where as_of = $as_of order by customer_id"
    forecast = session.large_frame(list_of_day, {"as_of": as_of})
    query = """select activity.customer_id, repeat_count, active_span_days, tenure_days, purchase_days_365d,
            purchase_amount_365d, net_amount_365d, btyd_purchases, btyd_amount
        from features.activity as activity
        left join features.btyd as btyd on activity.customer_id = btyd.customer_id and activity.as_of = btyd.as_of
        where activity.as_of = $as_of order by activity.customer_id"""
    past = session.large_frame(query, {"as_of": as_of})
    customers: Any = customer_value(forecast, past, project.settings.horizon_days, as_of)
    session.replace_day("applications.customer_value", customers, as_of)
    totals = {name: float(customers[name].sum()) for name in ("horizon_value", "year_value", "year_purchases")}
    return totals if len(customers) else {"why_empty": NO_AMOUNTS}


def _segments(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    from custana_pipeline.applications.customer_segments import customer_segments

    assignments, names, version = segment_assignments(session, project, as_of)
    by_id = dict(zip(names["segment_id"], names["segment_name"], strict=True))
    customers = customer_segments(assignments, by_id, version, as_of)
    session.replace_day("applications.customer_segments", customers, as_of)
    session.replace_day("applications.segment_names", names.assign(as_of=pd.Timestamp(as_of).date()), as_of)
    sizes = customers["segment_name"].value_counts()
    return {"model_version": version, "segments": dg.MetadataValue.json({str(k): int(v) for k, v in sizes.items()})}


def _recommendations(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    tuned = chosen_parameters(session, as_of)
    recommendation_tables.build_recommendations(session, project.models.by_name, {"as_of": as_of, **tuned})
    return {}


def _sql(name: str) -> Build:
    def build(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
        given = {"as_of": as_of, "horizon_days": project.settings.horizon_days}
        for table in SUPPORTING.get(name, ()):
            session.build(project.models[f"applications.{table}"], given)
        session.build_day(project.models[f"applications.{name}"], given)
        return {}

    return build


def _report_asset(project: Project) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key("applications.report"),
        deps=[
            asset_key("cleaned.line_counts"),
            asset_key("models.drift"),
            *(asset_key(f"applications.{name}") for name in PUBLISHED_LISTS),
        ],
        group_name="applications",
        kinds={"html"},
        owners=[project.settings.owner],
        description="The report that a marketer opens: one self-contained page.",
        partitions_def=as_of_days(project.settings.pack),
        retry_policy=RETRIES,
    )
    @reported
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        as_of = dt.date.fromisoformat(context.partition_key)
        path = render_day(project, as_of)
        return dg.MaterializeResult(metadata={"report": dg.MetadataValue.path(path), "bytes": path.stat().st_size})

    return report


def _exports_asset(project: Project) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key("applications.exports"),
        deps=[asset_key("applications.report"), *(asset_key(f"applications.{name}") for name in PUBLISHED_LISTS)],
        group_name="applications",
        kinds={"parquet", "csv"},
        owners=[project.settings.owner],
        description="All lists and the report as one version under data/published: whole, or not at all.",
        partitions_def=as_of_days(project.settings.pack),
        retry_policy=RETRIES,
    )
    @reported
    def exports(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        as_of = dt.date.fromisoformat(context.partition_key)
        with project.warehouse.transaction() as session:
            forgotten = forget_old_days(session, project)
        run_id = context.run.run_id
        with keeping_snapshot(project, as_of, run_id) as kept:
            published = publish_day(project, as_of, run_id, kept)
            snapshot = kept()
        return dg.MaterializeResult(
            metadata={
                "folder": dg.MetadataValue.path(published.folder),
                "is_new": published.is_new,
                "old_days_forgotten": forgotten,
                "is_current": published.is_current,
                "snapshot": snapshot.name if snapshot else "none",
                "manifest": dg.MetadataValue.json(dict(published.manifest)),
            }
        )

    return exports
