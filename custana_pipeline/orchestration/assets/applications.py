"""Application assets: the lists made by the champions, the report, and their publication as one whole."""

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from custana_pipeline.errors import ContractBroken
from custana_pipeline.orchestration import recommendation_tables
from custana_pipeline.orchestration.assets.list_building import (
    SUPPORTING,
    Build,
    by_select,
    customer_segments_of,
    customer_value_of,
    demand_forecast_of,
    product_recommendations_of,
    recommended_customers_of,
    segment_offers_of,
)
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


def application_assets(project: Project) -> list[dg.AssetsDefinition]:
    """The lists, then the report, then the publication."""
    lists = [
        _list_asset(
            project,
            "recommended_customers",
            ("models.behavior", "features.behavior", "applications.demand_forecast"),
            recommended_customers_of,
        ),
        _list_asset(
            project,
            "demand_forecast",
            ("models.demand", "features.demand", "features.purchase_days"),
            demand_forecast_of,
        ),
        _list_asset(
            project,
            "customer_value",
            ("applications.demand_forecast", "features.activity", "features.btyd"),
            customer_value_of,
        ),
        _list_asset(
            project, "customer_segments", ("models.segmentation", "features.segmentation"), customer_segments_of
        ),
        _list_asset(
            project,
            "product_recommendations",
            ("cleaned.transactions", "cleaned.products", "cleaned.events", "models.recommendations"),
            product_recommendations_of,
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
            by_select("segment_profiles"),
        ),
        _list_asset(
            project,
            "segment_offers",
            ("applications.customer_segments", "applications.product_recommendations", "cleaned.transactions"),
            segment_offers_of,
        ),
        _list_asset(
            project, "segment_migrations", ("applications.customer_segments",), by_select("segment_migrations")
        ),
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
            by_select("demand_totals"),
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
