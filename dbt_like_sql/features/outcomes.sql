-- one row per customer with a purchase before as_of: what they bought in the horizon from as_of on
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- to be run only once the horizon, [as_of, as_of + horizon_days), is over
with

purchase_days as (
    select
        customer_id,
        gross_amount,
        case when ordered_date < $as_of then 1 else 0 end as is_before,
        case when ordered_date >= $as_of then 1 else 0 end as is_within
    from features.purchase_days
    where
        is_purchase_day
        and sample_place <= $last_place
        and date_diff('day', $as_of, ordered_date) < $horizon_days
),

outcomes as (
    select
        customer_id,
        sum(is_within) as future_purchase,
        sum(is_within * gross_amount) as future_amount
    from purchase_days
    group by customer_id
    having sum(is_before) > 0
)

select
    cast($as_of as date) as as_of,
    customer_id,
    cast(future_purchase as bigint) as future_purchase,
    cast(future_amount as double) as future_amount,
    future_purchase > 0 as is_recommended
from outcomes
order by customer_id
