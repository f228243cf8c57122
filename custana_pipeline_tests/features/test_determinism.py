"""The same rows give the same bytes: on two threads, in any order of the rows."""

import pytest

from custana_pipeline_tests.features.tiny_shop import SNAPSHOTS, TinyShop

TABLES = ("purchase_days", "browsing_days", *SNAPSHOTS)
# several row groups, so that both threads take part
LINES = """
insert into cleaned.transactions
select
    'order' || (number // 3), 'c' || (number * 7919 % 3000), 'p' || (number * 31 % 500),
    timestamp '2019-01-01' + interval (number * 104729 % 700) day, date '2019-01-01' + (number * 104729 % 700)::integer,
    case when number % 40 = 0 then -1 else number % 5 + 1 end, null,
    case when number % 40 = 0 then -1 else 1 end * (number * 611 % 99991)::decimal(18, 2) / 100,
    number % 40 = 0, 'shop.csv', number
from range(260000) as lines (number)
"""
EVENTS = """
insert into cleaned.events
select
    'c' || (number * 6151 % 3000), 'p' || (number * 17 % 500), case when number % 9 = 0 then 'cart' else 'view' end,
    timestamp '2020-01-01' + interval (number * 7907 % 480000) minute,
    cast(timestamp '2020-01-01' + interval (number * 7907 % 480000) minute as date), 'events.csv', number
from range(130000) as lines (number)
"""
PRODUCTS = """
insert into cleaned.products
select 'p' || number, null, 'k' || (number % 12), 'products.csv', number from range(500) as lines (number)
"""


@pytest.fixture
def busy_shop(shop: TinyShop) -> TinyShop:
    shop.connection.execute(LINES)
    shop.connection.execute(EVENTS)
    shop.connection.execute(PRODUCTS)
    return shop


def test_a_rerun_on_rows_in_another_order_gives_the_same_bytes(busy_shop: TinyShop) -> None:
    first = busy_shop.build("2020-11-01").bytes_of(TABLES)
    for table in ("transactions", "events"):
        busy_shop.connection.execute(
            f"create or replace table cleaned.{table} as from cleaned.{table} order by source_line desc"
        )
    assert busy_shop.build("2020-11-01").bytes_of(TABLES) == first


def test_a_table_is_stored_in_the_order_of_its_customers(busy_shop: TinyShop) -> None:
    busy_shop.build("2020-10-01", "2020-11-01")
    for table in SNAPSHOTS:
        stored = busy_shop.connection.execute(f"select as_of, customer_id from features.{table}").fetchall()
        assert stored == sorted(stored)


def test_a_day_has_the_same_rows_whichever_days_are_built_with_it(busy_shop: TinyShop) -> None:
    tables = (*SNAPSHOTS, "outcomes", "histories")
    alone = busy_shop.build("2020-08-01", outcomes_until="2020-11-01").bytes_of(tables)
    busy_shop.build("2020-06-01", "2020-08-01", "2020-11-01", outcomes_until="2020-11-01")
    assert busy_shop.bytes_of(tables, "as_of = date '2020-08-01'") == alone
