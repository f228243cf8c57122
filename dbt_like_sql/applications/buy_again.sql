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
        buy_again_purchase_days,
        is_kept
    from applications.customer_products
    where as_of = $as_of
),

product_popularity as (
    select
        product_id,
        popularity_rank,
        buy_again_demand,
        buy_again_rank
    from applications.product_popularity
    where as_of = $as_of
),

habits as (
    select
        customer_products.customer_id,
        customer_products.product_id,
        customer_products.purchase_days,
        customer_products.last_bought_date,
        customer_products.buy_again_purchase_days,
        product_popularity.popularity_rank,
        product_popularity.buy_again_demand
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
        product_popularity.popularity_rank,
        product_popularity.buy_again_demand
    from depths
    inner join product_popularity
        on depths.depth >= product_popularity.buy_again_rank
    left join customer_products
        on
            depths.customer_id = customer_products.customer_id
            and product_popularity.product_id = customer_products.product_id
    where customer_products.product_id is null
    qualify row_number() over (
        partition by depths.customer_id
        order by product_popularity.buy_again_rank
    ) <= 10
),

candidates as (
    select
        customer_id,
        product_id,
        popularity_rank,
        purchase_days,
        last_bought_date,
        buy_again_purchase_days,
        buy_again_demand
    from habits

    union all

    select
        customer_id,
        product_id,
        popularity_rank,
        cast(null as bigint) as purchase_days,
        cast(null as date) as last_bought_date,
        0 as buy_again_purchase_days,
        buy_again_demand
    from fills
),

-- a habit counts as much more as its product is in demand now; the two floors let new habits and rare products in
scored as (
    select
        customer_id,
        product_id,
        popularity_rank,
        purchase_days,
        last_bought_date,
        round(
            (cast($buy_again_evidence_weight as double) * buy_again_purchase_days + 0.1)
            * buy_again_demand,
            6
        ) as score
    from candidates
),

ranked as (
    select
        customer_id,
        product_id,
        purchase_days,
        last_bought_date,
        score,
        date_diff('day', last_bought_date, $as_of) as days_since,
        row_number() over (
            partition by customer_id
            order by score desc, popularity_rank asc
        ) as place
    from scored
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
                then 'popular in the last ' || cast(cast($buy_again_popularity_days as integer) as varchar) || ' days'
            else
                'bought on ' || cast(purchase_days as varchar)
                || case when purchase_days = 1 then ' day' else ' days' end
                || ', last ' || cast(days_since as varchar)
                || case when days_since = 1 then ' day ago' else ' days ago' end
        end as varchar
    ) as reason
from ranked
where place <= 10
