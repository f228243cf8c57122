-- one row per customer with a purchase before as_of, numbered from 0 in the order of their ids
-- grain: as_of, customer_id
with

customers as (
    select distinct customer_id
    from cleaned.transactions
    where
        not is_return
        and ordered_date < $as_of
)

select
    cast($as_of as date) as as_of,
    customer_id,
    cast(row_number() over (order by customer_id) - 1 as bigint) as customer_number
from customers
