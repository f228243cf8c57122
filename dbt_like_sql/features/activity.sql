-- one row per customer with a purchase before as_of: when, how often and for how much they bought
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- days_ago is 1 for the day before as_of; a purchase is a day with a purchase; returns count in net amounts only
with

days as (
    select unnest($days) as as_of
),

-- a window for each customer: rows in one order, which a single thread looks at, take less of the processors and longer
followed_days as (
    select
        customer_number,
        sample_place,
        ordered_date,
        is_purchase_day,
        order_count,
        unit_count,
        gross_amount,
        return_count,
        return_amount,
        lag(is_purchase_day) over customer_days as follows_purchase,
        lag(ordered_date) over customer_days as previous_date
    from features.purchase_days
    window customer_days as (partition by customer_number order by is_purchase_day, ordered_date)
),

-- the gap is that to the purchase before, and null for the first one
purchase_days as (
    select
        customer_number,
        sample_place,
        ordered_date,
        order_count,
        unit_count,
        gross_amount,
        return_count,
        return_amount,
        gross_amount - return_amount as net_amount,
        case when is_purchase_day then 1 else 0 end as purchase,
        case
            when is_purchase_day and follows_purchase then date_diff('day', previous_date, ordered_date)
        end as gap_days
    from followed_days
),

dates as (
    select distinct ordered_date
    from features.purchase_days
),

-- the age of the whole shop
history as (
    select min(ordered_date) as first_date
    from dates
),

ages as (
    select
        days.as_of,
        dates.ordered_date,
        date_diff('day', dates.ordered_date, days.as_of) as days_ago
    from dates
    inner join days on dates.ordered_date < days.as_of
),

-- what a date is, seen from each day: the flags are 0 or 1, and weights are whole millionths
calendar as (
    select
        as_of,
        ordered_date,
        days_ago,
        case when days_ago <= 7 then 1 else 0 end as last_7d,
        case when days_ago <= 30 then 1 else 0 end as last_30d,
        case when days_ago <= 90 then 1 else 0 end as last_90d,
        case when days_ago <= 365 then 1 else 0 end as last_365d,
        case when days_ago between 91 and 180 then 1 else 0 end as prior_90d,
        case when days_ago <= 364 and days_ago > 364 - $horizon_days then 1 else 0 end as year_ago,
        case when date_diff('day', date '1970-01-05', ordered_date) % 7 >= 5 then 1 else 0 end as weekend,
        cast(round(1000000 * power(0.5, cast(days_ago as double) / 30)) as bigint) as millionths_30d,
        cast(round(1000000 * power(0.5, cast(days_ago as double) / 90)) as bigint) as millionths_90d,
        cast(round(1000000 * power(0.5, cast(days_ago as double) / 180)) as bigint) as millionths_180d
    from ages
),

-- a sum of flag * amount is null only where the source has no money at all
lifetimes as (
    select
        calendar.as_of,
        purchase_days.customer_number,
        min(case when purchase_days.purchase = 1 then calendar.days_ago end) as recency_days,
        max(case when purchase_days.purchase = 1 then calendar.days_ago end) as tenure_days,
        sum(purchase_days.purchase) as purchase_frequency,
        sum(purchase_days.order_count) as order_count,
        sum(purchase_days.unit_count) as unit_count,
        sum(purchase_days.gross_amount) as purchase_amount,
        sum(purchase_days.net_amount) as net_amount,
        sum(case when purchase_days.gap_days is null then 0 else 1 end * purchase_days.gross_amount) as repeat_amount,
        max(purchase_days.gross_amount) as max_amount,
        arg_max(purchase_days.gross_amount, purchase_days.ordered_date) filter (where purchase_days.purchase = 1)
            as last_amount,
        sum(calendar.weekend * purchase_days.purchase) as weekend_count,
        sum(purchase_days.return_count) as return_count,
        sum(purchase_days.return_amount) as return_amount,
        sum(calendar.last_365d * purchase_days.return_count) as return_count_365d,
        sum(calendar.last_365d * purchase_days.return_amount) as return_amount_365d,
        min(case when purchase_days.return_count > 0 then calendar.days_ago end) as days_since_return,
        sum(calendar.millionths_30d * purchase_days.purchase) as purchase_millionths_30d,
        sum(calendar.millionths_90d * purchase_days.purchase) as purchase_millionths_90d,
        sum(calendar.millionths_180d * purchase_days.purchase) as purchase_millionths_180d,
        sum(calendar.millionths_30d * purchase_days.gross_amount) as amount_millionths_30d,
        sum(calendar.millionths_90d * purchase_days.gross_amount) as amount_millionths_90d,
        sum(calendar.millionths_180d * purchase_days.gross_amount) as amount_millionths_180d,
        sum(calendar.last_7d * purchase_days.purchase) as purchase_days_7d,
        sum(calendar.last_30d * purchase_days.purchase) as purchase_days_30d,
        sum(calendar.last_90d * purchase_days.purchase) as purchase_days_90d,
        sum(calendar.last_365d * purchase_days.purchase) as purchase_days_365d,
        sum(calendar.prior_90d * purchase_days.purchase) as purchase_days_prior_90d,
        sum(calendar.year_ago * purchase_days.purchase) as purchase_days_year_ago,
        sum(calendar.last_7d * purchase_days.gross_amount) as purchase_amount_7d,
        sum(calendar.last_30d * purchase_days.gross_amount) as purchase_amount_30d,
        sum(calendar.last_90d * purchase_days.gross_amount) as purchase_amount_90d,
        sum(calendar.last_365d * purchase_days.gross_amount) as purchase_amount_365d,
        sum(calendar.prior_90d * purchase_days.gross_amount) as purchase_amount_prior_90d,
        sum(calendar.year_ago * purchase_days.gross_amount) as purchase_amount_year_ago,
        sum(calendar.last_7d * purchase_days.net_amount) as net_amount_7d,
        sum(calendar.last_30d * purchase_days.net_amount) as net_amount_30d,
        sum(calendar.last_90d * purchase_days.net_amount) as net_amount_90d,
        sum(calendar.last_365d * purchase_days.net_amount) as net_amount_365d,
        sum(calendar.last_7d * purchase_days.unit_count) as unit_count_7d,
        sum(calendar.last_30d * purchase_days.unit_count) as unit_count_30d,
        sum(calendar.last_90d * purchase_days.unit_count) as unit_count_90d,
        sum(calendar.last_365d * purchase_days.unit_count) as unit_count_365d,
        count(purchase_days.gap_days) as gap_count,
        cast(sum(purchase_days.gap_days) as double) as gap_sum,
        cast(sum(purchase_days.gap_days * purchase_days.gap_days) as double) as gap_square_sum,
        max(purchase_days.gap_days) as max_gap_days,
        arg_max(purchase_days.gap_days, purchase_days.ordered_date) as last_gap_days
    from purchase_days
    inner join calendar on purchase_days.ordered_date = calendar.ordered_date
    where calendar.as_of = $as_of or purchase_days.sample_place <= $last_place
    group by calendar.as_of, purchase_days.customer_number
    having sum(purchase_days.purchase) > 0
),

-- the age of the shop on each day
known as (
    select
        days.as_of,
        date_diff('day', history.first_date, days.as_of) as history_days
    from days
    cross join history
)

select
    lifetimes.as_of,
    customer_numbers.customer_id,
    cast(lifetimes.recency_days as bigint) as recency_days,
    cast(lifetimes.tenure_days as bigint) as tenure_days,
    cast(lifetimes.tenure_days - lifetimes.recency_days as bigint) as active_span_days,
    cast(lifetimes.purchase_frequency as bigint) as purchase_frequency,
    cast(lifetimes.purchase_frequency - 1 as bigint) as repeat_count,
    cast(known.history_days as bigint) as history_days,
    cast(lifetimes.order_count as bigint) as order_count,
    cast(lifetimes.unit_count as double) as unit_count,
    cast(lifetimes.purchase_amount as double) as purchase_amount,
    cast(lifetimes.net_amount as double) as net_amount,
    cast(lifetimes.purchase_amount as double) / lifetimes.purchase_frequency as mean_amount,
    cast(lifetimes.repeat_amount as double) / nullif(lifetimes.purchase_frequency - 1, 0) as mean_repeat_amount,
    cast(lifetimes.max_amount as double) as max_amount,
    cast(lifetimes.last_amount as double) as last_amount,
    cast(lifetimes.purchase_days_7d as bigint) as purchase_days_7d,
    cast(lifetimes.purchase_days_30d as bigint) as purchase_days_30d,
    cast(lifetimes.purchase_days_90d as bigint) as purchase_days_90d,
    cast(lifetimes.purchase_days_365d as bigint) as purchase_days_365d,
    cast(lifetimes.purchase_days_prior_90d as bigint) as purchase_days_prior_90d,
    cast(case when known.history_days >= 364 then lifetimes.purchase_days_year_ago end as double)
        as purchase_days_year_ago,
    cast(lifetimes.purchase_amount_7d as double) as purchase_amount_7d,
    cast(lifetimes.purchase_amount_30d as double) as purchase_amount_30d,
    cast(lifetimes.purchase_amount_90d as double) as purchase_amount_90d,
    cast(lifetimes.purchase_amount_365d as double) as purchase_amount_365d,
    cast(lifetimes.purchase_amount_prior_90d as double) as purchase_amount_prior_90d,
    cast(case when known.history_days >= 364 then lifetimes.purchase_amount_year_ago end as double)
        as purchase_amount_year_ago,
    cast(lifetimes.net_amount_7d as double) as net_amount_7d,
    cast(lifetimes.net_amount_30d as double) as net_amount_30d,
    cast(lifetimes.net_amount_90d as double) as net_amount_90d,
    cast(lifetimes.net_amount_365d as double) as net_amount_365d,
    cast(lifetimes.unit_count_7d as double) as unit_count_7d,
    cast(lifetimes.unit_count_30d as double) as unit_count_30d,
    cast(lifetimes.unit_count_90d as double) as unit_count_90d,
    cast(lifetimes.unit_count_365d as double) as unit_count_365d,
    cast(lifetimes.purchase_millionths_30d as double) / 1000000 as decayed_purchase_days_30d,
    cast(lifetimes.purchase_millionths_90d as double) / 1000000 as decayed_purchase_days_90d,
    cast(lifetimes.purchase_millionths_180d as double) / 1000000 as decayed_purchase_days_180d,
    cast(lifetimes.amount_millionths_30d as double) / 1000000 as decayed_amount_30d,
    cast(lifetimes.amount_millionths_90d as double) / 1000000 as decayed_amount_90d,
    cast(lifetimes.amount_millionths_180d as double) / 1000000 as decayed_amount_180d,
    lifetimes.gap_sum / nullif(lifetimes.gap_count, 0) as mean_gap_days,
    case
        when lifetimes.gap_count >= 2 then sqrt(
            (lifetimes.gap_count * lifetimes.gap_square_sum - lifetimes.gap_sum * lifetimes.gap_sum)
            / cast(lifetimes.gap_count * (lifetimes.gap_count - 1) as double)
        )
    end as std_gap_days,
    cast(lifetimes.max_gap_days as double) as max_gap_days,
    cast(lifetimes.last_gap_days as double) as last_gap_days,
    lifetimes.recency_days * lifetimes.gap_count / nullif(lifetimes.gap_sum, 0) as recency_to_mean_gap,
    ln(
        cast(1 + lifetimes.purchase_days_90d as double) / (1 + lifetimes.purchase_days_prior_90d)
    ) as purchase_days_trend,
    ln(
        (1 + cast(lifetimes.purchase_amount_90d as double)) / (1 + cast(lifetimes.purchase_amount_prior_90d as double))
    ) as purchase_amount_trend,
    cast(lifetimes.weekend_count as double) / lifetimes.purchase_frequency as weekend_share,
    cast(lifetimes.return_count as bigint) as return_count,
    cast(lifetimes.return_count_365d as bigint) as return_count_365d,
    cast(lifetimes.return_amount as double) as return_amount,
    cast(lifetimes.return_amount_365d as double) as return_amount_365d,
    cast(lifetimes.return_amount as double) / nullif(cast(lifetimes.purchase_amount as double), 0) as return_share,
    cast(lifetimes.days_since_return as double) as days_since_return
from lifetimes
inner join known on lifetimes.as_of = known.as_of
inner join cleaned.customer_numbers as customer_numbers
    on lifetimes.customer_number = customer_numbers.customer_number
order by lifetimes.as_of, customer_numbers.customer_id
