-- one row per customer and product that they ever bought or sent back before as_of
-- grain: as_of, customer_id, product_id
-- of the purchase days each counts half after every half-life, and each list has a half-life of its own
with

transactions as (
    select
        customer_id,
        product_id,
        ordered_date,
        quantity,
        is_return
    from cleaned.transactions
    where
        product_id is not null
        and ordered_date < $as_of
),

product_days as (
    select
        customer_id,
        product_id,
        ordered_date,
        sum(quantity) as net_quantity,
        max(case when is_return then 0 else 1 end) as is_purchase_day
    from transactions
    group by customer_id, product_id, ordered_date
),

weighted as (
    select
        customer_id,
        product_id,
        ordered_date,
        net_quantity,
        is_purchase_day,
        cast(
            round(
                1000000 * power(
                    0.5,
                    cast(date_diff('day', ordered_date, $as_of) as double)
                    / cast($buy_again_half_life_days as double)
                )
            ) as bigint
        ) as buy_again_millionths,
        cast(
            round(
                1000000 * power(
                    0.5,
                    cast(date_diff('day', ordered_date, $as_of) as double)
                    / cast($discover_half_life_days as double)
                )
            ) as bigint
        ) as discover_millionths
    from product_days
)

select
    cast($as_of as date) as as_of,
    customer_id,
    product_id,
    cast(sum(is_purchase_day) as bigint) as purchase_days,
    max(case when is_purchase_day = 1 then ordered_date end) as last_bought_date,
    cast(sum(is_purchase_day * buy_again_millionths) / cast(1000000 as double) as double) as buy_again_purchase_days,
    cast(sum(is_purchase_day * discover_millionths) / cast(1000000 as double) as double) as discover_purchase_days,
    cast(sum(net_quantity) > 0 and sum(is_purchase_day) > 0 as boolean) as is_kept
from weighted
group by customer_id, product_id
