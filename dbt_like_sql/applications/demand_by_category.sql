-- one row per customer and category: their expected demand, split by what they bought in the last 365 days, to the cent
-- grain: as_of, customer_id, category
with

demand_forecast as (
    select
        customer_id,
        cast(round(1000000 * expected_purchases) as bigint) as purchases_millionths,
        cast(round(100 * expected_amount) as bigint) as cents,
        cast(round(100 * expected_net_amount) as bigint) as net_cents
    from applications.demand_forecast
    where as_of = $as_of
),

transactions as (
    select
        customer_id,
        product_id,
        coalesce(amount, quantity) as worth
    from cleaned.transactions
    where
        not is_return
        and coalesce(amount, quantity) > 0
        and ordered_date >= $as_of - interval 365 day
        and ordered_date < $as_of
),

products as (
    select
        product_id,
        category
    from cleaned.products
    where category is not null
),

category_worths as (
    select
        transactions.customer_id,
        coalesce(products.category, 'not stated') as category,
        sum(transactions.worth) as worth
    from transactions
    left join products
        on transactions.product_id = products.product_id
    group by transactions.customer_id, coalesce(products.category, 'not stated')
),

-- what was bought up to and with a category, in their order, and by that customer in all
running as (
    select
        customer_id,
        category,
        worth,
        sum(worth) over (
            partition by customer_id
            order by category
            rows between unbounded preceding and current row
        ) as worth_up_to,
        sum(worth) over (partition by customer_id) as whole_worth
    from category_worths
),

-- a customer who bought nothing of known worth has all their demand in one category
shares as (
    select
        demand_forecast.customer_id,
        demand_forecast.purchases_millionths,
        demand_forecast.cents,
        demand_forecast.net_cents,
        coalesce(running.category, 'not stated') as category,
        coalesce(cast(running.worth_up_to as double) / cast(running.whole_worth as double), 1) as share_up_to,
        coalesce(
            cast(running.worth_up_to - running.worth as double) / cast(running.whole_worth as double),
            0
        ) as share_before
    from demand_forecast
    left join running
        on demand_forecast.customer_id = running.customer_id
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
