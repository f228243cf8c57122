-- one row per customer and day on which they bought or sent something back
-- grain: customer_number, ordered_date
-- increment: d58bcd8fb377, signed as one whose rows of a customer hang on the lines of that customer only
-- numbers stand for the ids of customers, which take longer to sort and to group by
-- sample_place, from 0 to 4294967295, is drawn from the id: the first places are an even sample of customers
with

transactions as (
    select
        customer_number,
        order_id,
        ordered_date,
        quantity,
        amount,
        case when is_return then 0 else 1 end as bought,
        case when is_return then 1 else 0 end as returned
    from cleaned.numbered_transactions
),

-- different orders are counted by grouping twice: half the time of count(distinct)
orders as (
    select
        customer_number,
        ordered_date,
        order_id,
        sum(bought) as line_count,
        sum(bought * quantity) as unit_count,
        sum(bought * amount) as gross_amount,
        sum(returned) as return_count,
        sum(-1 * returned * amount) as return_amount
    from transactions
    group by customer_number, ordered_date, order_id
),

days as (
    select
        customer_number,
        ordered_date,
        count(case when line_count > 0 then order_id end) as order_count,
        sum(line_count) as line_count,
        sum(unit_count) as unit_count,
        sum(gross_amount) as gross_amount,
        sum(return_count) as return_count,
        sum(return_amount) as return_amount
    from orders
    group by customer_number, ordered_date
),

-- different products are counted row by row, in order (windows without partitions keep the order of their rows), which
-- takes half the time of grouping twice
bought_products as (
    select
        customer_number,
        ordered_date,
        product_number
    from cleaned.numbered_transactions
    where not is_return and product_number is not null
    order by customer_number, ordered_date, product_number
),

followed_products as (
    select
        customer_number,
        ordered_date,
        product_number,
        lag(customer_number) over () as previous_customer,
        lag(ordered_date) over () as previous_date,
        lag(product_number) over () as previous_product
    from bought_products
),

day_products as (
    select
        customer_number,
        ordered_date,
        row_number() over () as product_count,
        lead(customer_number) over () as next_customer,
        lead(ordered_date) over () as next_date
    from followed_products
    where
        product_number is distinct from previous_product
        or customer_number <> previous_customer
        or ordered_date <> previous_date
),

product_counts as (
    select
        customer_number,
        ordered_date,
        product_count - lag(product_count, 1, 0) over () as product_count
    from day_products
    where customer_number is distinct from next_customer or ordered_date <> next_date
),

-- a hash for each customer, and not for each of their days
customers as (
    select
        customer_number,
        cast(concat('0x', left(md5(customer_id), 8)) as bigint) as sample_place
    from cleaned.customer_numbers
)

select
    days.customer_number,
    days.ordered_date,
    cast(days.order_count as bigint) as order_count,
    cast(days.line_count as bigint) as line_count,
    cast(days.unit_count as decimal(38, 3)) as unit_count,
    cast(days.gross_amount as decimal(38, 2)) as gross_amount,
    cast(days.return_count as bigint) as return_count,
    cast(days.return_amount as decimal(38, 2)) as return_amount,
    cast(coalesce(product_counts.product_count, 0) as bigint) as product_count,
    days.line_count > 0 as is_purchase_day,
    customers.sample_place
from days
inner join customers on days.customer_number = customers.customer_number
left join product_counts
    on days.customer_number = product_counts.customer_number and days.ordered_date = product_counts.ordered_date
order by days.customer_number, days.ordered_date
