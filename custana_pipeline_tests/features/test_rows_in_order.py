"""Models that count row by row, in order, yield what groups yield, over more rows than a thread reads at a time."""

import pytest

from custana_pipeline_tests.features.tiny_shop import TinyShop

ROWS = 300_000
DAY = "date '2024-01-01' + cast(hash(i, 'day') % 60 as integer)"
MOMENT = f"{DAY} + to_minutes(cast(hash(i, 'minute') % 1440 as integer))"
PRODUCT = "case when hash(i, 'none') % 9 > 0 then hash(i, 'product') % 30 end"
ORDERS = f"""insert into cleaned.transactions
    select hash(i, 'order') % 50000, hash(i, 'customer') % 2500, {PRODUCT}, {DAY}, {DAY}, units, null, units * 2,
        units < 0, 'shop.csv', i
    from (select i, case when hash(i, 'return') % 10 > 0 then 1 else -1 end as units from range({ROWS}) as rows (i))"""
EVENTS = f"""insert into cleaned.events
    select hash(i, 'customer') % 2500, {PRODUCT}, ['view', 'cart', 'buy'][cast(hash(i, 'kind') % 3 as integer) + 1],
        moment, cast(moment as date), 'events.csv', i
    from (select i, {MOMENT} as moment from range({ROWS}) as rows (i))"""
CATEGORIES = "insert into cleaned.products select i, i, nullif(i % 5, 0), 'products.csv', i from range(30) as rows (i)"
PURCHASE_DAYS = """select customer_id, ordered_date, count_if(not is_return) as line_count,
        count(distinct case when not is_return then order_id end) as order_count,
        count(distinct case when not is_return then product_id end) as product_count
    from cleaned.transactions group by all"""
BROWSING_DAYS = """select customer_id, happened_date, count(*) as event_count,
        count_if(event_type = 'view') as view_count, count_if(event_type = 'cart') as cart_count,
        count_if(product_id is not null and event_type in ('view', 'cart')) as product_event_count,
        count_if(previous_at is null or happened_at > previous_at + interval 30 minutes) as session_count
    from (select *, lag(happened_at) over (partition by customer_id order by happened_at) as previous_at
        from cleaned.events) group by all"""
GAPS = """select customer_id, max(gap) as max_gap_days, sum(gap) / count(gap) as mean_gap_days from (
        select customer_id,
            ordered_date - lag(ordered_date) over (partition by customer_id order by ordered_date) as gap
        from (select distinct customer_id, ordered_date from cleaned.transactions where not is_return)) group by all"""
PRODUCTS = """select customer_id, count(*) as product_count,
        avg(cast(first_date < last_date as integer)) as repeat_product_share,
        max(lines) / sum(lines) as top_product_share from (
        select customer_id, product_id, count(*) as lines,
            min(ordered_date) as first_date, max(ordered_date) as last_date
        from cleaned.transactions where product_id is not null and not is_return group by all) group by all"""
PLAIN = {"purchase_days": PURCHASE_DAYS, "browsing_days": BROWSING_DAYS, "activity": GAPS, "assortment": PRODUCTS}


@pytest.fixture(scope="module")
def large_shop() -> TinyShop:
    shop = TinyShop()
    for statement in (ORDERS, EVENTS, CATEGORIES):
        shop.connection.execute(statement)
    return shop.build("2024-03-01")


@pytest.mark.parametrize("table", PLAIN)
def test_what_is_counted_in_order_is_what_groups_yield(large_shop: TinyShop, table: str) -> None:
    plain = large_shop.connection.sql(PLAIN[table])
    made = large_shop.connection.sql(f"from features.{table}")
    named = f"(select * from features.{table} join cleaned.customer_numbers using (customer_number))"
    found = named if "customer_number" in made.columns else f"features.{table}"
    order = f"select {', '.join(plain.columns)} from {found} order by all"
    expected = large_shop.connection.sql(f"from ({PLAIN[table]}) order by all").fetchall()
    assert large_shop.connection.sql(order).fetchall() == expected


@pytest.mark.parametrize("table", ["purchase_days", "browsing_days"])
def test_days_lie_in_the_order_of_their_grain(large_shop: TinyShop, table: str) -> None:
    day = {"purchase_days": "ordered_date", "browsing_days": "happened_date"}[table]
    stored = large_shop.connection.sql(f"select customer_number, {day} from features.{table}").fetchall()
    assert stored == sorted(set(stored))
