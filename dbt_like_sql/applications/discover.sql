-- one row per customer and place on their discover list: never bought, but goes with theirs or was viewed
-- grain: as_of, customer_id, rank
with

customers as (
    select distinct customer_id
    from cleaned.transactions
    where
        not is_return
        and ordered_date < $as_of
),

events as (
    select
        customer_id,
        product_id,
        event_type,
        happened_date
    from cleaned.events
    where
        product_id is not null
        and event_type in ('view', 'cart')
        and happened_date >= $as_of - interval 30 day
        and happened_date < $as_of
),

customer_products as (
    select
        customer_id,
        product_id,
        discover_purchase_days,
        is_kept
    from applications.customer_products
    where as_of = $as_of
),

item_pairs as (
    select
        product_id,
        neighbour_product_id,
        similarity
    from applications.item_pairs
    where as_of = $as_of
),

product_popularity as (
    select
        product_id,
        product_name,
        popularity_rank,
        discover_demand,
        discover_rank
    from applications.product_popularity
    where as_of = $as_of
),

-- the 100 habits that weigh most: more of them cost a join and, measured on Online Retail II, found nothing more
habits as (
    select
        customer_products.customer_id,
        customer_products.product_id,
        product_popularity.popularity_rank as item,
        customer_products.discover_purchase_days
    from customer_products
    inner join product_popularity
        on customer_products.product_id = product_popularity.product_id
    where customer_products.is_kept
    qualify row_number() over (
        partition by customer_products.customer_id
        order by customer_products.discover_purchase_days desc, product_popularity.popularity_rank asc
    ) <= 100
),

neighbours as (
    select
        own_products.popularity_rank as item,
        neighbour_products.popularity_rank as neighbour,
        item_pairs.similarity * item_pairs.similarity as weight
    from item_pairs
    inner join product_popularity as own_products
        on item_pairs.product_id = own_products.product_id
    inner join product_popularity as neighbour_products
        on item_pairs.neighbour_product_id = neighbour_products.product_id
),

contributions as (
    select
        habits.customer_id,
        habits.item as companion,
        neighbours.neighbour as item,
        cast(round(1000000000 * habits.discover_purchase_days * neighbours.weight) as bigint) as contribution
    from habits
    inner join neighbours
        on habits.item = neighbours.item
),

-- affinity and interest count in billionths
-- the companion is what speaks most for the item; of equals the more popular, so that the key has no ties
affinities as (
    select
        customer_id,
        item,
        sum(contribution) as affinity,
        arg_max(companion, 10000000 * contribution - companion) as companion
    from contributions
    group by customer_id, item
),

event_days as (
    select
        customer_id,
        product_id,
        happened_date,
        max(case when event_type = 'cart' then 1 else 0 end) as is_cart_day
    from events
    group by customer_id, product_id, happened_date
),

interests as (
    select
        event_days.customer_id,
        product_popularity.popularity_rank as item,
        count(*) as viewed_days,
        sum(event_days.is_cart_day) as cart_days,
        sum(500000000 * (1 + event_days.is_cart_day)) as interest
    from event_days
    inner join customers
        on event_days.customer_id = customers.customer_id
    inner join product_popularity
        on event_days.product_id = product_popularity.product_id
    group by event_days.customer_id, product_popularity.popularity_rank
),

-- the 10 unknown products most in demand stand among the first (10 + what the customer knows)
depths as (
    select
        customers.customer_id,
        10 + count(customer_products.product_id) as depth
    from customers
    left join customer_products
        on customers.customer_id = customer_products.customer_id
    group by customers.customer_id
),

evidence as (
    select
        customer_id,
        item,
        affinity,
        companion,
        0 as interest,
        0 as viewed_days,
        0 as cart_days
    from affinities

    union all

    select
        customer_id,
        item,
        0 as affinity,
        cast(null as bigint) as companion,
        interest,
        viewed_days,
        cart_days
    from interests

    union all

    select
        depths.customer_id,
        product_popularity.popularity_rank as item,
        0 as affinity,
        cast(null as bigint) as companion,
        0 as interest,
        0 as viewed_days,
        0 as cart_days
    from depths
    inner join product_popularity
        on depths.depth >= product_popularity.discover_rank
),

candidates as (
    select
        customer_id,
        item,
        sum(affinity) as affinity,
        max(companion) as companion,
        sum(interest) as interest,
        sum(viewed_days) as viewed_days,
        sum(cart_days) as cart_days
    from evidence
    group by customer_id, item
),

scored as (
    select
        candidates.customer_id,
        candidates.item,
        product_popularity.product_id,
        candidates.affinity,
        candidates.companion,
        candidates.interest,
        candidates.viewed_days,
        candidates.cart_days,
        round(
            (
                cast($discover_evidence_weight as double)
                * cast(candidates.affinity + candidates.interest as double) / 1000000000 + 0.001
            )
            * product_popularity.discover_demand,
            9
        ) as score
    from candidates
    inner join product_popularity
        on candidates.item = product_popularity.popularity_rank
    left join customer_products
        on
            candidates.customer_id = customer_products.customer_id
            and product_popularity.product_id = customer_products.product_id
    where customer_products.product_id is null
),

places as (
    select
        customer_id,
        item,
        product_id,
        affinity,
        companion,
        interest,
        viewed_days,
        cart_days,
        score,
        row_number() over (
            partition by customer_id
            order by score desc, item asc
        ) as place
    from scored
)

select
    cast($as_of as date) as as_of,
    places.customer_id,
    cast(places.place as bigint) as rank,
    places.product_id,
    cast(places.score as double) as score,
    cast(
        case
            when places.cart_days > 0 and places.interest >= places.affinity
                then
                    'in the cart on ' || cast(cast(places.cart_days as bigint) as varchar)
                    || case when places.cart_days = 1 then ' day' else ' days' end || ', not bought yet'
            when places.viewed_days > 0 and places.interest >= places.affinity
                then
                    'viewed on ' || cast(cast(places.viewed_days as bigint) as varchar)
                    || case when places.viewed_days = 1 then ' day' else ' days' end || ', not bought yet'
            when places.affinity > 0
                then 'often bought with ' || companions.product_name
            else 'popular in the last ' || cast(cast($discover_popularity_days as integer) as varchar) || ' days'
        end as varchar
    ) as reason
from places
left join product_popularity as companions
    on places.companion = companions.popularity_rank
where places.place <= 10
