-- one row per customer: what they bought and sent back in the 365 days before as_of
-- grain: as_of, customer_id
with

purchase_days as (
    select
        customer_number,
        is_purchase_day,
        case when ordered_date >= $as_of - interval 365 day then gross_amount else 0 end as gross_amount,
        case when ordered_date >= $as_of - interval 365 day then return_amount else 0 end as return_amount
    from features.purchase_days
    where ordered_date < $as_of
),

recent as (
    select
        customer_number,
        sum(gross_amount) as gross_amount,
        sum(return_amount) as return_amount
    from purchase_days
    group by customer_number
    having bool_or(is_purchase_day)
)

select
    cast($as_of as date) as as_of,
    customer_numbers.customer_id,
    cast(coalesce(recent.gross_amount, 0) as double) as gross_amount_365d,
    cast(coalesce(recent.return_amount, 0) as double) as return_amount_365d
from recent
inner join cleaned.customer_numbers as customer_numbers
    on recent.customer_number = customer_numbers.customer_number
