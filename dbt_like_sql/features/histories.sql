-- one row per as_of and purchase history: how many customers share it, and what they bought from as_of on
-- grain: as_of, repeat_count, active_span_days, tenure_days
-- the trade of the whole shop on past days; outcomes are null where their window is not over on the run's own day
with

days as (
    select unnest($days) as as_of
),

purchase_days as (
    select
        customer_id,
        ordered_date,
        gross_amount
    from features.purchase_days
    where is_purchase_day and ordered_date < $as_of
),

dates as (
    select distinct ordered_date
    from purchase_days
),

ages as (
    select
        days.as_of,
        dates.ordered_date,
        date_diff('day', days.as_of, dates.ordered_date) as days_on
    from dates
    cross join days
),

-- what a date is, seen from each day
calendar as (
    select
        as_of,
        ordered_date,
        case when days_on < 0 then 1 else 0 end as is_before,
        case when days_on >= 0 and days_on < $horizon_days then 1 else 0 end as is_future,
        case when days_on >= 0 and days_on < least($horizon_days, 30) then 1 else 0 end as is_near
    from ages
    where days_on < $horizon_days
),

customers as (
    select
        calendar.as_of,
        purchase_days.customer_id,
        sum(calendar.is_before) as purchase_frequency,
        sum(calendar.is_before * purchase_days.gross_amount) as purchase_amount,
        min(purchase_days.ordered_date) as first_date,
        max(case when calendar.is_before = 1 then purchase_days.ordered_date end) as last_date,
        max(calendar.is_future) as future_buyer,
        sum(calendar.is_future) as future_purchases,
        sum(calendar.is_future * purchase_days.gross_amount) as future_amount,
        max(calendar.is_near) as near_buyer,
        sum(calendar.is_near) as near_purchases,
        sum(calendar.is_near * purchase_days.gross_amount) as near_amount
    from purchase_days
    inner join calendar on purchase_days.ordered_date = calendar.ordered_date
    group by calendar.as_of, purchase_days.customer_id
    having sum(calendar.is_before) > 0
),

histories as (
    select
        as_of,
        purchase_frequency - 1 as repeat_count,
        date_diff('day', first_date, last_date) as active_span_days,
        date_diff('day', first_date, as_of) as tenure_days,
        purchase_amount,
        future_buyer,
        future_purchases,
        future_amount,
        near_buyer,
        near_purchases,
        near_amount,
        case when date_diff('day', as_of, $as_of) >= $horizon_days then 1 end as future_is_over,
        case when date_diff('day', as_of, $as_of) >= least($horizon_days, 30) then 1 end as near_is_over
    from customers
)

select
    as_of,
    cast(repeat_count as bigint) as repeat_count,
    cast(active_span_days as bigint) as active_span_days,
    cast(tenure_days as bigint) as tenure_days,
    cast(count(*) as bigint) as customer_count,
    cast(sum(purchase_amount) as double) as purchase_amount,
    cast(sum(future_is_over * future_buyer) as double) as future_buyers,
    cast(sum(future_is_over * future_purchases) as double) as future_purchases,
    cast(sum(future_is_over * future_amount) as double) as future_amount,
    cast(sum(near_is_over * near_buyer) as double) as near_buyers,
    cast(sum(near_is_over * near_purchases) as double) as near_purchases,
    cast(sum(near_is_over * near_amount) as double) as near_amount
from histories
group by as_of, repeat_count, active_span_days, tenure_days
order by as_of, repeat_count, active_span_days, tenure_days
