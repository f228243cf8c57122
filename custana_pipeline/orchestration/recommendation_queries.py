"""What the recommendations are tuned on: queries on the cleaned tables."""

import datetime as dt

from custana_pipeline.models.recommendation_history import DAY_BITS, PLACE_BITS
from custana_pipeline.stores.session import Session

NUMBERED_CUSTOMERS = """create temp table numbered_customers as
select
    customer_number,
    row_number() over (order by not is_late, md5(customer_id), customer_id) - 1 as customer,
    row_number() over (order by md5(customer_id), customer_id) as draw
from (
    select customer_number, bool_or(not is_return and ordered_date >= $as_of - interval 90 day) as is_late
    from cleaned.numbered_transactions where ordered_date < $as_of group by customer_number
)
inner join cleaned.customer_numbers using (customer_number)"""
"""Customers by a hash of their id, those first who bought in the longest three windows.

`draw` counts them from 1 by the hash alone.
"""
NUMBERED_PRODUCTS = f"""create temp table numbered_products as
select product_number, row_number() over (order by product_id) - 1 as product
from (
    select product_number, product_id
    from (
        select product_number, count(*) as line_count from cleaned.numbered_transactions
        where ordered_date < $as_of group by product_number
    )
    inner join cleaned.product_numbers using (product_number)
    order by line_count desc, product_id limit {1 << PLACE_BITS}
)"""
"""Products in the order of their ids; of more than there is room for, those of the most lines."""
MOST_CUSTOMERS = 10_000
"""Customers that the lists are tried on and that tastes and rivals are learned from, at most: the first by number."""
MOST_DRAWN = 100_000
"""Customers who tell what sells and what is bought together while lists are tried, at most: an even part of all."""
CODE = f"""customers.customer * {1 << (PLACE_BITS + DAY_BITS)} + products.product * {1 << DAY_BITS}
        + date_diff('day', date '1970-01-01', transactions.ordered_date) as code"""
"""Customer, product and day, packed as recommendation_history packs them."""
LINES = f"""select
    {CODE},
    cast(transactions.quantity as double) as net_quantity, not transactions.is_return as is_purchase
from cleaned.numbered_transactions as transactions
inner join numbered_customers as customers on transactions.customer_number = customers.customer_number
inner join numbered_products as products on transactions.product_number = products.product_number
where transactions.ordered_date < $as_of and customers.customer < $most"""
EVENT_DAYS = """select
    cast(customers.customer as integer) as customer, cast(products.product as integer) as product,
    cast(date_diff('day', date '1970-01-01', events.happened_date) as integer) as day,
    bool_or(events.event_type = 'cart') as is_cart
from cleaned.numbered_events as events
inner join numbered_customers as customers on events.customer_number = customers.customer_number
inner join numbered_products as products on events.product_number = products.product_number
where events.event_type in ('view', 'cart') and events.happened_date < $as_of
    and events.happened_date >= $as_of - interval 120 day and customers.customer < $most
group by customers.customer, products.product, events.happened_date"""
BASKETS = f"""select {CODE}
from cleaned.numbered_transactions as transactions
inner join numbered_customers as customers on transactions.customer_number = customers.customer_number
inner join numbered_products as products on transactions.product_number = products.product_number
where not transactions.is_return and transactions.ordered_date < $as_of
    and transactions.ordered_date >= $as_of - interval 455 day and customers.draw <= $most"""
"""The longest three windows of 30 days, and 90 days before each for sales, 30 for events and 365 for baskets."""


def number(session: Session, as_of: dt.date) -> None:
    """Makes the numbers of customers and products that the queries join, for as long as the session lasts."""
    for table, query in (("numbered_customers", NUMBERED_CUSTOMERS), ("numbered_products", NUMBERED_PRODUCTS)):
        session.connection.execute(f"drop table if exists temp.{table}")
        session.connection.execute(query, {"as_of": as_of})
