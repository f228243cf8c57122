-- one row per customer and day on which they bought or sent something back
-- grain: customer_id, ordered_date
-- sample_place, from 0 to 4294967295, is drawn from the id: the first places are an even sample of customers
with

transactions as (
    select
        customer_id,
        order_id,
        product_id,
        ordered_date,
        quantity,
        amount,
        case when is_return then 0 else 1 end as bought,
        case when is_return then 1 else 0 end as returned
    from cleaned.transactions
),

days as (
    select
        customer_id,
        ordered_date,
        count(distinct case when bought = 1 then order_id end) as order_count,
        sum(bought) as line_count,
        sum(bought * quantity) as unit_count,
        sum(bought * amount) as gross_amount,
        sum(returned) as return_count,
        sum(-1 * returned * amount) as return_amount,
        count(distinct case when bought = 1 then product_id end) as product_count
    from transactions
    group by customer_id, ordered_date
)

select
    customer_id,
    ordered_date,
    cast(order_count as bigint) as order_count,
    cast(line_count as bigint) as line_count,
    cast(unit_count as decimal(38, 3)) as unit_count,
    cast(gross_amount as decimal(38, 2)) as gross_amount,
    cast(return_count as bigint) as return_count,
    cast(return_amount as decimal(38, 2)) as return_amount,
    cast(product_count as bigint) as product_count,
    line_count > 0 as is_purchase_day,
    cast(concat('0x', left(md5(customer_id), 8)) as bigint) as sample_place
from days
order by customer_id, ordered_date
