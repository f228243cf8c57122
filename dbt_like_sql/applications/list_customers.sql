-- one row per customer with a purchase before as_of, numbered from 0 in the order of their ids
-- grain: as_of, customer_id
-- sample_number counts them by a hash of their id, those first who bought in the last 90 days: as the lists are tuned
-- warehouse_number is what stands for the id in lines and events
with

buyers as (
    select
        customer_number,
        max(ordered_date) >= $as_of - interval 90 day as is_late
    from cleaned.numbered_transactions
    where
        not is_return
        and ordered_date < $as_of
    group by customer_number
),

customers as (
    select
        customer_numbers.customer_id,
        buyers.customer_number as warehouse_number,
        buyers.is_late
    from buyers
    inner join cleaned.customer_numbers as customer_numbers on buyers.customer_number = customer_numbers.customer_number
)

select
    cast($as_of as date) as as_of,
    customer_id,
    cast(row_number() over (order by customer_id) - 1 as bigint) as customer_number,
    cast(row_number() over (order by not is_late, md5(customer_id), customer_id) - 1 as bigint) as sample_number,
    warehouse_number
from customers
