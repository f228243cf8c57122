import pandas as pd
import pandera.errors
import pandera.pandas as pa
import pytest
from sqlglot import exp

from custana_pipeline.features import contracts
from custana_pipeline_tests.features.tiny_shop import TinyShop, feature_models

CONTRACTS: dict[str, type[pa.DataFrameModel]] = {
    "activity": contracts.ActivityFeatures,
    "btyd": contracts.BtydFeatures,
    "browsing": contracts.BrowsingFeatures,
    "assortment": contracts.AssortmentFeatures,
    "demographics": contracts.DemographicFeatures,
    "outcomes": contracts.Outcomes,
    "behavior": contracts.BehaviorFeatures,
    "demand": contracts.DemandFeatures,
    "segmentation": contracts.SegmentationFeatures,
}
NOT_FEATURES = {"as_of", "customer_id", "is_recommended", "future_purchase", "future_amount"}


@pytest.fixture
def full_shop(shop: TinyShop) -> TinyShop:
    """Two customers of whom everything is known, one of whom nothing but a purchase is."""
    shop.sells("cup", "Kitchen")
    for customer, gender in (("ann", "female"), ("bob", "male")):
        shop.knows(customer, birth_year=1980, gender=gender, location="Oslo", signed_up_at="2019-01-01")
        for day in ("2019-01-05", "2019-06-01", "2020-01-20", "2020-02-10"):
            shop.buys(customer, day, 10, product="cup")
            shop.browses(customer, f"{day} 08:00", "cart", "cup")
        shop.buys(customer, "2020-01-21", 10, product="cup", returned=True)
    shop.buys("eve", "2020-01-31", 0)
    return shop


@pytest.fixture
def bare_shop(shop: TinyShop) -> TinyShop:
    """Customers and days, and nothing else: no money, products, events or records."""
    shop.buys("ann", "2019-01-05", None)
    shop.buys("bob", "2020-02-10", None)
    return shop


@pytest.mark.parametrize("table", CONTRACTS)
@pytest.mark.parametrize("kind", ["full_shop", "bare_shop"])
def test_the_columns_of_each_model_keep_its_contract(table: str, kind: str, request: pytest.FixtureRequest) -> None:
    shop = request.getfixturevalue(kind).build("2020-02-01", "2020-05-01", outcomes_until="2020-05-01")
    columns = CONTRACTS[table].to_schema().columns
    assert set(shop.frame(table).columns) == set(columns)
    CONTRACTS[table].validate(shop.frame(table), lazy=True)
    through_arrow = shop.connection.sql(f"from features.{table}").to_arrow_table().to_pandas()
    CONTRACTS[table].validate(through_arrow, lazy=True)


@pytest.mark.parametrize("contract", CONTRACTS.values())
def test_every_column_says_what_it_means(contract: type[pa.DataFrameModel]) -> None:
    columns = contract.to_schema().columns
    assert [name for name, column in columns.items() if not column.description] == []
    assert [name for name, column in columns.items() if column.nullable and "null" not in column.description] == []


@pytest.mark.parametrize("table", ["behavior", "demand", "segmentation"])
def test_what_is_absent_is_null_in_every_analysis(bare_shop: TinyShop, table: str) -> None:
    frame = bare_shop.build("2020-05-01").frame(table)
    given = set(frame.dropna(axis="columns", how="all").columns)
    absent, kept = set(frame.columns) - given, given - NOT_FEATURES
    assert {"purchase_amount", "age", "gender", "location", "days_since_event", "product_count"} <= absent
    assert {"recency_days", "purchase_frequency", "tenure_days"} <= kept
    assert not any("amount" in name or "cart" in name or "view" in name for name in kept)


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ("recency_days", 0),
        ("recency_days", 10_000),
        ("purchase_frequency", 0),
        ("purchase_amount", float("inf")),
        ("purchase_amount", -1.0),
        ("purchase_days_trend", float("nan")),
        ("purchase_amount_trend", float("-inf")),
        ("weekend_share", 1.5),
        ("age", 7.0),
        ("gender", "F"),
        ("customer_id", "ann"),
    ],
)
def test_a_wrong_value_breaks_the_contract(full_shop: TinyShop, column: str, wrong: object) -> None:
    frame = full_shop.build("2020-02-01").frame("behavior")
    frame.loc[1, column] = wrong
    with pytest.raises(pandera.errors.SchemaError):
        contracts.BehaviorFeatures.validate(frame)


def test_a_column_more_or_less_breaks_the_contract(full_shop: TinyShop) -> None:
    frame = full_shop.build("2020-02-01").frame("segmentation")
    for broken in (frame.assign(canary=1.0), frame.drop(columns="age")):
        with pytest.raises((pandera.errors.SchemaError, pandera.errors.SchemaErrors)):
            contracts.SegmentationFeatures.validate(broken)


def test_every_snapshot_has_the_same_customers(full_shop: TinyShop) -> None:
    full_shop.build("2020-02-01", outcomes_until="2020-05-01")
    assert {table: full_shop.customers(table) for table in CONTRACTS} == {
        table: ["ann", "bob", "eve"] for table in CONTRACTS
    }


def test_the_core_columns_carry_the_names_of_the_flat_files() -> None:
    core = {"purchase_frequency", "purchase_amount", "age", "gender", "location"}
    for table in ("behavior", "demand"):
        assert core | {"is_recommended", "future_purchase"} <= set(CONTRACTS[table].to_schema().columns)
    assert core <= set(CONTRACTS["segmentation"].to_schema().columns)


def test_every_model_states_its_row_and_grain_and_takes_no_other_clock() -> None:
    for model in feature_models():
        assert model.row_meaning.startswith(("one row per customer", "one row per as_of and purchase history"))
        assert model.grain in {
            ("as_of", "customer_id"),
            ("customer_number", "ordered_date"),
            ("customer_number", "happened_date"),
            ("as_of", "repeat_count", "active_span_days", "tenure_days"),
        }
        assert model.parameters <= {"days", "as_of", "horizon_days", "last_place"}
        clocks = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime)
        assert list(model.tree.find_all(*clocks)) == []


def test_infinity_is_named_and_no_value_is_told(full_shop: TinyShop) -> None:
    frame = full_shop.build("2020-02-01").frame("activity")
    frame.loc[0, "max_amount"] = float("inf")
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        contracts.ActivityFeatures.validate(frame, lazy=True)
    failed = pd.DataFrame(caught.value.failure_cases)
    assert set(failed["check"]) == {"every number is finite"}
