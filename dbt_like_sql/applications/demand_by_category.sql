-- one row per customer and category: their expected demand, split by what they bought in the last 365 days, to the cent
-- grain: as_of, customer_id, category
with

demand_forecast as (
    select
        demand_forecast.customer_id,
        customer_numbers.customer_number,
        cast(round(1000000 * demand_forecast.expected_purchases) as bigint) as purchases_millionths,
        cast(round(100 * demand_forecast.expected_amount) as bigint) as cents,
        cast(round(100 * demand_forecast.expected_net_amount) as bigint) as net_cents
    from applications.demand_forecast
    left join cleaned.customer_numbers as customer_numbers
        on demand_forecast.customer_id = customer_numbers.customer_id
    where demand_forecast.as_of = $as_of
),

transactions as (
    select
        customer_number,
        coalesce(product_number, 0) as product_number,
        coalesce(amount, quantity) as worth
    from cleaned.numbered_transactions
    where
        not is_return
        and coalesce(amount, quantity) > 0
        and ordered_date >= $as_of - interval 365 day
        and ordered_date < $as_of
),

-- a category stands by its place in their order until it is shown
product_categories as (
    select
        product_numbers.product_number,
        coalesce(products.category, 'not stated') as category,
        dense_rank() over (order by coalesce(products.category, 'not stated')) as category_place
    from cleaned.product_numbers as product_numbers
    left join cleaned.products as products
        on product_numbers.product_id = products.product_id
),

categories as (
    select distinct
        category_place,
        category
    from product_categories
),

category_worths as (
    select
        transactions.customer_number,
        product_categories.category_place,
        sum(transactions.worth) as worth
    from transactions
    inner join product_categories
        on transactions.product_number = product_categories.product_number
    group by transactions.customer_number, product_categories.category_place
),

-- what was bought up to and with a category, in their order, and by that customer in all
running as (
    select
        customer_number,
        category_place,
        worth,
        sum(worth) over (
            partition by customer_number
            order by category_place
            rows between unbounded preceding and current row
        ) as worth_up_to,
        sum(worth) over (partition by customer_number) as whole_worth
    from category_worths
),

-- a customer who bought nothing of known worth has all their demand in one category
shares as (
    select
        demand_forecast.customer_id,
        demand_forecast.purchases_millionths,
        demand_forecast.cents,
        demand_forecast.net_cents,
        coalesce(categories.category, 'not stated') as category,
        coalesce(cast(running.worth_up_to as double) / cast(running.whole_worth as double), 1) as share_up_to,
        coalesce(
            cast(running.worth_up_to - running.worth as double) / cast(running.whole_worth as double),
            0
        ) as share_before
    from demand_forecast
    left join running
        on demand_forecast.customer_number = running.customer_number
    left join categories
        on running.category_place = categories.category_place
),

-- what is due up to and with a category is rounded, and each gets the difference: the parts add up exactly
parts as (
    select
        customer_id,
        category,
        cast(floor(purchases_millionths * share_up_to) as bigint)
        - cast(floor(purchases_millionths * share_before) as bigint) as purchases_millionths,
        cast(floor(cents * share_up_to) as bigint) - cast(floor(cents * share_before) as bigint) as cents,
        cast(floor(net_cents * share_up_to) as bigint) - cast(floor(net_cents * share_before) as bigint) as net_cents
    from shares
)

select
    cast($as_of as date) as as_of,
    customer_id,
    category,
    cast(purchases_millionths as bigint) as purchases_millionths,
    cast(cents as bigint) as cents,
    cast(net_cents as bigint) as net_cents
from parts
