"""Real data: the features of Online Retail II against counts taken straight from its lines."""

from collections.abc import Iterator

import pytest

from custana_pipeline_tests.conftest import dataset
from custana_pipeline_tests.features.tiny_shop import TinyShop

AS_OF, HOLDOUT = "2011-09-10", "2011-06-12"
# the cleaning that QUALITY.md measures with; the package's own is tested with the cleaned stage
LINES = """
insert into cleaned.transactions
with distinct_lines as (select distinct * from read_csv(?, all_varchar = true))
select
    "Invoice", replace("Customer ID", '.0', ''), upper("StockCode"), cast("InvoiceDate" as timestamp),
    cast("InvoiceDate" as date), cast("Quantity" as decimal(18, 3)), cast("Price" as decimal(18, 4)),
    cast(round(cast("Quantity" as decimal(18, 3)) * cast("Price" as decimal(18, 4)), 2) as decimal(18, 2)),
    cast("Quantity" as integer) < 0, 'online_retail_II.csv.gz', 1
from distinct_lines
where
    "Customer ID" is not null and cast("Price" as decimal(18, 4)) > 0 and regexp_matches("StockCode", '^[0-9]{5}')
    and starts_with("Invoice", 'C') = (cast("Quantity" as integer) < 0)
    and cast("Quantity" as integer) <> 0 and not starts_with("Invoice", 'A')
"""


@pytest.fixture(scope="module")
def retailer() -> Iterator[TinyShop]:
    path = dataset("online_retail_ii/online_retail_II.csv.gz")
    shop = TinyShop()
    shop.connection.execute(LINES, [str(path)])
    yield shop.build(HOLDOUT, AS_OF, outcomes_until=AS_OF)
    shop.connection.close()


def number(shop: TinyShop, query: str) -> float:
    (row,) = shop.connection.execute(query).fetchall()
    return row[0]


def test_every_customer_before_as_of_has_one_row(retailer: TinyShop) -> None:
    counted = retailer.connection.execute("select count(*) from features.behavior group by as_of order by as_of")
    assert counted.fetchall() == [(4951,), (5256,)]


def test_the_bg_nbd_summary_adds_up_to_the_lines(retailer: TinyShop) -> None:
    bought = f"from cleaned.transactions where not is_return and ordered_date < date '{AS_OF}'"
    summary = f"from features.activity where as_of = date '{AS_OF}'"
    days = number(retailer, f"select count(*) from (select distinct customer_id, ordered_date {bought})")
    assert number(retailer, f"select sum(purchase_frequency) {summary}") == days
    money = number(retailer, f"select cast(sum(amount) as double) {bought}")
    assert number(retailer, f"select sum(purchase_amount) {summary}") == pytest.approx(money)
    assert number(retailer, f"select max(history_days) {summary}") == 648


@pytest.mark.parametrize(
    "law",
    [
        "tenure_days = active_span_days + recency_days",
        "tenure_days <= history_days",
        "(repeat_count = 0) = (active_span_days = 0)",
        "purchase_days_7d <= purchase_days_30d and purchase_days_30d <= purchase_days_90d",
        "purchase_days_90d + purchase_days_prior_90d <= purchase_days_365d",
        "mean_gap_days is null or mean_gap_days <= max_gap_days",
        "net_amount <= purchase_amount",
        "decayed_purchase_days_30d <= decayed_purchase_days_90d",
    ],
)
def test_every_customer_keeps_the_laws_of_the_summary(retailer: TinyShop, law: str) -> None:
    assert number(retailer, f"select count(*) from features.activity where not ({law})") == 0


def test_a_third_of_the_customers_of_june_came_back_by_september(retailer: TinyShop) -> None:
    came_back = number(retailer, "select avg(case when is_recommended then 1.0 else 0.0 end) from features.outcomes")
    assert came_back == pytest.approx(0.323, abs=0.0005)
    within = number(
        retailer,
        f"""select cast(sum(amount) as double) from cleaned.transactions
        where not is_return and ordered_date >= date '{HOLDOUT}' and ordered_date < date '{AS_OF}'
        and customer_id in (select customer_id from features.outcomes)""",
    )
    assert number(retailer, "select sum(future_amount) from features.outcomes") == pytest.approx(within)
