-- one row per customer with a purchase before as_of: what they bought in the horizon from as_of on
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- days whose horizon, [as_of, as_of + horizon_days), is not over on the run's own day have no rows
with

days as (
    select unnest($days) as as_of
),

past_days as (
    select as_of
    from days
    where date_diff('day', as_of, $as_of) >= $horizon_days
),

purchase_days as (
    select
        customer_number,
        ordered_date,
        gross_amount
    from features.purchase_days
    where is_purchase_day and sample_place <= $last_place
),

dates as (
    select distinct ordered_date
    from purchase_days
),

calendar as (
    select
        past_days.as_of,
        dates.ordered_date,
        case when dates.ordered_date < past_days.as_of then 1 else 0 end as is_before,
        case when dates.ordered_date >= past_days.as_of then 1 else 0 end as is_within
    from past_days
    inner join dates on date_diff('day', past_days.as_of, dates.ordered_date) < $horizon_days
),

outcomes as (
    select
        calendar.as_of,
        purchase_days.customer_number,
        sum(calendar.is_within) as future_purchase,
        sum(calendar.is_within * purchase_days.gross_amount) as future_amount
    from purchase_days
    inner join calendar on purchase_days.ordered_date = calendar.ordered_date
    group by calendar.as_of, purchase_days.customer_number
    having sum(calendar.is_before) > 0
)

select
    outcomes.as_of,
    customer_numbers.customer_id,
    cast(outcomes.future_purchase as bigint) as future_purchase,
    cast(outcomes.future_amount as double) as future_amount,
    outcomes.future_purchase > 0 as is_recommended
from outcomes
inner join cleaned.customer_numbers as customer_numbers
    on outcomes.customer_number = customer_numbers.customer_number
order by outcomes.as_of, customer_numbers.customer_id
