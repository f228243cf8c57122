-- one row per customer, list and place: the products to offer them, what they buy again apart from what is new to them
-- grain: as_of, customer_id, list, rank
with

buy_again as (
    select
        customer_id,
        rank,
        product_id,
        score,
        reason
    from applications.buy_again
    where as_of = $as_of
),

discover as (
    select
        customer_id,
        rank,
        product_id,
        score,
        reason
    from applications.discover
    where as_of = $as_of
),

product_popularity as (
    select
        product_id,
        product_name
    from applications.product_popularity
    where as_of = $as_of
),

both_lists as (
    select
        customer_id,
        'buy_again' as list,
        rank,
        product_id,
        score,
        reason
    from buy_again

    union all

    select
        customer_id,
        'discover' as list,
        rank,
        product_id,
        score,
        reason
    from discover
)

select
    cast($as_of as date) as as_of,
    both_lists.customer_id,
    cast(both_lists.list as varchar) as list,
    both_lists.rank,
    both_lists.product_id,
    product_popularity.product_name,
    both_lists.score,
    both_lists.reason
from both_lists
left join product_popularity
    on both_lists.product_id = product_popularity.product_id
