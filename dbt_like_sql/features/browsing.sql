-- one row per customer with a purchase before as_of: what they looked at and put into the cart
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- all null where no such customer has an event before as_of; one without events has zeros, and their days_since_event
-- is one day more than the whole history of events
with

purchase_days as (
    select
        customer_id,
        sample_place
    from features.purchase_days
    where is_purchase_day and ordered_date < $as_of
),

browsing_days as (
    select
        customer_id,
        view_count,
        cart_count,
        session_count,
        date_diff('day', happened_date, $as_of) as days_ago
    from features.browsing_days
    where happened_date < $as_of
),

events as (
    select
        customer_id,
        product_id,
        date_diff('day', happened_date, $as_of) as days_ago,
        case when event_type = 'view' then 1 else 0 end as is_view,
        case when event_type = 'cart' then happened_date end as cart_date
    from cleaned.events
    where product_id is not null and event_type in ('view', 'cart') and happened_date < $as_of
),

transactions as (
    select
        customer_id,
        product_id,
        ordered_date
    from cleaned.transactions
    where not is_return and product_id is not null and ordered_date < $as_of
),

buyers as (
    select distinct
        customer_id,
        sample_place
    from purchase_days
),

customers as (
    select customer_id
    from buyers
    where sample_place <= $last_place
),

-- whoever buys for the first time on as_of or later was nobody before it, and their events say nothing yet
buyer_days as (
    select
        browsing_days.customer_id,
        browsing_days.view_count,
        browsing_days.cart_count,
        browsing_days.session_count,
        browsing_days.days_ago
    from browsing_days
    inner join customers on browsing_days.customer_id = customers.customer_id
),

-- of the whole shop
history as (
    select
        max(days_ago) + 1 as never_days,
        max(0) as zero_count
    from browsing_days
    where customer_id in (select buyers.customer_id from buyers)
),

windows as (
    select
        customer_id,
        min(days_ago) as days_since_event,
        sum(case when days_ago <= 7 then view_count else 0 end) as view_count_7d,
        sum(case when days_ago <= 30 then view_count else 0 end) as view_count_30d,
        sum(case when days_ago <= 90 then view_count else 0 end) as view_count_90d,
        sum(case when days_ago <= 7 then cart_count else 0 end) as cart_count_7d,
        sum(case when days_ago <= 30 then cart_count else 0 end) as cart_count_30d,
        sum(case when days_ago <= 90 then cart_count else 0 end) as cart_count_90d,
        sum(case when days_ago <= 7 then session_count else 0 end) as session_count_7d,
        sum(case when days_ago <= 30 then session_count else 0 end) as session_count_30d,
        sum(case when days_ago <= 90 then session_count else 0 end) as session_count_90d,
        sum(case when days_ago <= 7 then 1 else 0 end) as browsing_days_7d,
        sum(case when days_ago <= 30 then 1 else 0 end) as browsing_days_30d,
        sum(case when days_ago <= 90 then 1 else 0 end) as browsing_days_90d
    from buyer_days
    group by customer_id
),

buyer_events as (
    select
        events.customer_id,
        events.product_id,
        events.days_ago,
        events.is_view,
        events.cart_date
    from events
    inner join customers on events.customer_id = customers.customer_id
),

product_history as (
    select max(0) as zero_count
    from buyer_events
),

browsed_products as (
    select
        customer_id,
        product_id,
        max(is_view) as is_viewed,
        min(cart_date) as first_cart_date
    from buyer_events
    where days_ago <= 90
    group by customer_id, product_id
),

bought_products as (
    select
        transactions.customer_id,
        transactions.product_id,
        max(transactions.ordered_date) as last_bought_date
    from transactions
    inner join browsed_products
        on
            transactions.customer_id = browsed_products.customer_id
            and transactions.product_id = browsed_products.product_id
    group by transactions.customer_id, transactions.product_id
),

product_interests as (
    select
        browsed_products.customer_id,
        sum(browsed_products.is_viewed) as viewed_product_count,
        sum(case when bought_products.last_bought_date is null then browsed_products.is_viewed else 0 end)
            as viewed_unbought_count,
        count(browsed_products.first_cart_date) as carted_product_count,
        sum(case when bought_products.last_bought_date >= browsed_products.first_cart_date then 1 else 0 end)
            as carted_bought_count
    from browsed_products
    left join bought_products
        on
            browsed_products.customer_id = bought_products.customer_id
            and browsed_products.product_id = bought_products.product_id
    group by browsed_products.customer_id
)

select
    cast($as_of as date) as as_of,
    customers.customer_id,
    cast(coalesce(windows.days_since_event, history.never_days) as double) as days_since_event,
    cast(coalesce(windows.view_count_7d, history.zero_count) as double) as view_count_7d,
    cast(coalesce(windows.view_count_30d, history.zero_count) as double) as view_count_30d,
    cast(coalesce(windows.view_count_90d, history.zero_count) as double) as view_count_90d,
    cast(coalesce(windows.cart_count_7d, history.zero_count) as double) as cart_count_7d,
    cast(coalesce(windows.cart_count_30d, history.zero_count) as double) as cart_count_30d,
    cast(coalesce(windows.cart_count_90d, history.zero_count) as double) as cart_count_90d,
    cast(coalesce(windows.session_count_7d, history.zero_count) as double) as session_count_7d,
    cast(coalesce(windows.session_count_30d, history.zero_count) as double) as session_count_30d,
    cast(coalesce(windows.session_count_90d, history.zero_count) as double) as session_count_90d,
    cast(coalesce(windows.browsing_days_7d, history.zero_count) as double) as browsing_days_7d,
    cast(coalesce(windows.browsing_days_30d, history.zero_count) as double) as browsing_days_30d,
    cast(coalesce(windows.browsing_days_90d, history.zero_count) as double) as browsing_days_90d,
    cast(coalesce(product_interests.viewed_product_count, product_history.zero_count) as double)
        as viewed_product_count_90d,
    cast(coalesce(product_interests.viewed_unbought_count, product_history.zero_count) as double)
        as viewed_unbought_count_90d,
    cast(product_interests.carted_bought_count as double) / nullif(product_interests.carted_product_count, 0)
        as cart_conversion_90d
from customers
cross join history
cross join product_history
left join windows on customers.customer_id = windows.customer_id
left join product_interests on customers.customer_id = product_interests.customer_id
order by customers.customer_id
