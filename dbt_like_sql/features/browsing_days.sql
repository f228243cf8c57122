-- one row per customer and day with an event; a session belongs to the day it began on
-- grain: customer_number, happened_date
-- increment: bef66043a9f2, signed as one whose rows of a customer hang on the lines of that customer only
-- a session ends with 30 minutes of silence; whether an event opens one depends on earlier events only
-- events are put in order once and then counted row by row (windows without partitions keep the order of their rows),
-- which takes two thirds of a window for each customer and of groups by day
with

-- moment and kind in one number, which is sorted quicker: the last three bits tell what happened
events as (
    select
        customer_number,
        8 * epoch_us(happened_at)
        + case event_type when 'view' then 1 when 'cart' then 2 else 0 end
        + case when product_number is not null and event_type in ('view', 'cart') then 4 else 0 end as mark
    from cleaned.numbered_events
    order by customer_number, mark
),

followed_events as (
    select
        customer_number,
        mark,
        lag(customer_number) over () as previous_customer,
        lag(mark) over () as previous_mark,
        lead(customer_number) over () as next_customer,
        lead(mark) over () as next_mark
    from events
),

-- what is counted, each in 31 bits of one number: views, carts, events with a product and openings of a session
flagged_events as (
    select
        customer_number,
        mark // 691200000000 as day_number,
        coalesce(customer_number <> next_customer or mark // 691200000000 <> next_mark // 691200000000, true)
            as is_last_of_day,
        cast((mark & 1) + ((mark & 2) << 30) as hugeint)
        + case when mark & 4 = 4 then cast(4611686018427387904 as hugeint) else 0 end
        + case
            when customer_number = previous_customer and (mark >> 3) - (previous_mark >> 3) <= 1800000000 then 0
            else cast(4611686018427387904 as hugeint) * 2147483648
        end as flags
    from followed_events
),

counted_events as (
    select
        customer_number,
        day_number,
        is_last_of_day,
        row_number() over () as event_count,
        sum(flags) over (rows between unbounded preceding and current row) as counts  -- noqa: PRS
    from flagged_events
),

days as (
    select
        customer_number,
        day_number,
        event_count - lag(event_count, 1, 0) over () as event_count,
        counts - lag(counts, 1, 0) over () as counts
    from counted_events
    where is_last_of_day
)

select
    customer_number,
    date '1970-01-01' + cast(day_number as integer) as happened_date,
    event_count,
    cast(counts & 2147483647 as bigint) as view_count,
    cast(counts >> 31 & 2147483647 as bigint) as cart_count,
    cast(counts >> 62 & 2147483647 as bigint) as product_event_count,
    cast(counts >> 93 as bigint) as session_count
from days
