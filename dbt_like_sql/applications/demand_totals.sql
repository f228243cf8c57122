-- one row per member of a dimension (all, segment, category, location): the demand expected of its customers
-- grain: as_of, dimension, member
with

demand_forecast as (
    select
        customer_id,
        cast(round(1000000 * expected_purchases) as bigint) as purchases_millionths,
        cast(round(100 * expected_amount) as bigint) as cents,
        cast(round(100 * expected_net_amount) as bigint) as net_cents
    from applications.demand_forecast
    where as_of = $as_of
),

customer_segments as (
    select
        customer_id,
        segment_name
    from applications.customer_segments
    where as_of = $as_of
),

customers as (
    select
        customer_id,
        location
    from cleaned.customers
    where location is not null
),

demand_by_category as (
    select
        customer_id,
        category,
        purchases_millionths,
        cents,
        net_cents
    from applications.demand_by_category
    where as_of = $as_of
),

parts as (
    select
        'all' as dimension,
        'all' as member,
        customer_id,
        purchases_millionths,
        cents,
        net_cents
    from demand_forecast

    union all

    select
        'segment' as dimension,
        coalesce(customer_segments.segment_name, 'not stated') as member,
        demand_forecast.customer_id,
        demand_forecast.purchases_millionths,
        demand_forecast.cents,
        demand_forecast.net_cents
    from demand_forecast
    left join customer_segments
        on demand_forecast.customer_id = customer_segments.customer_id

    union all

    select
        'location' as dimension,
        coalesce(customers.location, 'not stated') as member,
        demand_forecast.customer_id,
        demand_forecast.purchases_millionths,
        demand_forecast.cents,
        demand_forecast.net_cents
    from demand_forecast
    left join customers
        on demand_forecast.customer_id = customers.customer_id

    union all

    select
        'category' as dimension,
        category as member,
        customer_id,
        purchases_millionths,
        cents,
        net_cents
    from demand_by_category
),

members as (
    select
        dimension,
        member,
        count(*) as customer_count
    from parts
    group by dimension, member
),

sized as (
    select
        dimension,
        member,
        customer_count,
        count(*) over (partition by dimension) as member_count,
        sum(customer_count) over (
            partition by dimension
            order by customer_count, member
            rows between unbounded preceding and current row
        ) - customer_count as smaller_customer_count
    from members
),

-- a figure of fewer than 10 customers tells about persons: such members are shown as one, and when these are
-- still fewer than 10, the next larger joins them, so that no subtraction uncovers them
named as (
    select
        dimension,
        member,
        case
            when dimension in ('all', 'segment') then member
            when customer_count < 10 or smaller_customer_count between 1 and 9 then 'all others'
            else member
        end as shown_member
    from sized
    where
        dimension in ('all', 'segment')
        or member_count > 1
        or member <> 'not stated'
),

totals as (
    select
        named.dimension,
        named.shown_member as member,
        count(distinct parts.customer_id) as customer_count,
        sum(parts.purchases_millionths) as purchases_millionths,
        sum(parts.cents) as cents,
        sum(parts.net_cents) as net_cents
    from parts
    inner join named
        on
            parts.dimension = named.dimension
            and parts.member = named.member
    group by named.dimension, named.shown_member
)

select
    cast($as_of as date) as as_of,
    cast(dimension as varchar) as dimension,
    cast(member as varchar) as member,
    cast(customer_count as bigint) as customers,
    cast(cast(purchases_millionths as double) / 1000000 as double) as expected_purchases,
    cast(cast(cents as double) / 100 as double) as expected_amount,
    cast(cast(net_cents as double) / 100 as double) as expected_net_amount
from totals
