-- one row per product that was sold in the 90 days before as_of: how popular it has been of late
-- grain: as_of, product_id
-- of more than 1048576 products the most sold ones stay: places have 20 bits where lists are ranked
-- popularity_rank counts the 90 days and settles ties; each list has a demand of its own, by what it was tuned to:
-- (share of the most popular product's purchase days + 0.05) ^ power, and for discover times trend ^ power, where the
-- trend is above 1 for what sells better in the last 14 days than in the 90
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
        sum(case when ordered_date >= $as_of - interval 14 day then 1 else 0 end) as purchase_days_14d,
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
        purchase_days_14d,
        last_sold_date,
        cast(max(buy_again_purchase_days) over () as double) as most_buy_again_purchase_days,
        cast(max(discover_purchase_days) over () as double) as most_discover_purchase_days,
        row_number() over (order by purchase_days_90d desc, product_id asc) as popularity_rank
    from sold
    qualify popularity_rank <= 1048576
),

demands as (
    select
        product_id,
        purchase_days_90d,
        last_sold_date,
        popularity_rank,
        round(
            power(
                coalesce(buy_again_purchase_days / nullif(most_buy_again_purchase_days, 0), 0) + 0.05,
                cast($buy_again_popularity_power as double)
            ),
            9
        ) as buy_again_demand,
        round(
            power(
                coalesce(discover_purchase_days / nullif(most_discover_purchase_days, 0), 0) + 0.05,
                cast($discover_popularity_power as double)
            )
            * power(
                (cast(purchase_days_14d as double) + 2) / (cast(purchase_days_90d as double) * 14 / 90 + 2),
                cast($discover_trend_power as double)
            ),
            9
        ) as discover_demand
    from ranked
)

select
    cast($as_of as date) as as_of,
    demands.product_id,
    cast(coalesce(products.name, demands.product_id) as varchar) as product_name,
    cast(demands.purchase_days_90d as bigint) as purchase_days_90d,
    demands.last_sold_date,
    cast(demands.popularity_rank as bigint) as popularity_rank,
    cast(demands.buy_again_demand as double) as buy_again_demand,
    cast(
        row_number() over (order by demands.buy_again_demand desc, demands.popularity_rank asc) as bigint
    ) as buy_again_rank,
    cast(demands.discover_demand as double) as discover_demand,
    cast(
        row_number() over (order by demands.discover_demand desc, demands.popularity_rank asc) as bigint
    ) as discover_rank
from demands
left join products
    on demands.product_id = products.product_id
