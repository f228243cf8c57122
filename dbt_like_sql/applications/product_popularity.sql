-- one row per product that was sold in the 90 days before as_of: how popular it has been of late
-- grain: as_of, product_id
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
        sum(case when ordered_date >= $as_of - cast($popularity_days as integer) * interval 1 day then 1 else 0 end)
            as recent_purchase_days,
        max(ordered_date) as last_sold_date
    from purchase_days
    group by product_id
),

ranked as (
    select
        product_id,
        purchase_days_90d,
        recent_purchase_days,
        last_sold_date,
        max(recent_purchase_days) over () as most_recent_purchase_days,
        row_number() over (
            order by recent_purchase_days desc, purchase_days_90d desc, product_id asc
        ) as popularity_rank
    from sold
)

select
    cast($as_of as date) as as_of,
    ranked.product_id,
    cast(coalesce(products.name, ranked.product_id) as varchar) as product_name,
    cast(ranked.purchase_days_90d as bigint) as purchase_days_90d,
    cast(ranked.recent_purchase_days as bigint) as recent_purchase_days,
    ranked.last_sold_date,
    cast(
        coalesce(
            cast(ranked.recent_purchase_days as double) / nullif(ranked.most_recent_purchase_days, 0), 0
        ) as double
    ) as popularity,
    cast(ranked.popularity_rank as bigint) as popularity_rank
from ranked
left join products
    on ranked.product_id = products.product_id
