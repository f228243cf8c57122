-- one row per customer, list and place: the products to offer them, what they buy again apart from what is new to them
-- grain: as_of, customer_id, list, rank
-- a place's reason is 0 popular, 1 bought, 2 often bought with a companion, 3 viewed, 4 in the cart, 5 bought by many
-- who bought the companion
with

product_places as (
    select
        customer_number,
        list_number,
        rank,
        place,
        score,
        reason,
        day_count,
        days_since,
        companion
    from applications.product_places
),

list_customers as (
    select
        customer_id,
        customer_number
    from applications.list_customers
    where as_of = $as_of
),

product_popularity as (
    select
        product_id,
        product_name,
        popularity_rank
    from applications.product_popularity
    where as_of = $as_of
)

select
    cast($as_of as date) as as_of,
    list_customers.customer_id,
    cast(case when product_places.list_number = 0 then 'buy_again' else 'discover' end as varchar) as list,
    cast(product_places.rank as bigint) as rank,
    product_popularity.product_id,
    product_popularity.product_name,
    cast(product_places.score as double) as score,
    cast(
        case
            when product_places.reason = 1
                then
                    'bought on ' || cast(product_places.day_count as varchar)
                    || case when product_places.day_count = 1 then ' day' else ' days' end
                    || ', last ' || cast(product_places.days_since as varchar)
                    || case when product_places.days_since = 1 then ' day ago' else ' days ago' end
            when product_places.reason = 2
                then 'often bought with ' || companions.product_name
            when product_places.reason = 3
                then
                    'viewed on ' || cast(product_places.day_count as varchar)
                    || case when product_places.day_count = 1 then ' day' else ' days' end || ', not bought yet'
            when product_places.reason = 4
                then
                    'in the cart on ' || cast(product_places.day_count as varchar)
                    || case when product_places.day_count = 1 then ' day' else ' days' end || ', not bought yet'
            when product_places.reason = 5
                then 'bought by many who bought ' || companions.product_name
            when product_places.list_number = 0
                then 'popular in the last ' || cast(cast($buy_again_popularity_days as integer) as varchar) || ' days'
            else 'popular in the last ' || cast(cast($discover_popularity_days as integer) as varchar) || ' days'
        end as varchar
    ) as reason
from product_places
inner join list_customers
    on product_places.customer_number = list_customers.customer_number
inner join product_popularity
    on product_places.place + 1 = product_popularity.popularity_rank
left join product_popularity as companions
    on product_places.companion + 1 = companions.popularity_rank
order by product_places.customer_number, product_places.list_number, product_places.rank
