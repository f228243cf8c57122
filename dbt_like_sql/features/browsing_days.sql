-- one row per customer and day with an event; a session belongs to the day it began on
-- grain: customer_number, happened_date
-- increment: 9dd49756c8d9, signed as one whose rows of a customer hang on the lines of that customer only
-- a session ends with 30 minutes of silence; whether an event opens one depends on earlier events only
with

events as (
    select
        customer_number,
        event_type,
        product_number,
        happened_at,
        happened_date
    from cleaned.numbered_events
),

followed_events as (
    select
        customer_number,
        event_type,
        product_number,
        happened_at,
        happened_date,
        lag(happened_at) over (partition by customer_number order by happened_at) as previous_at
    from events
)

select
    customer_number,
    happened_date,
    cast(count(*) as bigint) as event_count,
    cast(sum(case when event_type = 'view' then 1 else 0 end) as bigint) as view_count,
    cast(sum(case when event_type = 'cart' then 1 else 0 end) as bigint) as cart_count,
    cast(
        sum(case when product_number is not null and event_type in ('view', 'cart') then 1 else 0 end) as bigint
    ) as product_event_count,
    cast(
        sum(case when previous_at is null or happened_at > previous_at + interval 30 minutes then 1 else 0 end)
        as bigint
    ) as session_count
from followed_events
group by customer_number, happened_date
order by customer_number, happened_date
