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

members as (
    select
        'all' as dimension,
        'all' as member,
        count(*) as customer_count,
        sum(purchases_millionths) as purchases_millionths,
        sum(cents) as cents,
        sum(net_cents) as net_cents
    from demand_forecast
    having count(*) > 0

    union all

    select
        'segment' as dimension,
        coalesce(customer_segments.segment_name, 'not stated') as member,
        count(*) as customer_count,
        sum(demand_forecast.purchases_millionths) as purchases_millionths,
        sum(demand_forecast.cents) as cents,
        sum(demand_forecast.net_cents) as net_cents
    from demand_forecast
    left join customer_segments
        on demand_forecast.customer_id = customer_segments.customer_id
    group by coalesce(customer_segments.segment_name, 'not stated')

    union all

    select
        'location' as dimension,
        coalesce(customers.location, 'not stated') as member,
        count(*) as customer_count,
        sum(demand_forecast.purchases_millionths) as purchases_millionths,
        sum(demand_forecast.cents) as cents,
        sum(demand_forecast.net_cents) as net_cents
    from demand_forecast
    left join customers
        on demand_forecast.customer_id = customers.customer_id
    group by coalesce(customers.location, 'not stated')

    union all

    select
        'category' as dimension,
        category as member,
        count(*) as customer_count,
        sum(purchases_millionths) as purchases_millionths,
        sum(cents) as cents,
        sum(net_cents) as net_cents
    from demand_by_category
    group by category
),

-- one customer may be in several categories
few_in_categories as (
    select count(distinct demand_by_category.customer_id) as customer_count
    from demand_by_category
    inner join members
        on demand_by_category.category = members.member
    where
        members.dimension = 'category'
        and members.customer_count < 10
),

sized as (
    select
        members.dimension,
        members.member,
        members.customer_count,
        members.purchases_millionths,
        members.cents,
        members.net_cents,
        count(*) over (partition by members.dimension) as member_count,
        row_number() over (
            partition by members.dimension, members.customer_count >= 10
            order by members.customer_count, members.member
        ) as place,
        case
            when members.dimension = 'category' then few_in_categories.customer_count
            else sum(case when members.customer_count < 10 then members.customer_count else 0 end) over (
                partition by members.dimension
            )
        end as few_customer_count
    from members
    cross join few_in_categories
),

-- a figure of fewer than 10 customers tells about persons: such members are shown as one, and when these are
-- still fewer than 10, the next larger joins them, so that no subtraction uncovers them
named as (
    select
        dimension,
        member,
        customer_count,
        purchases_millionths,
        cents,
        net_cents,
        case
            when dimension = 'all' then member
            when customer_count < 10 or (place = 1 and few_customer_count between 1 and 9) then 'all others'
            else member
        end as shown_member
    from sized
    where
        dimension in ('all', 'segment')
        or member_count > 1
        or member <> 'not stated'
),

-- so may they be in several of those that are shown as one
other_categories as (
    select count(distinct demand_by_category.customer_id) as customer_count
    from demand_by_category
    inner join named
        on demand_by_category.category = named.member
    where
        named.dimension = 'category'
        and named.shown_member = 'all others'
),

totals as (
    select
        named.dimension,
        named.shown_member as member,
        case
            when named.dimension = 'category' and named.shown_member = 'all others'
                then max(other_categories.customer_count)
            else sum(named.customer_count)
        end as customer_count,
        sum(named.purchases_millionths) as purchases_millionths,
        sum(named.cents) as cents,
        sum(named.net_cents) as net_cents
    from named
    cross join other_categories
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
