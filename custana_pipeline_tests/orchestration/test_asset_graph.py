"""The asset graph as a snapshot to read: an asset, and what it is made from."""

from collections.abc import Iterable
from pathlib import Path

import dagster as dg
import pytest

from custana_pipeline.orchestration.assets.list_building import SUPPORTING
from custana_pipeline.orchestration.code_location import build_definitions
from custana_pipeline.orchestration.id_numbers import NUMBERS, OWNERS
from custana_pipeline.orchestration.recommendation_tables import PLACES
from custana_pipeline.orchestration.watch import WATCH_CHECKS
from custana_pipeline_tests.orchestration.packs import project, shipped

STAGES = ["raw", "cleaned", "features", "models", "applications"]
HISTORIES = {"features/purchase_days", "features/browsing_days"}
RAW_OF_SAMPLE = """
raw/customers <-
raw/events <-
raw/products <-
raw/transactions <-
cleaned/customers <- raw/customers
cleaned/events <- cleaned/customers, cleaned/transactions, raw/events
cleaned/products <- raw/products
cleaned/transactions <- raw/transactions
"""
RAW_OF_ONLINE_RETAIL_II = """
raw/invoice_lines <-
cleaned/customers <- raw/invoice_lines
cleaned/events <- cleaned/customers, cleaned/transactions
cleaned/products <- raw/invoice_lines
cleaned/transactions <- raw/invoice_lines
"""
RAW_OF_CDNOW = """
raw/purchases <-
cleaned/customers <-
cleaned/events <- cleaned/customers, cleaned/transactions
cleaned/products <-
cleaned/transactions <- raw/purchases
"""
FROM_CLEANED_ON = """
cleaned/line_counts <- cleaned/customers, cleaned/events, cleaned/products, cleaned/transactions
features/activity <- features/purchase_days
features/assortment <- cleaned/products, cleaned/transactions, features/purchase_days
features/behavior <- features/activity, features/assortment, features/browsing, features/btyd, features/demographics, features/outcomes
features/browsing <- cleaned/events, cleaned/transactions, features/browsing_days, features/purchase_days
features/browsing_days <- cleaned/events
features/demand <- features/activity, features/assortment, features/browsing, features/btyd, features/demographics, features/outcomes
features/btyd <- features/activity
features/histories <- features/purchase_days
features/levels <- features/histories
features/demographics <- cleaned/customers, features/purchase_days
features/outcomes <- features/purchase_days
features/purchase_days <- cleaned/transactions
features/segmentation <- features/activity, features/assortment, features/browsing, features/demographics, features/outcomes
models/behavior <- features/behavior, features/levels
models/demand <- features/demand, features/levels
models/drift <- features/behavior, models/behavior
models/recommendations <- cleaned/events, cleaned/transactions
models/segmentation <- features/segmentation
applications/customer_segments <- features/segmentation, models/segmentation
applications/customer_value <- applications/demand_forecast, features/activity, features/btyd
applications/demand_forecast <- features/demand, features/purchase_days, models/demand
applications/demand_totals <- applications/customer_segments, applications/demand_forecast, cleaned/customers, cleaned/products, cleaned/transactions
applications/product_recommendations <- cleaned/events, cleaned/products, cleaned/transactions, models/recommendations
applications/recommended_customers <- applications/demand_forecast, features/behavior, models/behavior
applications/segment_migrations <- applications/customer_segments
applications/segment_offers <- applications/customer_segments, applications/product_recommendations, cleaned/transactions
applications/segment_profiles <- applications/customer_segments, applications/demand_forecast, cleaned/customers, features/purchase_days
applications/report <- applications/customer_segments, applications/customer_value, applications/demand_forecast, applications/demand_totals, applications/product_recommendations, applications/recommended_customers, applications/segment_migrations, applications/segment_offers, applications/segment_profiles, cleaned/line_counts, models/drift
applications/exports <- applications/customer_segments, applications/customer_value, applications/demand_forecast, applications/demand_totals, applications/product_recommendations, applications/recommended_customers, applications/report, applications/segment_migrations, applications/segment_offers, applications/segment_profiles
"""  # noqa: E501
ABOVE_RAW = {"sample": RAW_OF_SAMPLE, "online_retail_ii": RAW_OF_ONLINE_RETAIL_II, "cdnow": RAW_OF_CDNOW}


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dg.AssetSpec]:
    """The sample's assets by name."""
    definitions = build_definitions(shipped("sample", tmp_path_factory.mktemp("graph")))
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def drawn(specs: Iterable[dg.AssetSpec]) -> set[str]:
    """Each asset as `asset <- what it is made from`."""
    lines = set()
    for spec in specs:
        made_from = sorted(dep.asset_key.to_user_string() for dep in spec.deps)
        lines.add(f"{spec.key.to_user_string()} <- {', '.join(made_from)}".strip())
    return lines


@pytest.mark.parametrize("source", ABOVE_RAW)
def test_the_graph_of_each_source_is_the_one_drawn_here(source: str, tmp_path: Path) -> None:
    expected = {line.strip() for line in (ABOVE_RAW[source] + FROM_CLEANED_ON).splitlines() if line}
    assert drawn(build_definitions(shipped(source, tmp_path)).resolve_all_asset_specs()) == expected


def test_lists_made_by_sql_depend_on_all_that_their_selects_read(
    specs: dict[str, dg.AssetSpec], tmp_path: Path
) -> None:
    models = project("sample", tmp_path).models
    lacking = {}
    for name, spec in specs.items():
        table = name.removeprefix("applications/")
        if f"applications.{table}" not in models.by_name:
            continue
        selects = [models[f"applications.{each}"] for each in (*SUPPORTING.get(table, ()), table)]
        read = set().union(*(select.reads for select in selects)) - {select.name for select in selects}
        read = {OWNERS.get(table, table) for table in read - set(NUMBERS.values())}
        helped = {f"applications.{each}" for tables in SUPPORTING.values() for each in tables}
        told = {".".join(dep.asset_key.path) for dep in spec.deps}
        if read - helped - told - {PLACES}:
            lacking[name] = read - helped - told
    assert lacking == {}


def test_every_asset_is_in_the_group_of_its_stage(specs: dict[str, dg.AssetSpec]) -> None:
    assert {name for name, spec in specs.items() if spec.group_name != spec.key.path[0]} == set()
    assert {spec.key.path[0] for spec in specs.values()} == set(STAGES)


def test_every_asset_has_an_owner_kinds_and_a_description(specs: dict[str, dg.AssetSpec]) -> None:
    assert {name for name, spec in specs.items() if list(spec.owners) != ["team:analytics"]} == set()
    assert {name for name, spec in specs.items() if not spec.kinds} == set()
    assert {name for name, spec in specs.items() if len(spec.description or "") < 20} == set()


def test_days_begin_with_the_features_and_histories_have_none(specs: dict[str, dg.AssetSpec]) -> None:
    by_day = {name for name, spec in specs.items() if spec.partitions_def is not None}
    later = {name for name in specs if name.split("/")[0] in STAGES[2:]}
    assert by_day == later - HISTORIES


def test_the_days_are_those_of_the_calendar(specs: dict[str, dg.AssetSpec]) -> None:
    days = specs["features/behavior"].partitions_def
    assert days is not None
    assert days.get_first_partition_key() == "2024-07-01"
    assert days.get_last_partition_key() == "2026-01-01"


def test_every_asset_may_retry_and_those_that_open_the_warehouse_share_one_slot(tmp_path: Path) -> None:
    definitions = build_definitions(shipped("sample", tmp_path))
    nodes = [asset.op for asset in definitions.assets or () if isinstance(asset, dg.AssetsDefinition)]
    assert {node.name for node in nodes if node.retry_policy is None} == set()
    assert {node.name for node in nodes if node.pool != "warehouse"} <= {
        "applications__report",
        "applications__exports",
    }


def test_checks_that_guard_a_table_stop_what_comes_after_it(tmp_path: Path) -> None:
    definitions = build_definitions(shipped("sample", tmp_path))
    checks = {
        f"{check.asset_key.to_user_string()}:{check.name}": check.blocking
        for asset in definitions.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for check in asset.check_specs
    }
    warnings = {name.split(":")[1] for name, blocking in checks.items() if not blocking and "models/" not in name}
    assert warnings == {name for told in WATCH_CHECKS.values() for name in told}
    for table in ("customers", "events", "products", "transactions"):
        for name in ("keeps_its_contract", "kept_set_aside_and_rejected_add_up", "few_lines_are_rejected"):
            assert checks[f"cleaned/{table}:{name}"]
        assert checks[f"raw/{table}:every_line_is_accounted_for"]
