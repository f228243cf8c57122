"""Feature assets: one a SQL model, each partitioned by as_of and built for every origin that its day learns from."""

import datetime as dt
from typing import Any

import dagster as dg

from custana_pipeline.errors import DataFault
from custana_pipeline.features.windows import LAST_PLACE, last_place
from custana_pipeline.orchestration.boundary import RETRIES, reported
from custana_pipeline.orchestration.customer_days import build_customer_days
from custana_pipeline.orchestration.days import as_of_days
from custana_pipeline.orchestration.feature_judging import CONTRACTS, contract_of, refuse_faulty
from custana_pipeline.orchestration.id_numbers import NUMBERS, OWNERS
from custana_pipeline.orchestration.money import refuse_lost_in_days
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.sql_assets import (
    asset_key,
    described_columns,
    lineage_metadata,
    table_metadata,
    told_with_sql,
    upstream_assets,
)
from custana_pipeline.orchestration.unreal_values import listing_customers
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel

CONTRACT_CHECK = "keeps_its_contract"
CONTRACT_MEANING = "The rows of the day keep the table's pandera contract."
LEVEL_TABLE = "histories"


def feature_assets(project: Project) -> list[dg.AssetsDefinition]:
    """One asset for every model in dbt_like_sql/features."""
    return [_feature_asset(project, model) for model in project.models.stage("features")]


def _feature_asset(project: Project, model: SqlModel) -> dg.AssetsDefinition:
    key = asset_key(model.name)
    by_day = "as_of" in model.grain
    checked = model.table in CONTRACTS

    @dg.asset(
        key=key,
        deps=upstream_assets(project, model.reads - {model.name, *NUMBERS.values()}, OWNERS),
        group_name="features",
        kinds={"duckdb", "sql"},
        owners=[project.settings.owner],
        description=told_with_sql(model.row_meaning, model),
        code_version=model.code_version,
        partitions_def=as_of_days(project.settings.pack) if by_day else None,
        retry_policy=RETRIES,
        pool="warehouse",
        check_specs=[dg.AssetCheckSpec(CONTRACT_CHECK, asset=key, blocking=True, description=CONTRACT_MEANING)]
        if checked
        else None,
    )
    @reported
    def feature_table(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with listing_customers(project.warehouse), project.warehouse.transaction() as session:
            metadata: dict[str, Any] = {}
            if by_day:
                metadata |= _build_for(session, project, model, dt.date.fromisoformat(context.partition_key))
            else:
                build_customer_days(session, project, model)
                if model.table == "purchase_days":
                    refuse_lost_in_days(session)
            # the views have a row for each of activity; counting theirs means joining all tables behind them
            counted = "features.activity" if model.is_view else None
            metadata |= table_metadata(session, model.name, _descriptions(model), counted)
            metadata |= lineage_metadata(session, model, OWNERS)
        checks = [dg.AssetCheckResult(check_name=CONTRACT_CHECK, passed=True)] if checked else []
        return dg.MaterializeResult(metadata=metadata, check_results=checks)

    return feature_table


def _build_for(session: Session, project: Project, model: SqlModel, day: dt.date) -> dict[str, Any]:
    known = project.origins(session, day)
    days = (*known.level_days, day) if model.table == LEVEL_TABLE else known.snapshots
    told: dict[str, Any] = {}
    if model.is_view:
        session.build_view(model)
        built = {day: session.rows(f"select count(*) from features.activity where as_of = date '{day}'")[0][0]}
    else:
        place = _past_place(session, day) if "last_place" in model.parameters else LAST_PLACE
        given = {"days": list(days), "as_of": day, "horizon_days": project.settings.horizon_days, "last_place": place}
        built = session.build_days(model, days, given)
        told["past_customers_share"] = round(place / LAST_PLACE, 6)
        told["origins"] = dg.MetadataValue.json({str(origin): rows for origin, rows in built.items()})
    if not built[day] and model.table != "outcomes":
        raise DataFault(f"{model.name} has no customer before {day}: choose a later day, or load earlier transactions.")
    refuse_faulty(session, model, days, day)
    return told | {"dagster/partition_row_count": built[day]}


def _past_place(session: Session, day: dt.date) -> int:
    """Whom past days are looked at by; features of a customer do not depend on who else is looked at."""
    query = (
        "select count(distinct sample_place) from features.purchase_days where is_purchase_day and ordered_date < $day"
    )
    return last_place(session.rows(query, {"day": day})[0][0])


def _descriptions(model: SqlModel) -> dict[str, str]:
    contract = contract_of(model.table)
    return described_columns(contract) if contract is not None else {}
