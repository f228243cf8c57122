-- one row per segment of the last list before as_of and segment of today: how many customers went from one to the other
-- grain: as_of, from_segment_id, to_segment_id
-- cells of fewer than 10 customers are folded into 'all others' of their segment; where that is below 10 too, of all
with

previous_days as (
    select max(as_of) as previous_as_of
    from applications.customer_segments
    where as_of < $as_of
),

customers_before as (
    select
        customer_segments.customer_id,
        customer_segments.segment_id,
        customer_segments.segment_name
    from applications.customer_segments
    inner join previous_days
        on customer_segments.as_of = previous_days.previous_as_of
),

customers_today as (
    select
        customer_id,
        segment_id,
        segment_name
    from applications.customer_segments
    where as_of = $as_of
),

moves as (
    select
        coalesce(customers_before.segment_id, -1) as from_segment_id,
        coalesce(customers_before.segment_name, 'new customer') as from_segment_name,
        coalesce(customers_today.segment_id, -1) as to_segment_id,
        coalesce(customers_today.segment_name, 'no longer a customer') as to_segment_name,
        count(*) as customer_count
    from customers_before
    full outer join customers_today
        on customers_before.customer_id = customers_today.customer_id
    group by
        coalesce(customers_before.segment_id, -1),
        coalesce(customers_before.segment_name, 'new customer'),
        coalesce(customers_today.segment_id, -1),
        coalesce(customers_today.segment_name, 'no longer a customer')
),

origins as (
    select
        from_segment_id,
        sum(customer_count) as origin_count,
        sum(case when customer_count < 10 then customer_count else 0 end) as small_count
    from moves
    group by from_segment_id
),

folded as (
    select
        case
            when moves.customer_count >= 10 or origins.small_count >= 10 then moves.from_segment_id else -2
        end as from_segment_id,
        case
            when moves.customer_count >= 10 or origins.small_count >= 10 then moves.from_segment_name else 'all others'
        end as from_segment_name,
        case when moves.customer_count >= 10 then moves.to_segment_id else -2 end as to_segment_id,
        case when moves.customer_count >= 10 then moves.to_segment_name else 'all others' end as to_segment_name,
        moves.customer_count
    from moves
    inner join origins
        on moves.from_segment_id = origins.from_segment_id
),

cells as (
    select
        from_segment_id,
        from_segment_name,
        to_segment_id,
        to_segment_name,
        sum(customer_count) as customer_count
    from folded
    group by from_segment_id, from_segment_name, to_segment_id, to_segment_name
    having sum(customer_count) >= 10
)

select
    cast($as_of as date) as as_of,
    cast(previous_days.previous_as_of as date) as previous_as_of,
    cast(cells.from_segment_id as bigint) as from_segment_id,
    cells.from_segment_name,
    cast(cells.to_segment_id as bigint) as to_segment_id,
    cells.to_segment_name,
    cast(cells.customer_count as bigint) as customers,
    cast(round(cast(cells.customer_count as double) / origins.origin_count, 4) as double) as share
from cells
cross join previous_days
left join origins
    on cells.from_segment_id = origins.from_segment_id
where previous_days.previous_as_of is not null
order by cells.from_segment_id, cells.to_segment_id
