"""Rows that no customer can have stop a feature table, and a view over such tables, however many rows there are."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlglot

from custana_pipeline.errors import ContractBroken
from custana_pipeline.orchestration import day_judging
from custana_pipeline.orchestration.feature_judging import refuse_broken, refuse_faulty
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel
from custana_pipeline_tests.features.tiny_shop import TinyShop, feature_models

AS_OF = dt.date(2020, 2, 1)
MODELS = {model.table: model for model in feature_models()}
VIEWS = ("behavior", "demand", "segmentation")


@pytest.fixture(scope="module")
def built() -> Iterator[TinyShop]:
    """Forty customers."""
    shop = TinyShop()
    for number in range(40):
        shop.buys(f"c{number:02d}", "2019-01-05", 10)
        shop.buys(f"c{number:02d}", f"2020-01-{1 + number % 20:02d}", 12)
    yield shop.build("2020-02-01")
    shop.connection.close()


@pytest.fixture(params=["few", "many"])
def shop(request: pytest.FixtureRequest, built: TinyShop, monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyShop]:
    """The customers, who are few, or so many that pandera sees some of them only; the shop is as it was afterwards."""
    if request.param == "many":
        monkeypatch.setattr(day_judging, "MOST_FETCHED", 10)
        monkeypatch.setattr(day_judging, "SAMPLED", 4)
        monkeypatch.setattr(day_judging, "SAMPLED_IN_VIEWS", 4)
    built.connection.execute("begin transaction")
    yield built
    built.connection.execute("rollback")


def last_of(shop: TinyShop) -> str:
    """The customer of the last row, who is in no sample of many: stretches of one row end before it."""
    found = shop.connection.execute("select customer_id from features.activity order by rowid desc limit 1").fetchall()
    return found[0][0]


def judge(shop: TinyShop, model: SqlModel) -> None:
    refuse_faulty(Session(shop.connection), model, [AS_OF], AS_OF)


def with_other_words(shop: TinyShop, table: str, said: str, instead: str) -> SqlModel:
    """The view as a SELECT makes it that says something else."""
    model = MODELS[table]
    assert said in model.text
    text = model.text.replace(said, instead)
    shop.connection.execute(f"create or replace view {model.name} as {text}")
    return replace(model, text=text, tree=sqlglot.parse_one(text, read="duckdb"))  # type: ignore[arg-type]


@pytest.mark.parametrize("table", ["activity", "assortment", "browsing", "demographics", "outcomes", *VIEWS])
def test_good_rows_pass(shop: TinyShop, table: str) -> None:
    judge(shop, MODELS[table])


@pytest.mark.parametrize(
    ("table", "wrong", "told"),
    [
        ("activity", "recency_days = 0", r"recency_days: greater_than_or_equal_to\(1\) \(1 rows\)"),
        ("activity", "tenure_days = 1", r"row: last purchase not before the first \(1 rows\)"),
        ("activity", "purchase_days_365d = 99", r"row: a year holds no more purchases than a life \(1 rows\)"),
        ("activity", "purchase_amount = -1", r"purchase_amount: greater_than_or_equal_to\(0\) \(1 rows\)"),
        ("activity", "weekend_share = 1.5", r"weekend_share: less_than_or_equal_to\(1\) \(1 rows\)"),
        ("activity", "purchase_days_trend = null", r"purchase_days_trend: not_nullable \(1 rows\)"),
        ("activity", "customer_id = ''", r"customer_id: str_length\(1, None\) \(1 rows\)"),
        ("activity", "customer_id = 'c00'", r"as_of, customer_id: unique \(1 rows\)"),
        ("activity", "purchase_amount = 'nan'", r"purchase_amount \(1 rows\)"),
        ("activity", "purchase_days_trend = '-inf'", r"purchase_days_trend \(1 rows\)"),
        ("demographics", "gender = 'F'", r"gender: isin\(.*\) \(1 rows\)"),
        ("demographics", "age = 7", r"age: greater_than_or_equal_to\(10\) \(1 rows\)"),
    ],
)
def test_one_bad_row_stops_the_table_wherever_it_lies(shop: TinyShop, table: str, wrong: str, told: str) -> None:
    shop.connection.execute(f"update features.{table} set {wrong} where customer_id = ?", [last_of(shop)])
    with pytest.raises(ContractBroken, match=told):
        judge(shop, MODELS[table])


def test_what_is_fitted_is_judged_as_well(shop: TinyShop) -> None:
    refuse_broken(Session(shop.connection), "btyd", AS_OF)
    shop.connection.execute("update features.btyd set btyd_p_buy = 1.5 where customer_id = ?", [last_of(shop)])
    with pytest.raises(ContractBroken, match=r"btyd_p_buy: less_than_or_equal_to\(1\) \(1 rows\)"):
        refuse_broken(Session(shop.connection), "btyd", AS_OF)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("said", "instead", "told"),
    [
        (
            "activity.recency_days,",
            "{of_last} -1 {else_} activity.recency_days end as recency_days,",
            "recency_days: gr",
        ),
        ("activity.tenure_days,", "{of_last} 1 {else_} activity.tenure_days end as tenure_days,", "row: last purchase"),
        ("demographics.gender,", "{of_last} 'F' {else_} demographics.gender end as gender,", "gender: isin"),
        (
            "activity.weekend_share,",
            "{of_last} null {else_} activity.weekend_share end as weekend_share,",
            "not_nullable",
        ),
        (
            "activity.weekend_share,",
            "{of_last} 'nan' {else_} activity.weekend_share end as weekend_share,",
            "weekend_sh",
        ),
        ("activity.mean_amount,", "{of_last} 'inf' {else_} activity.mean_amount end as mean_amount,", "mean_amount"),
        ("demographics.age,", "{of_last} 'nan' {else_} demographics.age end as age,", "age"),
        ("demographics.age,", "{of_last} 1e16 {else_} demographics.age end as age,", "age"),
        ("activity.customer_id,", "{of_last} 'c00' {else_} activity.customer_id end as customer_id,", "unique"),
        ("    activity.tenure_days,\n", "", "tenure_days: column_in_dataframe"),
        ("activity.tenure_days,", "activity.tenure_days, 1 as canary,", "canary: column_in_schema"),
        ("activity.recency_days,", "cast(activity.recency_days as double) as recency_days,", "recency_days: dtype"),
        ("cast(outcomes.future_amount as double)", "-1.0::double", "future_amount: greater_than_or_equal_to"),
        ("and activity.customer_id = demographics.customer_id", "", "unique"),
        ("from features.activity\n", "from features.activity where customer_id <> '{last}'\n", "there are 40"),
    ],
)
def test_what_a_view_does_wrong_by_itself_stops_it(
    shop: TinyShop, view: str, said: str, instead: str, told: str
) -> None:
    last = last_of(shop)
    words = {"of_last": f"case when activity.customer_id = '{last}' then", "else_": "else", "last": last}
    with pytest.raises(ContractBroken, match=told):
        judge(shop, with_other_words(shop, view, said, instead.format(**words)))


@pytest.mark.parametrize("view", VIEWS)
def test_a_customer_whom_a_table_behind_a_view_lacks_or_has_twice_stops_it(shop: TinyShop, view: str) -> None:
    last = last_of(shop)
    shop.connection.execute("insert into features.assortment from features.assortment where customer_id = ?", [last])
    with pytest.raises(ContractBroken, match=r"as_of, customer_id: unique \(1 rows\)"):
        judge(shop, MODELS[view])
    shop.connection.execute("delete from features.assortment where customer_id = ?", [last])
    with pytest.raises(ContractBroken, match="39 rows of 39 customers, and there are 40"):
        judge(shop, MODELS[view])
    with pytest.raises(ContractBroken, match=r"mean_basket_units: not_nullable \(1 rows\)"):
        judge(shop, with_other_words(shop, view, "inner join assortment", "left join assortment"))


@pytest.mark.parametrize("table", ["assortment", "browsing", "demographics"])
def test_somebody_whom_activity_does_not_have_stops_the_table(shop: TinyShop, table: str) -> None:
    shop.connection.execute(f"update features.{table} set customer_id = 'c99' where customer_id = ?", [last_of(shop)])
    with pytest.raises(
        ContractBroken, match=r"40 rows of 40 customers, and there are 40 in features.activity, which 1 "
    ):
        judge(shop, MODELS[table])


@pytest.mark.parametrize("view", VIEWS)
def test_the_tables_behind_a_view_are_not_joined_to_count_what_it_shows(
    shop: TinyShop, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    rows = Session.rows
    monkeypatch.setattr(Session, "rows", lambda self, query, *given: counted.append(query) or rows(self, query, *given))
    judge(shop, MODELS[view])
    (whole,) = [query for query in counted if "future_amount >= 0" in query]
    assert "LEFT JOIN outcomes" in whole
    assert "JOIN browsing" not in whole
    shop.connection.execute("delete from features.browsing where customer_id = ?", [last_of(shop)])
    counted.clear()
    with pytest.raises(ContractBroken, match="there are 40"):
        judge(shop, MODELS[view])
    assert any(f"from (select * from features.{view} where" in query for query in counted)
