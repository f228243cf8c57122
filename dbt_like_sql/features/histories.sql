-- one row per as_of and purchase history: how many customers share it, and what they bought from as_of on
-- grain: as_of, repeat_count, active_span_days, tenure_days
-- the trade of the whole shop on past days; outcomes are null where their window is not over on the run's own day
with

days as (
    select unnest($days) as as_of
),

-- whoever bought on one day only until today has no future on a day that knows them, and shares a history with all who
-- bought on that day: they are summed by date before days look back at them
only_purchases as (
    select
        customer_number,
        min(ordered_date) as ordered_date,
        sum(gross_amount) as purchase_amount
    from features.purchase_days
    where is_purchase_day and ordered_date < $as_of
    group by customer_number
    having count(*) = 1
),

only_dates as (
    select
        ordered_date,
        count(*) as customer_count,
        sum(purchase_amount) as purchase_amount
    from only_purchases
    group by ordered_date
),

purchase_days as (
    select
        customer_number,
        ordered_date,
        gross_amount
    from features.purchase_days
    where
        is_purchase_day
        and ordered_date < $as_of
        and customer_number not in (select only_purchases.customer_number from only_purchases)
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
    where
        purchase_days.is_purchase_day
        and ages.days_on < $horizon_days
        and purchase_days.customer_number not in (select only_purchases.customer_number from only_purchases)
    group by ages.as_of, purchase_days.customer_number
),

customers as (
    select
        pasts.as_of,
        1 as customer_count,
        pasts.purchase_frequency,
        pasts.purchase_amount,
        pasts.first_date,
        pasts.last_date,
        futures.future_purchases,
        futures.future_amount,
        futures.near_purchases,
        futures.near_amount
    from pasts
    left join futures on pasts.as_of = futures.as_of and pasts.customer_number = futures.customer_number
    union all
    select
        days.as_of,
        only_dates.customer_count,
        1 as purchase_frequency,
        only_dates.purchase_amount,
        only_dates.ordered_date as first_date,
        only_dates.ordered_date as last_date,
        null as future_purchases,
        null as future_amount,
        null as near_purchases,
        null as near_amount
    from only_dates
    inner join days on only_dates.ordered_date < days.as_of
),

-- a history in one number, which is grouped and sorted more quickly than three: 16 bits for each count of days
marked_customers as (
    select
        as_of,
        4294967296 * (purchase_frequency - 1)
        + 65536 * date_diff('day', first_date, last_date)
        + date_diff('day', first_date, as_of) as history_mark,
        customer_count,
        purchase_amount,
        future_purchases,
        future_amount,
        near_purchases,
        near_amount
    from customers
),

histories as (
    select
        as_of,
        history_mark,
        sum(customer_count) as customer_count,
        sum(purchase_amount) as purchase_amount,
        count(future_purchases) as future_buyers,
        sum(future_purchases) as future_purchases,
        sum(future_amount) as future_amount,
        count(case when near_purchases > 0 then 1 end) as near_buyers,
        sum(near_purchases) as near_purchases,
        sum(near_amount) as near_amount,
        case when date_diff('day', as_of, $as_of) >= $horizon_days then 1 end as future_is_over,
        case when date_diff('day', as_of, $as_of) >= least($horizon_days, 30) then 1 end as near_is_over
    from marked_customers
    group by as_of, history_mark
)

-- what nobody of a history bought is zero, and null where the source has no money
select
    as_of,
    cast(history_mark >> 32 as bigint) as repeat_count,
    cast(history_mark >> 16 & 65535 as bigint) as active_span_days,
    cast(history_mark & 65535 as bigint) as tenure_days,
    cast(customer_count as bigint) as customer_count,
    cast(purchase_amount as double) as purchase_amount,
    cast(future_is_over * future_buyers as double) as future_buyers,
    cast(future_is_over * coalesce(future_purchases, 0) as double) as future_purchases,
    cast(future_is_over * coalesce(future_amount, 0 * purchase_amount) as double) as future_amount,
    cast(near_is_over * near_buyers as double) as near_buyers,
    cast(near_is_over * coalesce(near_purchases, 0) as double) as near_purchases,
    cast(near_is_over * coalesce(near_amount, 0 * purchase_amount) as double) as near_amount
from histories
order by as_of, history_mark
