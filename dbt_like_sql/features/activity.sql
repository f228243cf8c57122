-- one row per customer with a purchase before as_of: when, how often and for how much they bought
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- days_ago is 1 for the day before as_of; a purchase is a day with a purchase; returns count in net amounts only
with

purchase_days as (
    select
        customer_id,
        ordered_date,
        order_count,
        unit_count,
        gross_amount,
        return_count,
        return_amount,
        date_diff('day', ordered_date, $as_of) as days_ago,
        case when is_purchase_day then 1 else 0 end as purchase
    from features.purchase_days
    where ordered_date < $as_of and sample_place <= $last_place
),

-- the age of the whole shop
history as (
    select date_diff('day', min(ordered_date), $as_of) as history_days
    from features.purchase_days
    where ordered_date < $as_of
),

gaps as (
    select
        customer_id,
        ordered_date,
        lag(days_ago) over (partition by customer_id order by ordered_date) - days_ago as gap_days
    from purchase_days
    where purchase = 1
),

first_days as (
    select
        customer_id,
        min(ordered_date) as first_date
    from gaps
    group by customer_id
),

-- the flags are 0 or 1: a sum of flag * amount is null only where the source has no money at all
flagged_days as (
    select
        purchase_days.customer_id,
        purchase_days.ordered_date,
        purchase_days.days_ago,
        purchase_days.purchase,
        purchase_days.order_count,
        purchase_days.unit_count,
        purchase_days.gross_amount,
        purchase_days.return_count,
        purchase_days.return_amount,
        purchase_days.gross_amount - purchase_days.return_amount as net_amount,
        case when purchase_days.ordered_date > first_days.first_date then 1 else 0 end as after_first,
        case when purchase_days.days_ago <= 7 then 1 else 0 end as last_7d,
        case when purchase_days.days_ago <= 30 then 1 else 0 end as last_30d,
        case when purchase_days.days_ago <= 90 then 1 else 0 end as last_90d,
        case when purchase_days.days_ago <= 365 then 1 else 0 end as last_365d,
        case when purchase_days.days_ago between 91 and 180 then 1 else 0 end as prior_90d,
        case
            when purchase_days.days_ago <= 364 and purchase_days.days_ago > 364 - $horizon_days then 1 else 0
        end as year_ago,
        case
            when date_diff('day', date '1970-01-05', purchase_days.ordered_date) % 7 >= 5 then 1 else 0
        end as weekend,
        cast(
            round(1000000 * power(0.5, cast(purchase_days.days_ago as double) / 30)) as bigint
        ) as millionths_30d,
        cast(
            round(1000000 * power(0.5, cast(purchase_days.days_ago as double) / 90)) as bigint
        ) as millionths_90d,
        cast(
            round(1000000 * power(0.5, cast(purchase_days.days_ago as double) / 180)) as bigint
        ) as millionths_180d
    from purchase_days
    inner join first_days on purchase_days.customer_id = first_days.customer_id
),

lifetimes as (
    select
        customer_id,
        min(case when purchase = 1 then days_ago end) as recency_days,
        max(case when purchase = 1 then days_ago end) as tenure_days,
        sum(purchase) as purchase_frequency,
        sum(order_count) as order_count,
        sum(unit_count) as unit_count,
        sum(gross_amount) as purchase_amount,
        sum(net_amount) as net_amount,
        sum(after_first * purchase * gross_amount) as repeat_amount,
        max(gross_amount) as max_amount,
        arg_max(gross_amount, ordered_date) filter (where purchase = 1) as last_amount,
        sum(weekend * purchase) as weekend_count,
        sum(return_count) as return_count,
        sum(return_amount) as return_amount,
        sum(last_365d * return_count) as return_count_365d,
        sum(last_365d * return_amount) as return_amount_365d,
        min(case when return_count > 0 then days_ago end) as days_since_return,
        sum(millionths_30d * purchase) as purchase_millionths_30d,
        sum(millionths_90d * purchase) as purchase_millionths_90d,
        sum(millionths_180d * purchase) as purchase_millionths_180d,
        sum(millionths_30d * gross_amount) as amount_millionths_30d,
        sum(millionths_90d * gross_amount) as amount_millionths_90d,
        sum(millionths_180d * gross_amount) as amount_millionths_180d
    from flagged_days
    group by customer_id
),

windows as (
    select
        customer_id,
        sum(last_7d * purchase) as purchase_days_7d,
        sum(last_30d * purchase) as purchase_days_30d,
        sum(last_90d * purchase) as purchase_days_90d,
        sum(last_365d * purchase) as purchase_days_365d,
        sum(prior_90d * purchase) as purchase_days_prior_90d,
        sum(year_ago * purchase) as purchase_days_year_ago,
        sum(last_7d * gross_amount) as purchase_amount_7d,
        sum(last_30d * gross_amount) as purchase_amount_30d,
        sum(last_90d * gross_amount) as purchase_amount_90d,
        sum(last_365d * gross_amount) as purchase_amount_365d,
        sum(prior_90d * gross_amount) as purchase_amount_prior_90d,
        sum(year_ago * gross_amount) as purchase_amount_year_ago,
        sum(last_7d * net_amount) as net_amount_7d,
        sum(last_30d * net_amount) as net_amount_30d,
        sum(last_90d * net_amount) as net_amount_90d,
        sum(last_365d * net_amount) as net_amount_365d,
        sum(last_7d * unit_count) as unit_count_7d,
        sum(last_30d * unit_count) as unit_count_30d,
        sum(last_90d * unit_count) as unit_count_90d,
        sum(last_365d * unit_count) as unit_count_365d
    from flagged_days
    group by customer_id
),

rhythms as (
    select
        customer_id,
        count(gap_days) as gap_count,
        cast(sum(gap_days) as double) as gap_sum,
        cast(sum(gap_days * gap_days) as double) as gap_square_sum,
        max(gap_days) as max_gap_days,
        arg_max(gap_days, ordered_date) as last_gap_days
    from gaps
    group by customer_id
)

select
    cast($as_of as date) as as_of,
    lifetimes.customer_id,
    cast(lifetimes.recency_days as bigint) as recency_days,
    cast(lifetimes.tenure_days as bigint) as tenure_days,
    cast(lifetimes.tenure_days - lifetimes.recency_days as bigint) as active_span_days,
    cast(lifetimes.purchase_frequency as bigint) as purchase_frequency,
    cast(lifetimes.purchase_frequency - 1 as bigint) as repeat_count,
    cast(history.history_days as bigint) as history_days,
    cast(lifetimes.order_count as bigint) as order_count,
    cast(lifetimes.unit_count as double) as unit_count,
    cast(lifetimes.purchase_amount as double) as purchase_amount,
    cast(lifetimes.net_amount as double) as net_amount,
    cast(lifetimes.purchase_amount as double) / lifetimes.purchase_frequency as mean_amount,
    cast(lifetimes.repeat_amount as double) / nullif(lifetimes.purchase_frequency - 1, 0) as mean_repeat_amount,
    cast(lifetimes.max_amount as double) as max_amount,
    cast(lifetimes.last_amount as double) as last_amount,
    cast(windows.purchase_days_7d as bigint) as purchase_days_7d,
    cast(windows.purchase_days_30d as bigint) as purchase_days_30d,
    cast(windows.purchase_days_90d as bigint) as purchase_days_90d,
    cast(windows.purchase_days_365d as bigint) as purchase_days_365d,
    cast(windows.purchase_days_prior_90d as bigint) as purchase_days_prior_90d,
    cast(case when history.history_days >= 364 then windows.purchase_days_year_ago end as double)
        as purchase_days_year_ago,
    cast(windows.purchase_amount_7d as double) as purchase_amount_7d,
    cast(windows.purchase_amount_30d as double) as purchase_amount_30d,
    cast(windows.purchase_amount_90d as double) as purchase_amount_90d,
    cast(windows.purchase_amount_365d as double) as purchase_amount_365d,
    cast(windows.purchase_amount_prior_90d as double) as purchase_amount_prior_90d,
    cast(case when history.history_days >= 364 then windows.purchase_amount_year_ago end as double)
        as purchase_amount_year_ago,
    cast(windows.net_amount_7d as double) as net_amount_7d,
    cast(windows.net_amount_30d as double) as net_amount_30d,
    cast(windows.net_amount_90d as double) as net_amount_90d,
    cast(windows.net_amount_365d as double) as net_amount_365d,
    cast(windows.unit_count_7d as double) as unit_count_7d,
    cast(windows.unit_count_30d as double) as unit_count_30d,
    cast(windows.unit_count_90d as double) as unit_count_90d,
    cast(windows.unit_count_365d as double) as unit_count_365d,
    cast(lifetimes.purchase_millionths_30d as double) / 1000000 as decayed_purchase_days_30d,
    cast(lifetimes.purchase_millionths_90d as double) / 1000000 as decayed_purchase_days_90d,
    cast(lifetimes.purchase_millionths_180d as double) / 1000000 as decayed_purchase_days_180d,
    cast(lifetimes.amount_millionths_30d as double) / 1000000 as decayed_amount_30d,
    cast(lifetimes.amount_millionths_90d as double) / 1000000 as decayed_amount_90d,
    cast(lifetimes.amount_millionths_180d as double) / 1000000 as decayed_amount_180d,
    rhythms.gap_sum / nullif(rhythms.gap_count, 0) as mean_gap_days,
    case
        when rhythms.gap_count >= 2 then sqrt(
            (rhythms.gap_count * rhythms.gap_square_sum - rhythms.gap_sum * rhythms.gap_sum)
            / cast(rhythms.gap_count * (rhythms.gap_count - 1) as double)
        )
    end as std_gap_days,
    cast(rhythms.max_gap_days as double) as max_gap_days,
    cast(rhythms.last_gap_days as double) as last_gap_days,
    lifetimes.recency_days * rhythms.gap_count / nullif(rhythms.gap_sum, 0) as recency_to_mean_gap,
    ln(
        cast(1 + windows.purchase_days_90d as double) / (1 + windows.purchase_days_prior_90d)
    ) as purchase_days_trend,
    ln(
        (1 + cast(windows.purchase_amount_90d as double)) / (1 + cast(windows.purchase_amount_prior_90d as double))
    ) as purchase_amount_trend,
    cast(lifetimes.weekend_count as double) / lifetimes.purchase_frequency as weekend_share,
    cast(lifetimes.return_count as bigint) as return_count,
    cast(lifetimes.return_count_365d as bigint) as return_count_365d,
    cast(lifetimes.return_amount as double) as return_amount,
    cast(lifetimes.return_amount_365d as double) as return_amount_365d,
    cast(lifetimes.return_amount as double) / nullif(cast(lifetimes.purchase_amount as double), 0) as return_share,
    cast(lifetimes.days_since_return as double) as days_since_return
from lifetimes
inner join windows on lifetimes.customer_id = windows.customer_id
inner join rhythms on lifetimes.customer_id = rhythms.customer_id
cross join history
order by lifetimes.customer_id
