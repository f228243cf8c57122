-- one row per product that was sold in the 90 days before as_of: how popular it has been of late
-- grain: as_of, product_id
-- popularity_rank counts the 90 days and settles ties; each list has a popularity of its own, by its tuned days
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
        and ordered_date >= $as_of - interval 90 day
        and ordered_date < $as_of
),

products as (
    select
        product_id,
        name
    from cleaned.products
),

purchase_days as (
    select distinct
        product_id,
        customer_id,
        ordered_date
    from transactions
),

sold as (
    select
        product_id,
        count(*) as purchase_days_90d,
        sum(
            case
                when ordered_date >= $as_of - cast($buy_again_popularity_days as integer) * interval 1 day then 1
                else 0
            end
        ) as buy_again_purchase_days,
        sum(
            case
                when ordered_date >= $as_of - cast($discover_popularity_days as integer) * interval 1 day then 1
                else 0
            end
        ) as discover_purchase_days,
        max(ordered_date) as last_sold_date
    from purchase_days
    group by product_id
),

ranked as (
    select
        product_id,
        purchase_days_90d,
        buy_again_purchase_days,
        discover_purchase_days,
        last_sold_date,
        cast(max(buy_again_purchase_days) over () as double) as most_buy_again_purchase_days,
        cast(max(discover_purchase_days) over () as double) as most_discover_purchase_days,
        row_number() over (order by purchase_days_90d desc, product_id asc) as popularity_rank
    from sold
)

select
    cast($as_of as date) as as_of,
    ranked.product_id,
    cast(coalesce(products.name, ranked.product_id) as varchar) as product_name,
    cast(ranked.purchase_days_90d as bigint) as purchase_days_90d,
    ranked.last_sold_date,
    cast(ranked.popularity_rank as bigint) as popularity_rank,
    cast(
        coalesce(ranked.buy_again_purchase_days / nullif(ranked.most_buy_again_purchase_days, 0), 0) as double
    ) as buy_again_popularity,
    cast(
        row_number() over (order by ranked.buy_again_purchase_days desc, ranked.popularity_rank asc) as bigint
    ) as buy_again_rank,
    cast(
        coalesce(ranked.discover_purchase_days / nullif(ranked.most_discover_purchase_days, 0), 0) as double
    ) as discover_popularity,
    cast(
        row_number() over (order by ranked.discover_purchase_days desc, ranked.popularity_rank asc) as bigint
    ) as discover_rank
from ranked
left join products
    on ranked.product_id = products.product_id
