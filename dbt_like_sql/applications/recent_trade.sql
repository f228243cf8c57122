-- one row per customer: what they bought and sent back in the 365 days before as_of
-- grain: as_of, customer_id
with

purchase_days as (
    select
        customer_number,
        ordered_date,
        gross_amount,
        return_amount,
        is_purchase_day
    from features.purchase_days
    where ordered_date < $as_of
),

customers as (
    select customer_number
    from purchase_days
    group by customer_number
    having max(case when is_purchase_day then 1 else 0 end) = 1
),

recent as (
    select
        customer_number,
        sum(gross_amount) as gross_amount,
        sum(return_amount) as return_amount
    from purchase_days
    where ordered_date >= $as_of - interval 365 day
    group by customer_number
)

select
    cast($as_of as date) as as_of,
    customer_numbers.customer_id,
    cast(coalesce(recent.gross_amount, 0) as double) as gross_amount_365d,
    cast(coalesce(recent.return_amount, 0) as double) as return_amount_365d
from customers
inner join cleaned.customer_numbers as customer_numbers
    on customers.customer_number = customer_numbers.customer_number
left join recent
    on customers.customer_number = recent.customer_number
