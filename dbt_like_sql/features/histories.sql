-- one row per as_of and purchase history: how many customers share it, and what they bought from as_of on
-- grain: as_of, repeat_count, active_span_days, tenure_days
-- the trade of the whole shop on past days; outcomes are null where their window ends after known_until, the run's day
with

purchase_days as (
    select
        customer_id,
        ordered_date,
        gross_amount,
        case when ordered_date < $as_of then 1 else 0 end as is_before,
        case
            when ordered_date >= $as_of and date_diff('day', $as_of, ordered_date) < $horizon_days then 1 else 0
        end as is_future,
        case
            when ordered_date >= $as_of and date_diff('day', $as_of, ordered_date) < least($horizon_days, 30) then 1
            else 0
        end as is_near,
        case when date_diff('day', $as_of, $known_until) >= $horizon_days then 1 end as future_is_over,
        case when date_diff('day', $as_of, $known_until) >= least($horizon_days, 30) then 1 end as near_is_over
    from features.purchase_days
    where is_purchase_day and ordered_date < $known_until
),

customers as (
    select
        customer_id,
        sum(is_before) as purchase_frequency,
        sum(is_before * gross_amount) as purchase_amount,
        min(ordered_date) as first_date,
        max(case when is_before = 1 then ordered_date end) as last_date,
        max(future_is_over * is_future) as future_buyer,
        sum(future_is_over * is_future) as future_purchases,
        sum(future_is_over * is_future * gross_amount) as future_amount,
        max(near_is_over * is_near) as near_buyer,
        sum(near_is_over * is_near) as near_purchases,
        sum(near_is_over * is_near * gross_amount) as near_amount
    from purchase_days
    group by customer_id
    having sum(is_before) > 0
),

histories as (
    select
        purchase_frequency - 1 as repeat_count,
        date_diff('day', first_date, last_date) as active_span_days,
        date_diff('day', first_date, $as_of) as tenure_days,
        purchase_amount,
        future_buyer,
        future_purchases,
        future_amount,
        near_buyer,
        near_purchases,
        near_amount
    from customers
)

select
    cast($as_of as date) as as_of,
    cast(repeat_count as bigint) as repeat_count,
    cast(active_span_days as bigint) as active_span_days,
    cast(tenure_days as bigint) as tenure_days,
    cast(count(*) as bigint) as customer_count,
    cast(sum(purchase_amount) as double) as purchase_amount,
    cast(sum(future_buyer) as double) as future_buyers,
    cast(sum(future_purchases) as double) as future_purchases,
    cast(sum(future_amount) as double) as future_amount,
    cast(sum(near_buyer) as double) as near_buyers,
    cast(sum(near_purchases) as double) as near_purchases,
    cast(sum(near_amount) as double) as near_amount
from histories
group by repeat_count, active_span_days, tenure_days
order by repeat_count, active_span_days, tenure_days
