-- one row per customer with a purchase before as_of: what they looked at and put into the cart
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- all null where no such customer has an event before as_of; one without events has zeros, and their days_since_event
-- is one day more than the whole history of events
with

days as (
    select unnest($days) as as_of
),

-- whoever buys for the first time on as_of or later was nobody before it, and their events say nothing yet
buyers as (
    select
        customer_number,
        sample_place,
        min(ordered_date) as first_date
    from features.purchase_days
    where is_purchase_day
    group by customer_number, sample_place
),

-- the run's own day has everybody, and past days few: what each asks for is read apart, so that the many are not joined
-- with days of long ago, and the engine foresees how many they are
past_customers as (
    select
        days.as_of,
        buyers.customer_number,
        cast(days.as_of - interval 90 days as date) as window_date
    from buyers
    inner join days on buyers.first_date < days.as_of
    where days.as_of < $as_of and buyers.sample_place <= $last_place
),

customers as (
    select
        days.as_of,
        buyers.customer_number
    from buyers
    cross join days
    where days.as_of = $as_of and buyers.first_date < $as_of
    union all
    select
        as_of,
        customer_number
    from past_customers
),

own_browsed as (
    select
        customer_number,
        max(happened_date) as last_event_date,
        min(happened_date) as first_event_date,
        min(case when product_event_count > 0 then happened_date end) as first_product_event_date
    from features.browsing_days
    where happened_date < $as_of
    group by customer_number
),

past_browsed as (
    select
        customers.as_of,
        customers.customer_number,
        max(browsing_days.happened_date) as last_event_date
    from features.browsing_days as browsing_days
    inner join past_customers as customers
        on
            browsing_days.customer_number = customers.customer_number
            and browsing_days.happened_date < customers.as_of
    group by customers.as_of, customers.customer_number
),

browsed as (
    select
        cast($as_of as date) as as_of,
        customer_number,
        last_event_date
    from own_browsed
    union all
    select
        as_of,
        customer_number,
        last_event_date
    from past_browsed
),

-- of the whole shop, which the run's own day has: the first events of those who bought for the first time on a date
first_events as (
    select
        buyers.first_date,
        min(own_browsed.first_event_date) as first_event_date,
        min(own_browsed.first_product_event_date) as first_product_event_date
    from own_browsed
    inner join buyers on own_browsed.customer_number = buyers.customer_number
    where buyers.first_date < $as_of
    group by buyers.first_date
),

history as (
    select
        days.as_of,
        max(date_diff('day', first_events.first_event_date, days.as_of)) + 1 as never_days,
        max(0) as zero_count
    from first_events
    inner join days on first_events.first_event_date < days.as_of and first_events.first_date < days.as_of
    group by days.as_of
),

product_history as (
    select
        days.as_of,
        max(0) as zero_count
    from first_events
    inner join days on first_events.first_product_event_date < days.as_of and first_events.first_date < days.as_of
    group by days.as_of
),

recent_days as (
    select
        cast($as_of as date) as as_of,
        customer_number,
        view_count,
        cart_count,
        session_count,
        date_diff('day', happened_date, $as_of) as days_ago
    from features.browsing_days
    where happened_date < $as_of and happened_date >= cast($as_of as date) - interval 90 days
    union all
    select
        customers.as_of,
        customers.customer_number,
        browsing_days.view_count,
        browsing_days.cart_count,
        browsing_days.session_count,
        date_diff('day', browsing_days.happened_date, customers.as_of) as days_ago
    from features.browsing_days as browsing_days
    inner join past_customers as customers
        on
            browsing_days.customer_number = customers.customer_number
            and browsing_days.happened_date < customers.as_of
            and browsing_days.happened_date >= customers.window_date
),

windows as (
    select
        as_of,
        customer_number,
        sum(case when days_ago <= 7 then view_count else 0 end) as view_count_7d,
        sum(case when days_ago <= 30 then view_count else 0 end) as view_count_30d,
        sum(view_count) as view_count_90d,
        sum(case when days_ago <= 7 then cart_count else 0 end) as cart_count_7d,
        sum(case when days_ago <= 30 then cart_count else 0 end) as cart_count_30d,
        sum(cart_count) as cart_count_90d,
        sum(case when days_ago <= 7 then session_count else 0 end) as session_count_7d,
        sum(case when days_ago <= 30 then session_count else 0 end) as session_count_30d,
        sum(session_count) as session_count_90d,
        sum(case when days_ago <= 7 then 1 else 0 end) as browsing_days_7d,
        sum(case when days_ago <= 30 then 1 else 0 end) as browsing_days_30d,
        count(*) as browsing_days_90d
    from recent_days
    group by as_of, customer_number
),

-- customer and product in one number, which is grouped and joined more quickly than two
product_events as (
    select
        cast($as_of as date) as as_of,
        4294967296 * events.customer_number + events.product_number as pair,
        events.event_type,
        events.happened_date
    from cleaned.numbered_events as events
    inner join buyers on events.customer_number = buyers.customer_number
    where
        events.product_number is not null
        and events.event_type in ('view', 'cart')
        and events.happened_date < $as_of
        and events.happened_date >= cast($as_of as date) - interval 90 days
    union all
    select
        customers.as_of,
        4294967296 * events.customer_number + events.product_number as pair,
        events.event_type,
        events.happened_date
    from cleaned.numbered_events as events
    inner join past_customers as customers
        on
            events.customer_number = customers.customer_number
            and events.happened_date < customers.as_of
            and events.happened_date >= customers.window_date
    where events.product_number is not null and events.event_type in ('view', 'cart')
),

browsed_products as (
    select
        as_of,
        pair,
        max(case when event_type = 'view' then 1 else 0 end) as is_viewed,
        min(case when event_type = 'cart' then happened_date end) as first_cart_date
    from product_events
    group by as_of, pair
),

transactions as (
    select
        4294967296 * customer_number + product_number as pair,
        ordered_date
    from cleaned.numbered_transactions
    where not is_return and product_number is not null
),

bought_products as (
    select
        browsed_products.as_of,
        browsed_products.pair,
        max(browsed_products.is_viewed) as is_viewed,
        max(case when transactions.ordered_date >= browsed_products.first_cart_date then 1 else 0 end) as is_from_cart
    from transactions
    inner join browsed_products
        on
            transactions.pair = browsed_products.pair
            and transactions.ordered_date < browsed_products.as_of
    group by browsed_products.as_of, browsed_products.pair
),

product_interests as (
    select
        as_of,
        cast(pair >> 32 as integer) as customer_number,
        sum(is_viewed) as viewed_product_count,
        count(first_cart_date) as carted_product_count
    from browsed_products
    group by as_of, pair >> 32
),

product_purchases as (
    select
        as_of,
        cast(pair >> 32 as integer) as customer_number,
        sum(is_viewed) as viewed_bought_count,
        sum(is_from_cart) as carted_bought_count
    from bought_products
    group by as_of, pair >> 32
)

select
    customers.as_of,
    customer_numbers.customer_id,
    cast(coalesce(date_diff('day', browsed.last_event_date, customers.as_of), history.never_days) as double)
        as days_since_event,
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
    cast(
        coalesce(product_interests.viewed_product_count, product_history.zero_count)
        - coalesce(product_purchases.viewed_bought_count, 0) as double
    ) as viewed_unbought_count_90d,
    cast(coalesce(product_purchases.carted_bought_count, 0) as double)
    / nullif(product_interests.carted_product_count, 0) as cart_conversion_90d
from customers
inner join cleaned.customer_numbers as customer_numbers
    on customers.customer_number = customer_numbers.customer_number
left join history on customers.as_of = history.as_of
left join product_history on customers.as_of = product_history.as_of
left join browsed on customers.as_of = browsed.as_of and customers.customer_number = browsed.customer_number
left join windows on customers.as_of = windows.as_of and customers.customer_number = windows.customer_number
left join product_interests
    on customers.as_of = product_interests.as_of and customers.customer_number = product_interests.customer_number
left join product_purchases
    on customers.as_of = product_purchases.as_of and customers.customer_number = product_purchases.customer_number
order by customers.as_of, customer_numbers.customer_id
