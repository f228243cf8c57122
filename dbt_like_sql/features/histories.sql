-- one row per as_of and purchase history: how many customers share it, and what they bought from as_of on
-- grain: as_of, repeat_count, active_span_days, tenure_days
-- the trade of the whole shop on past days; outcomes are null where their window is not over on the run's own day
with

days as (
    select unnest($days) as as_of
),

purchase_days as (
    select
        customer_number,
        ordered_date,
        gross_amount
    from features.purchase_days
    where is_purchase_day and ordered_date < $as_of
),

dates as (
    select distinct ordered_date
    from features.purchase_days
    where is_purchase_day and ordered_date < $as_of
),

-- what was before a day and what came after it are counted apart, since little came after within the horizon
pasts as (
    select
        days.as_of,
        purchase_days.customer_number,
        count(*) as purchase_frequency,
        sum(purchase_days.gross_amount) as purchase_amount,
        min(purchase_days.ordered_date) as first_date,
        max(purchase_days.ordered_date) as last_date
    from purchase_days
    inner join days on purchase_days.ordered_date < days.as_of
    group by days.as_of, purchase_days.customer_number
),

ages as (
    select
        days.as_of,
        dates.ordered_date,
        date_diff('day', days.as_of, dates.ordered_date) as days_on
    from dates
    inner join days on dates.ordered_date >= days.as_of
),

futures as (
    select
        ages.as_of,
        purchase_days.customer_number,
        count(*) as future_purchases,
        sum(purchase_days.gross_amount) as future_amount,
        count(case when ages.days_on < 30 then 1 end) as near_purchases,
        sum(case when ages.days_on < 30 then purchase_days.gross_amount end) as near_amount
    from features.purchase_days as purchase_days
    inner join ages on purchase_days.ordered_date = ages.ordered_date
    where purchase_days.is_purchase_day and ages.days_on < $horizon_days
    group by ages.as_of, purchase_days.customer_number
),

customers as (
    select
        pasts.as_of,
        pasts.customer_number,
        pasts.purchase_frequency,
        pasts.purchase_amount,
        pasts.first_date,
        pasts.last_date,
        case when futures.future_purchases > 0 then 1 else 0 end as future_buyer,
        coalesce(futures.future_purchases, 0) as future_purchases,
        coalesce(futures.future_amount, 0 * pasts.purchase_amount) as future_amount,
        case when futures.near_purchases > 0 then 1 else 0 end as near_buyer,
        coalesce(futures.near_purchases, 0) as near_purchases,
        coalesce(futures.near_amount, 0 * pasts.purchase_amount) as near_amount
    from pasts
    left join futures on pasts.as_of = futures.as_of and pasts.customer_number = futures.customer_number
),

-- a history in one number, which is grouped and sorted more quickly than three: 16 bits for each count of days
histories as (
    select
        as_of,
        4294967296 * (purchase_frequency - 1)
        + 65536 * date_diff('day', first_date, last_date)
        + date_diff('day', first_date, as_of) as history_mark,
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
    cast(history_mark >> 32 as bigint) as repeat_count,
    cast(history_mark >> 16 & 65535 as bigint) as active_span_days,
    cast(history_mark & 65535 as bigint) as tenure_days,
    cast(count(*) as bigint) as customer_count,
    cast(sum(purchase_amount) as double) as purchase_amount,
    cast(sum(future_is_over * future_buyer) as double) as future_buyers,
    cast(sum(future_is_over * future_purchases) as double) as future_purchases,
    cast(sum(future_is_over * future_amount) as double) as future_amount,
    cast(sum(near_is_over * near_buyer) as double) as near_buyers,
    cast(sum(near_is_over * near_purchases) as double) as near_purchases,
    cast(sum(near_is_over * near_amount) as double) as near_amount
from histories
group by as_of, history_mark
order by as_of, history_mark
