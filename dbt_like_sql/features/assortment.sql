-- one row per customer with a purchase before as_of: what is in their baskets and how their lines spread over products
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- null where their lines name no product, or their products no category
with

purchase_days as (
    select
        customer_id,
        unit_count,
        gross_amount,
        product_count
    from features.purchase_days
    where is_purchase_day and ordered_date < $as_of and sample_place <= $last_place
),

baskets as (
    select
        customer_id,
        count(*) as purchase_frequency,
        sum(unit_count) as unit_count,
        sum(gross_amount) as purchase_amount,
        sum(product_count) as basket_product_count
    from purchase_days
    group by customer_id
),

transactions as (
    select
        customer_id,
        product_id,
        date_diff('day', ordered_date, $as_of) as days_ago
    from cleaned.transactions
    where
        not is_return
        and product_id is not null
        and ordered_date < $as_of
        and customer_id in (select baskets.customer_id from baskets)
),

products as (
    select
        product_id,
        category
    from cleaned.products
    where category is not null
),

customer_products as (
    select
        customer_id,
        product_id,
        count(*) as line_count,
        min(days_ago) as last_days_ago,
        max(days_ago) as first_days_ago
    from transactions
    group by customer_id, product_id
),

product_mixes as (
    select
        customer_id,
        count(*) as product_count,
        sum(line_count) as line_count,
        max(line_count) as top_line_count,
        sum(case when first_days_ago > last_days_ago then 1 else 0 end) as repeat_product_count,
        sum(case when last_days_ago <= 90 then 1 else 0 end) as product_count_90d,
        sum(case when first_days_ago <= 90 then 1 else 0 end) as new_product_count_90d
    from customer_products
    group by customer_id
),

customer_categories as (
    select
        customer_products.customer_id,
        products.category,
        sum(customer_products.line_count) as line_count
    from customer_products
    inner join products on customer_products.product_id = products.product_id
    group by customer_products.customer_id, products.category
),

top_categories as (
    select
        customer_id,
        category
    from customer_categories
    qualify row_number() over (partition by customer_id order by line_count desc, category asc) = 1
),

category_mixes as (
    select
        customer_id,
        count(*) as category_count,
        sum(line_count) as line_count,
        max(line_count) as top_line_count
    from customer_categories
    group by customer_id
)

select
    cast($as_of as date) as as_of,
    baskets.customer_id,
    cast(baskets.unit_count as double) / baskets.purchase_frequency as mean_basket_units,
    case
        when product_mixes.product_count is not null
            then cast(baskets.basket_product_count as double) / baskets.purchase_frequency
    end as mean_basket_products,
    cast(baskets.purchase_amount as double) / nullif(cast(baskets.unit_count as double), 0) as mean_unit_amount,
    cast(product_mixes.product_count as double) as product_count,
    cast(product_mixes.repeat_product_count as double) / product_mixes.product_count as repeat_product_share,
    cast(product_mixes.new_product_count_90d as double) / nullif(product_mixes.product_count_90d, 0)
        as new_product_share_90d,
    cast(product_mixes.top_line_count as double) / product_mixes.line_count as top_product_share,
    cast(category_mixes.category_count as double) as category_count,
    cast(category_mixes.top_line_count as double) / category_mixes.line_count as top_category_share,
    cast(top_categories.category as varchar) as top_category
from baskets
left join product_mixes on baskets.customer_id = product_mixes.customer_id
left join category_mixes on baskets.customer_id = category_mixes.customer_id
left join top_categories on baskets.customer_id = top_categories.customer_id
order by baskets.customer_id
