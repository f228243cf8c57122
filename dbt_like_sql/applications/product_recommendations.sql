-- one row per customer, list and place: the products to offer them, what they buy again apart from what is new to them
-- grain: as_of, customer_id, list, rank
-- a place's reason is 0 popular, 1 bought, 2 often bought with a companion, 3 viewed, 4 in the cart, 5 bought by many
-- who bought the companion
with

product_places as (
    select
        customer_id,
        list_number,
        rank,
        product_id,
        product_name,
        score,
        reason,
        day_count,
        days_since,
        companion_name
    from applications.product_places
)

select
    cast($as_of as date) as as_of,
    customer_id,
    cast(case when list_number = 0 then 'buy_again' else 'discover' end as varchar) as list,
    cast(rank as bigint) as rank,
    product_id,
    product_name,
    cast(score as double) as score,
    cast(
        case
            when reason = 1
                then
                    'bought on ' || cast(day_count as varchar)
                    || case when day_count = 1 then ' day' else ' days' end
                    || ', last ' || cast(days_since as varchar)
                    || case when days_since = 1 then ' day ago' else ' days ago' end
            when reason = 2
                then 'often bought with ' || companion_name
            when reason = 3
                then
                    'viewed on ' || cast(day_count as varchar)
                    || case when day_count = 1 then ' day' else ' days' end || ', not bought yet'
            when reason = 4
                then
                    'in the cart on ' || cast(day_count as varchar)
                    || case when day_count = 1 then ' day' else ' days' end || ', not bought yet'
            when reason = 5
                then 'bought by many who bought ' || companion_name
            when list_number = 0
                then 'popular in the last ' || cast(cast($buy_again_popularity_days as integer) as varchar) || ' days'
            else 'popular in the last ' || cast(cast($discover_popularity_days as integer) as varchar) || ' days'
        end as varchar
    ) as reason
from product_places
