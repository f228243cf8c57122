-- one row per product and one of its 10 nearest neighbours by shared baskets of the last 365 days
-- grain: as_of, product_id, neighbour_product_id
with

transactions as (
    select
        customer_id,
        product_id,
        ordered_date
    from cleaned.transactions
    where
        product_id is not null
        and not is_return
        and ordered_date >= $as_of - interval 365 day
        and ordered_date < $as_of
),

product_popularity as (
    select
        product_id,
        popularity_rank
    from applications.product_popularity
    where as_of = $as_of
),

-- a basket is what one customer bought on one day; ranks stand for products because integers join faster
basket_items as (
    select
        transactions.customer_id,
        transactions.ordered_date,
        product_popularity.popularity_rank as item
    from transactions
    inner join product_popularity
        on transactions.product_id = product_popularity.product_id
    group by transactions.customer_id, transactions.ordered_date, product_popularity.popularity_rank
),

-- a stock-taking basket says little about taste, and its pairs grow with the square of its size
usual_baskets as (
    select
        customer_id,
        ordered_date,
        item,
        count(*) over (partition by customer_id, ordered_date) as basket_size
    from basket_items
    qualify count(*) over (partition by customer_id, ordered_date) between 2 and 100
),

item_counts as (
    select
        item,
        count(*) as basket_count
    from usual_baskets
    group by item
),

shared as (
    select
        first_items.item,
        second_items.item as neighbour,
        count(*) as shared_baskets
    from usual_baskets as first_items
    inner join usual_baskets as second_items
        on
            first_items.customer_id = second_items.customer_id
            and first_items.ordered_date = second_items.ordered_date
            and first_items.item < second_items.item
    group by first_items.item, second_items.item
    having count(*) >= 2
),

both_ways as (
    select
        item,
        neighbour,
        shared_baskets
    from shared

    union all

    select
        neighbour as item,
        item as neighbour,
        shared_baskets
    from shared
),

similarities as (
    select
        both_ways.item,
        both_ways.neighbour,
        both_ways.shared_baskets,
        cast(both_ways.shared_baskets as double)
        / sqrt(cast(own_counts.basket_count as double) * neighbour_counts.basket_count) as cosine
    from both_ways
    inner join item_counts as own_counts
        on both_ways.item = own_counts.item
    inner join item_counts as neighbour_counts
        on both_ways.neighbour = neighbour_counts.item
),

nearest as (
    select
        item,
        neighbour,
        shared_baskets,
        cosine,
        row_number() over (
            partition by item
            order by round(cosine, 6) desc, neighbour asc
        ) as place
    from similarities
)

select
    cast($as_of as date) as as_of,
    own_products.product_id,
    neighbour_products.product_id as neighbour_product_id,
    cast(nearest.place as bigint) as rank,
    cast(nearest.shared_baskets as bigint) as shared_baskets,
    cast(round(nearest.cosine, 6) as double) as similarity
from nearest
inner join product_popularity as own_products
    on nearest.item = own_products.popularity_rank
inner join product_popularity as neighbour_products
    on nearest.neighbour = neighbour_products.popularity_rank
where nearest.place <= 10
