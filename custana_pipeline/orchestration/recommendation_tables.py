"""From cleaned tables to applications.product_recommendations: SQL counts and names, arrays rank.

Customers pass in ranges, so that the memory needed does not grow with their number.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from custana_pipeline.models.recommendation_history import AGE_BITS, PLACE_BITS
from custana_pipeline.orchestration.recommendation_names import names_of
from custana_pipeline.orchestration.recommendation_queries import MOST_CUSTOMERS
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel

if TYPE_CHECKING:
    import pyarrow as pa

    from custana_pipeline.models.recommendation_offer import Offer
    from custana_pipeline.models.recommendation_serving import Columns, Known
    from custana_pipeline.orchestration.recommendation_names import Names

PLACES = "applications.product_places"
"""What the SELECT of the lists reads: rows that go from arrays into it and stay nowhere, so that the table is empty."""
PLACE_COLUMNS = (
    *("customer_id varchar", "list_number utinyint", "rank utinyint", "product_id varchar", "product_name varchar"),
    *("score double", "reason utinyint", "day_count integer", "days_since integer", "companion_name varchar"),
)
SUPPORTING = ("product_popularity", "list_customers")
REPLACED = ("customer_products", "item_pairs", "buy_again", "discover")
"""Tables of earlier releases that nothing reads any more."""
MOST_LINES = 20_000_000
"""Order lines that are in memory at once, and those of the newest days that pairs of products are counted in."""
BLOCKS_A_BATCH = 8
MOST_BATCHES, CUSTOMERS_A_BATCH = 4, 100_000
"""Batches are stored together, which DuckDB does by as many threads, and the fewer at once the fewer customers there
are: the next lists are made meanwhile."""
PURCHASES_AT_ONCE = 500_000
NUMBERED = """
    inner join applications.list_customers as customers on {table}.customer_number = customers.warehouse_number
    inner join (
        select product_number, popularity_rank from applications.product_popularity
        inner join cleaned.product_numbers using (product_id)
    ) as products on {table}.product_number = products.product_number
    where customers.customer_number >= $first and customers.customer_number < $end"""
"""Lines and events have the warehouse's own numbers; on the lists customers are counted in the order of their ids."""
PURCHASES = f"""select
        (customers.customer_number - $first) * {1 << (PLACE_BITS + AGE_BITS)}
            + (products.popularity_rank - 1) * {1 << AGE_BITS}
            + least(date_diff('day', transactions.ordered_date, $as_of), {(1 << AGE_BITS) - 1}) as code
    from cleaned.numbered_transactions as transactions {NUMBERED.format(table="transactions")}
        and not transactions.is_return and transactions.ordered_date < $as_of"""
"""Customer, place and days ago of each line, packed as recommendation_serving packs them."""
OF_THE_SAMPLE = f"{PURCHASES} and customers.sample_number < $most"
"""The same of the customers that the lists were tried on, from whom tastes are learned."""
DOUBTFUL = f"""with doubtful as (
    select distinct customer_number, product_number from cleaned.numbered_transactions
    where (is_return or quantity <= 0) and product_number is not null and ordered_date < $as_of
)
select
    customers.customer_number - $first as customer, products.popularity_rank - 1 as place,
    sum(transactions.quantity) > 0 and bool_or(not transactions.is_return) as is_kept
from cleaned.numbered_transactions as transactions
semi join doubtful
    on transactions.customer_number = doubtful.customer_number and transactions.product_number = doubtful.product_number
{NUMBERED.format(table="transactions")} and transactions.ordered_date < $as_of
group by customers.customer_number, products.popularity_rank
order by customer, place"""
LOOKED_AT = f"""with event_days as (
    select customer_number, product_number, happened_date, bool_or(event_type = 'cart') as is_cart_day
    from cleaned.numbered_events
    where event_type in ('view', 'cart') and happened_date >= $as_of - interval 30 day and happened_date < $as_of
    group by customer_number, product_number, happened_date
)
select
    customers.customer_number - $first as customer, products.popularity_rank - 1 as place,
    count(*) as viewed_days, count(*) filter (event_days.is_cart_day) as cart_days
from event_days {NUMBERED.format(table="event_days")}
group by customers.customer_number, products.popularity_rank
order by customer, place"""
LINES_BY_AGE = """select date_diff('day', ordered_date, $as_of) as age, count(*) as line_count
    from cleaned.numbered_transactions where not is_return and ordered_date < $as_of
    group by ordered_date order by ordered_date desc"""

Models = Mapping[str, SqlModel]


def build_recommendations(session: Session, models: Models, given: Mapping[str, Any]) -> None:
    """Replaces the rows of the day `as_of` in applications.product_recommendations; `given` has all list parameters."""
    for table in REPLACED:
        session.connection.execute(f"drop table if exists applications.{table}")
    for table in SUPPORTING:
        session.build(models[f"applications.{table}"], given)
    session.connection.execute(f"create or replace table {PLACES} ({', '.join(PLACE_COLUMNS)})")
    parts = _places(session, given)
    session.build_day_of(models["applications.product_recommendations"], given, PLACES, parts)


def _places(session: Session, given: Mapping[str, Any]) -> "Iterator[pa.Table]":
    """The rows of PLACES for all customers in order, some blocks of them at a time; empty where there are no rows."""
    import pyarrow as pa

    from custana_pipeline.models.recommendation_serving import served_lists

    is_empty = True
    lines = session.rows(LINES_BY_AGE, {"as_of": given["as_of"]})
    borders = _borders(session, sum(count for _, count in lines))
    known = _known(session, given["as_of"], (borders[0], borders[1]))
    offer = _offer(session, given, known.purchases if len(borders) == 2 else None, lines)
    at_once = min(1 + borders[-1] // CUSTOMERS_A_BATCH, MOST_BATCHES)
    for first, end in pairwise(borders):
        known = known if not first else _known(session, given["as_of"], (first, end))
        batches = _batches(served_lists(known, offer), names_of(session, first, end))
        while several := list(islice(batches, at_once)):
            is_empty = False
            yield pa.concat_tables(several)
    if is_empty:
        yield session.table(f"select * from {PLACES}")


def _batches(blocks: "Iterator[Columns]", names: "Names") -> "Iterator[pa.Table]":
    """The rows of a few blocks each, those without any left out."""
    while several := list(islice(blocks, BLOCKS_A_BATCH)):
        rows = {name: np.concatenate([each[name] for each in several]) for name in several[0]}
        if len(rows["customer"]):
            yield names.rows(rows)


def _borders(session: Session, lines: int) -> list[int]:
    """Where each range of customers begins, and where the last one ends."""
    customers = session.count("applications.list_customers")
    ranges = max(1, -(-lines // MOST_LINES))
    return [round(customers * number / ranges) for number in range(ranges + 1)]


def _offer(session: Session, given: Mapping[str, Any], everything: np.ndarray | None, lines: list[tuple]) -> "Offer":
    """`everything` is what all customers bought, where that is not too much; `lines` counts lines by age."""
    from custana_pipeline.models.recommendation_lists import ListParameters
    from custana_pipeline.models.recommendation_neighbours import speaking
    from custana_pipeline.models.recommendation_offer import LISTS, Offer

    demand = session.arrays(
        "select buy_again_demand, discover_demand from applications.product_popularity order by popularity_rank",
    )
    parameters = {
        which: ListParameters(
            **{key.removeprefix(f"{which}_"): value for key, value in given.items() if key.startswith(f"{which}_")}
        )
        for which in LISTS
    }
    width, as_of = len(demand["discover_demand"]), given["as_of"]
    is_taste = any(each.taste_weight for each in parameters.values())
    purchases = _newest(session, as_of, lines) if everything is None else everything
    with ThreadPoolExecutor(1) as beside:  # baskets need one processor
        counting = beside.submit(_baskets, purchases, width)
        tastes = _tastes(_sample(session, as_of, everything), width) if is_taste else None
        baskets = counting.result()
    spoken = {each: speaking(baskets, tastes, each) for each in {each.taste_weight for each in parameters.values()}}
    by_list = {
        which: spoken[each.taste_weight]
        for which, each in parameters.items()
        if which == "discover" or each.taste_weight
    }
    return Offer({which: demand[f"{which}_demand"] for which in LISTS}, by_list, parameters)


def _baskets(purchases: np.ndarray, width: int) -> Any:
    """What is bought together, from the packed purchases of a year; some at a time, in memory that is at hand."""
    from custana_pipeline.models.recommendation_companions import unpacked
    from custana_pipeline.models.recommendation_neighbours import BASKET_DAYS, basket_codes, neighbours_in

    parts = np.array_split(purchases, len(purchases) // PURCHASES_AT_ONCE + 1)
    recent = (part[(part & ((1 << AGE_BITS) - 1)) <= BASKET_DAYS] for part in parts)
    return neighbours_in(np.concatenate([basket_codes(*unpacked(each)) for each in recent]), width)


def _newest(session: Session, as_of: dt.date, lines: list[tuple]) -> np.ndarray:
    """The packed purchases of as many of the newest days as MOST_LINES allow, where all of them are too many."""
    newest = next((age for age, count in _running(lines) if count > MOST_LINES), 366)
    query = f"{PURCHASES} and transactions.ordered_date > $as_of - cast($newest as integer) * interval 1 day"
    span = {"as_of": as_of, "first": 0, "end": 2**26, "newest": min(newest, 366)}
    return session.arrays(query, span)["code"]


def _sample(session: Session, as_of: dt.date, everything: np.ndarray | None) -> np.ndarray:
    """The packed purchases, in order, of the customers that the lists were tried on."""
    from custana_pipeline.models.recommendation_ranking import each_once

    if everything is None:
        span = {"as_of": as_of, "first": 0, "end": 2**26, "most": MOST_CUSTOMERS}
        return each_once(session.arrays(OF_THE_SAMPLE, span)["code"])
    query = "select sample_number from applications.list_customers order by customer_number"
    is_chosen = session.arrays(query)["sample_number"] < MOST_CUSTOMERS
    return everything[is_chosen[everything >> (PLACE_BITS + AGE_BITS)]]


def _tastes(purchases: np.ndarray, width: int) -> Any:
    """What is bought by the same customers, from their packed purchases in order."""
    from custana_pipeline.models.recommendation_companions import unpacked
    from custana_pipeline.models.recommendation_neighbours import buyers_of, cosine_neighbours
    from custana_pipeline.models.recommendation_ranking import is_first

    newest = purchases[is_first(purchases >> AGE_BITS)]  # of each customer and product
    return cosine_neighbours(buyers_of(*unpacked(newest), width))


def _running(lines: list[tuple]) -> Iterator[tuple[int, int]]:
    """Age and how many lines are of that age or younger, the youngest first."""
    total = 0
    for age, count in lines:
        total += count
        yield age, total


def _known(session: Session, as_of: dt.date, span: tuple[int, int]) -> "Known":
    from custana_pipeline.models.recommendation_companions import packed
    from custana_pipeline.models.recommendation_ranking import each_once
    from custana_pipeline.models.recommendation_serving import Known

    given = {"as_of": as_of, "first": span[0], "end": span[1]}
    codes = session.arrays(PURCHASES, given)["code"]
    with ThreadPoolExecutor(1) as beside:
        purchases = beside.submit(each_once, codes)
        doubtful, looked_at = session.arrays(DOUBTFUL, given), session.arrays(LOOKED_AT, given)
    return Known(
        customers=span[1] - span[0],
        purchases=purchases.result(),
        doubtful=packed(doubtful["customer"], doubtful["place"]),
        is_kept=doubtful["is_kept"],
        looked_at=packed(looked_at["customer"], looked_at["place"]),
        viewed_days=looked_at["viewed_days"],
        cart_days=looked_at["cart_days"],
    )
