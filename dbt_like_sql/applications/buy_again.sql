-- one row per customer and place on their buy-again list: what they buy by habit, filled with what is popular
-- grain: as_of, customer_id, rank
with

customers as (
    select distinct customer_id
    from cleaned.transactions
    where
        not is_return
        and ordered_date < $as_of
),

customer_products as (
    select
        customer_id,
        product_id,
        purchase_days,
        last_bought_date,
        decayed_purchase_days,
        is_kept
    from applications.customer_products
    where as_of = $as_of
),

product_popularity as (
    select
        product_id,
        popularity,
        popularity_rank
    from applications.product_popularity
    where as_of = $as_of
),

habits as (
    select
        customer_products.customer_id,
        customer_products.product_id,
        customer_products.purchase_days,
        customer_products.last_bought_date,
        customer_products.decayed_purchase_days,
        product_popularity.popularity
    from customer_products
    inner join product_popularity
        on customer_products.product_id = product_popularity.product_id
    where customer_products.is_kept
),

-- a list is full after the 10 most popular products the customer does not know, and these stand
-- among the first (10 + what they know): enough to join, however many products there are
depths as (
    select
        customers.customer_id,
        10 + count(customer_products.product_id) as depth
    from customers
    left join customer_products
        on customers.customer_id = customer_products.customer_id
    group by customers.customer_id
),

fills as (
    select
        depths.customer_id,
        product_popularity.product_id,
        product_popularity.popularity
    from depths
    inner join product_popularity
        on depths.depth >= product_popularity.popularity_rank
    left join customer_products
        on
            depths.customer_id = customer_products.customer_id
            and product_popularity.product_id = customer_products.product_id
    where customer_products.product_id is null
    qualify row_number() over (
        partition by depths.customer_id
        order by product_popularity.popularity_rank
    ) <= 10
),

candidates as (
    select
        customer_id,
        product_id,
        purchase_days,
        last_bought_date,
        decayed_purchase_days + cast($popularity_weight as double) * popularity as score
    from habits

    union all

    select
        customer_id,
        product_id,
        cast(null as bigint) as purchase_days,
        cast(null as date) as last_bought_date,
        cast($popularity_weight as double) * popularity as score
    from fills
),

ranked as (
    select
        customer_id,
        product_id,
        purchase_days,
        last_bought_date,
        round(score, 6) as score,
        date_diff('day', last_bought_date, $as_of) as days_since,
        row_number() over (
            partition by customer_id
            order by round(score, 6) desc, product_id asc
        ) as place
    from candidates
)

select
    cast($as_of as date) as as_of,
    customer_id,
    cast(place as bigint) as rank,
    product_id,
    cast(score as double) as score,
    cast(
        case
            when purchase_days is null
                then 'popular in the last ' || cast(cast($popularity_days as integer) as varchar) || ' days'
            else
                'bought on ' || cast(purchase_days as varchar)
                || case when purchase_days = 1 then ' day' else ' days' end
                || ', last ' || cast(days_since as varchar)
                || case when days_since = 1 then ' day ago' else ' days ago' end
        end as varchar
    ) as reason
from ranked
where place <= 10
