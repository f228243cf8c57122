"""Features that are fitted, not selected: what buy-till-you-die models say of each customer and of the whole shop."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from custana_pipeline.models.at_once import WORKERS, at_once
from custana_pipeline.orchestration.assets.features import CONTRACT_CHECK, CONTRACT_MEANING
from custana_pipeline.orchestration.boundary import RETRIES, reported
from custana_pipeline.orchestration.days import as_of_days
from custana_pipeline.orchestration.feature_judging import refuse_broken
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.sql_assets import asset_key, described_columns, table_metadata
from custana_pipeline.orchestration.unreal_values import listing_customers, refuse_unreal
from custana_pipeline.stores.session import Session

if TYPE_CHECKING:
    import pandas as pd

BTYD = "features.btyd"
LEVELS = "features.levels"
BTYD_TOLD = (
    "One row per customer with a purchase before as_of: what BG/NBD and Gamma-Gamma, fitted on the histories of that "
    "day alone, foresee of the horizon."
)
LEVELS_TOLD = (
    "One row per past day: what all customers bought in the horizon after it, and what they would have bought in a "
    "steady shop (BG/NBD)."
)


def steady_assets(project: Project) -> list[dg.AssetsDefinition]:
    """features.btyd from features.activity, features.levels from features.histories."""
    return [_btyd_asset(project), _levels_asset(project)]


def _btyd_asset(project: Project) -> dg.AssetsDefinition:
    key = asset_key(BTYD)

    @dg.asset(
        key=key,
        deps=[asset_key("features.activity")],
        group_name="features",
        kinds={"duckdb", "python"},
        owners=[project.settings.owner],
        description=BTYD_TOLD,
        partitions_def=as_of_days(project.settings.pack),
        retry_policy=RETRIES,
        pool="warehouse",
        check_specs=[dg.AssetCheckSpec(CONTRACT_CHECK, asset=key, blocking=True, description=CONTRACT_MEANING)],
    )
    @reported
    def btyd(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from custana_pipeline.features.contracts import BtydFeatures

        day = dt.date.fromisoformat(context.partition_key)
        with listing_customers(project.warehouse), project.warehouse.transaction() as session:
            known = project.origins(session, day)
            facts = build_btyd(session, known.snapshots, project.settings.horizon_days)
            refuse_unreal(session, BTYD, known.snapshots)
            refuse_broken(session, "btyd", day)
            metadata = table_metadata(session, BTYD, described_columns(BtydFeatures))
        metadata["parameters"] = dg.MetadataValue.json(facts)
        return dg.MaterializeResult(
            metadata=metadata, check_results=[dg.AssetCheckResult(check_name=CONTRACT_CHECK, passed=True)]
        )

    return btyd


def build_btyd(session: Session, days: Sequence[dt.date], horizon_days: int) -> dict[str, Any]:
    """Replaces the rows of the days in features.btyd and returns the fitted parameters of each."""
    import pandas as pd

    from custana_pipeline.features.btyd.columns import shop_columns

    activity = [
        session.large_frame(
            """select as_of, customer_id, repeat_count, active_span_days, tenure_days, mean_repeat_amount,
                purchase_amount, purchase_frequency
            from features.activity where as_of = $as_of order by customer_id""",
            {"as_of": origin},
        )
        for origin in days
    ]
    fitted = at_once(lambda of_day: shop_columns(of_day, horizon_days), activity)
    session.replace_days(BTYD, pd.concat([columns for columns, _ in fitted]), days)
    return {str(origin): facts for origin, (_, facts) in zip(days, fitted, strict=True)}


def _levels_asset(project: Project) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key(LEVELS),
        deps=[asset_key("features.histories")],
        group_name="features",
        kinds={"duckdb", "python"},
        owners=[project.settings.owner],
        description=LEVELS_TOLD,
        partitions_def=as_of_days(project.settings.pack),
        retry_policy=RETRIES,
        pool="warehouse",
    )
    @reported
    def levels(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        day = dt.date.fromisoformat(context.partition_key)
        with project.warehouse.transaction() as session:
            known = project.origins(session, day)
            build_levels(session, (*known.level_days, day), project.settings.horizon_days)
            metadata = table_metadata(session, LEVELS)
        return dg.MaterializeResult(metadata=metadata)

    return levels


def build_levels(session: Session, days: Sequence[dt.date], horizon_days: int) -> None:
    """Replaces the rows of the days in features.levels; a day that cannot be fitted has none."""
    import pandas as pd

    from custana_pipeline.features.levels import trade_levels

    levels: list[pd.DataFrame] = []
    for place in range(0, len(days), WORKERS):  # a large shop's histories are not in memory for all days at once
        histories = [_histories(session, origin) for origin in days[place : place + WORKERS]]
        levels += at_once(lambda of_day: trade_levels(of_day, horizon_days), histories)
    if found := [level for level in levels if len(level)]:
        session.replace_days(LEVELS, pd.concat(found), days)
    else:
        session.forget_days(LEVELS, days)


def _histories(session: Session, day: dt.date) -> "pd.DataFrame":
    return session.frame(
        f"""select * from features.histories where as_of = date '{day}'
        order by repeat_count, active_span_days, tenure_days"""
    )
