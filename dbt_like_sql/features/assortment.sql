-- one row per customer with a purchase before as_of: what is in their baskets and how their lines spread over products
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- null where their lines name no product, or their products no category
with

days as (
    select unnest($days) as as_of
),

purchase_days as (
    select
        customer_id,
        ordered_date,
        sample_place,
        unit_count,
        gross_amount,
        product_count
    from features.purchase_days
    where is_purchase_day
),

baskets as (
    select
        days.as_of,
        purchase_days.customer_id,
        count(*) as purchase_frequency,
        sum(purchase_days.unit_count) as unit_count,
        sum(purchase_days.gross_amount) as purchase_amount,
        sum(purchase_days.product_count) as basket_product_count
    from purchase_days
    inner join days on purchase_days.ordered_date < days.as_of
    where days.as_of = $as_of or purchase_days.sample_place <= $last_place
    group by days.as_of, purchase_days.customer_id
),

transactions as (
    select
        customer_id,
        product_id,
        ordered_date
    from cleaned.transactions
    where not is_return and product_id is not null and ordered_date < $as_of
),

-- numbers stand for the texts, which take twice the time to group by
customers as (
    select
        customer_id,
        row_number() over (order by customer_id) as customer_number,
        sample_place <= $last_place as is_sampled
    from purchase_days
    group by customer_id, sample_place
),

products as (
    select
        product_id,
        row_number() over (order by product_id) as product_number
    from transactions
    group by product_id
),

categories as (
    select
        category,
        row_number() over (order by category) as category_number
    from cleaned.products
    where category is not null
    group by category
),

product_categories as (
    select
        products.product_id,
        categories.category_number
    from cleaned.products as products
    inner join categories on products.category = categories.category
),

lines as (
    select
        cast(customers.customer_number as integer) as customer_number,
        customers.is_sampled,
        cast(products.product_number as integer) as product_number,
        cast(product_categories.category_number as integer) as category_number,
        transactions.ordered_date
    from transactions
    inner join customers on transactions.customer_id = customers.customer_id
    inner join products on transactions.product_id = products.product_id
    left join product_categories on transactions.product_id = product_categories.product_id
),

-- of each line, what the customer had bought of the product by then, that day included
followed_lines as (
    select
        customer_number,
        is_sampled,
        ordered_date,
        count(*) over same_product as product_line_count,
        min(ordered_date) over same_product as first_date,
        lag(ordered_date) over same_product as previous_date
    from lines
    window same_product as (partition by customer_number, product_number order by ordered_date)
),

-- what a day added; a product is new on its first day, and repeated from its second one on
product_days as (
    select
        customer_number,
        is_sampled,
        ordered_date,
        count(*) as line_count,
        max(product_line_count) as top_line_count,
        sum(case when previous_date is null then 1 else 0 end) as product_count,
        sum(case when previous_date < ordered_date and previous_date = first_date then 1 else 0 end)
            as repeat_product_count
    from followed_lines
    group by customer_number, is_sampled, ordered_date
),

product_mixes as (
    select
        days.as_of,
        product_days.customer_number,
        sum(product_days.product_count) as product_count,
        sum(product_days.line_count) as line_count,
        max(product_days.top_line_count) as top_line_count,
        sum(product_days.repeat_product_count) as repeat_product_count
    from product_days
    inner join days on product_days.ordered_date < days.as_of
    where days.as_of = $as_of or product_days.is_sampled
    group by days.as_of, product_days.customer_number
),

last_90_days as (
    select
        days.as_of,
        dates.ordered_date
    from (select distinct ordered_date from purchase_days) as dates
    inner join days
        on dates.ordered_date < days.as_of and date_diff('day', dates.ordered_date, days.as_of) <= 90
),

-- a product of the last 90 days counts with its first line in them
recent_products as (
    select
        last_90_days.as_of,
        followed_lines.customer_number,
        count(*) as product_count,
        sum(case when followed_lines.previous_date is null then 1 else 0 end) as new_product_count
    from followed_lines
    inner join last_90_days on followed_lines.ordered_date = last_90_days.ordered_date
    where
        (last_90_days.as_of = $as_of or followed_lines.is_sampled)
        and (
            followed_lines.previous_date is null
            or date_diff('day', followed_lines.previous_date, last_90_days.as_of) > 90
        )
    group by last_90_days.as_of, followed_lines.customer_number
),

customer_categories as (
    select
        days.as_of,
        lines.customer_number,
        lines.category_number,
        count(*) as line_count
    from lines
    inner join days on lines.ordered_date < days.as_of
    where lines.category_number is not null and (days.as_of = $as_of or lines.is_sampled)
    group by days.as_of, lines.customer_number, lines.category_number
),

-- the highest mark is that of most lines, and among equals of the first category
category_mixes as (
    select
        as_of,
        customer_number,
        count(*) as category_count,
        sum(line_count) as line_count,
        max(line_count) as top_line_count,
        max(line_count * 1000000000 - category_number) as top_mark
    from customer_categories
    group by as_of, customer_number
)

select
    baskets.as_of,
    baskets.customer_id,
    cast(baskets.unit_count as double) / baskets.purchase_frequency as mean_basket_units,
    case
        when product_mixes.product_count is not null
            then cast(baskets.basket_product_count as double) / baskets.purchase_frequency
    end as mean_basket_products,
    cast(baskets.purchase_amount as double) / nullif(cast(baskets.unit_count as double), 0) as mean_unit_amount,
    cast(product_mixes.product_count as double) as product_count,
    cast(product_mixes.repeat_product_count as double) / product_mixes.product_count as repeat_product_share,
    cast(recent_products.new_product_count as double) / nullif(recent_products.product_count, 0)
        as new_product_share_90d,
    cast(product_mixes.top_line_count as double) / product_mixes.line_count as top_product_share,
    cast(category_mixes.category_count as double) as category_count,
    cast(category_mixes.top_line_count as double) / category_mixes.line_count as top_category_share,
    cast(categories.category as varchar) as top_category
from baskets
inner join customers on baskets.customer_id = customers.customer_id
left join product_mixes
    on baskets.as_of = product_mixes.as_of and customers.customer_number = product_mixes.customer_number
left join recent_products
    on baskets.as_of = recent_products.as_of and customers.customer_number = recent_products.customer_number
left join category_mixes
    on baskets.as_of = category_mixes.as_of and customers.customer_number = category_mixes.customer_number
left join categories
    on category_mixes.top_line_count * 1000000000 - category_mixes.top_mark = categories.category_number
order by baskets.as_of, baskets.customer_id
