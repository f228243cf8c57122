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

shares as (
    select
        demand_forecast.customer_id,
        coalesce(category_worths.category, 'not stated') as category,
        demand_forecast.purchases_millionths,
        demand_forecast.cents,
        demand_forecast.net_cents,
        coalesce(
            cast(
                sum(category_worths.worth) over (
                    partition by demand_forecast.customer_id
                    order by category_worths.category
                    rows between unbounded preceding and current row
                ) as double
            )
            / cast(sum(category_worths.worth) over (partition by demand_forecast.customer_id) as double),
            1
        ) as share_up_to,
        row_number() over (
            partition by demand_forecast.customer_id
            order by category_worths.category
        ) as place
    from demand_forecast
    left join category_worths
        on demand_forecast.customer_id = category_worths.customer_id
),

-- what is due up to and with a category is rounded, and each gets the difference: the parts add up exactly
dues as (
    select
        customer_id,
        category,
        place,
        cast(floor(purchases_millionths * share_up_to) as bigint) as purchases_up_to,
        cast(floor(cents * share_up_to) as bigint) as cents_up_to,
        cast(floor(net_cents * share_up_to) as bigint) as net_cents_up_to
    from shares
),

parts as (
    select
        customer_id,
        category,
        purchases_up_to - coalesce(lag(purchases_up_to) over (partition by customer_id order by place), 0)
            as purchases_millionths,
        cents_up_to - coalesce(lag(cents_up_to) over (partition by customer_id order by place), 0) as cents,
        net_cents_up_to - coalesce(lag(net_cents_up_to) over (partition by customer_id order by place), 0) as net_cents
    from dues
)

select
    cast($as_of as date) as as_of,
    customer_id,
    category,
    cast(purchases_millionths as bigint) as purchases_millionths,
    cast(cents as bigint) as cents,
    cast(net_cents as bigint) as net_cents
from parts
