-- one row per customer with a purchase before as_of: what may tell how often and how much they buy
-- grain: as_of, customer_id
-- the last columns are outcomes: null until the horizon is over, and never a feature
-- view: each column is one of a stored table, which is not written twice
with

activity as (
    select
        as_of,
        customer_id,
        recency_days,
        tenure_days,
        purchase_frequency,
        purchase_amount,
        mean_amount,
        mean_gap_days,
        purchase_days_365d,
        purchase_amount_365d,
        weekend_share,
        return_share,
        active_span_days,
        repeat_count,
        history_days,
        net_amount,
        last_amount,
        purchase_days_7d,
        purchase_days_30d,
        purchase_days_90d,
        purchase_days_prior_90d,
        purchase_days_year_ago,
        purchase_days_trend,
        purchase_amount_7d,
        purchase_amount_30d,
        purchase_amount_90d,
        purchase_amount_prior_90d,
        purchase_amount_year_ago,
        purchase_amount_trend,
        net_amount_90d,
        net_amount_365d,
        decayed_purchase_days_30d,
        decayed_purchase_days_90d,
        decayed_purchase_days_180d,
        decayed_amount_90d,
        order_count,
        unit_count,
        mean_repeat_amount,
        max_amount,
        unit_count_90d,
        unit_count_365d,
        decayed_amount_30d,
        decayed_amount_180d,
        std_gap_days,
        max_gap_days,
        last_gap_days,
        recency_to_mean_gap,
        return_count_365d,
        return_amount_365d,
        days_since_return
    from features.activity
),

btyd as (
    select
        as_of,
        customer_id,
        btyd_p_alive,
        btyd_p_buy,
        btyd_purchases,
        btyd_mean_amount,
        btyd_amount
    from features.btyd
),

assortment as (
    select
        as_of,
        customer_id,
        mean_basket_products,
        mean_basket_units,
        mean_unit_amount,
        product_count,
        repeat_product_share,
        top_product_share,
        category_count,
        top_category_share,
        top_category,
        new_product_share_90d
    from features.assortment
),

browsing as (
    select
        as_of,
        customer_id,
        days_since_event,
        view_count_90d,
        cart_count_90d,
        session_count_90d,
        browsing_days_90d,
        cart_conversion_90d,
        view_count_7d,
        view_count_30d,
        cart_count_7d,
        cart_count_30d,
        session_count_30d,
        viewed_unbought_count_90d
    from features.browsing
),

demographics as (
    select
        as_of,
        customer_id,
        age,
        gender,
        location,
        signed_up_days
    from features.demographics
),

outcomes as (
    select
        as_of,
        customer_id,
        is_recommended,
        future_purchase,
        future_amount
    from features.outcomes
)

select
    activity.as_of,
    activity.customer_id,
    activity.recency_days,
    activity.tenure_days,
    activity.purchase_frequency,
    activity.purchase_amount,
    activity.mean_amount,
    activity.mean_gap_days,
    activity.purchase_days_365d,
    activity.purchase_amount_365d,
    activity.weekend_share,
    activity.return_share,
    activity.active_span_days,
    activity.repeat_count,
    activity.history_days,
    activity.net_amount,
    activity.last_amount,
    activity.purchase_days_7d,
    activity.purchase_days_30d,
    activity.purchase_days_90d,
    activity.purchase_days_prior_90d,
    activity.purchase_days_year_ago,
    activity.purchase_days_trend,
    activity.purchase_amount_7d,
    activity.purchase_amount_30d,
    activity.purchase_amount_90d,
    activity.purchase_amount_prior_90d,
    activity.purchase_amount_year_ago,
    activity.purchase_amount_trend,
    activity.net_amount_90d,
    activity.net_amount_365d,
    activity.decayed_purchase_days_30d,
    activity.decayed_purchase_days_90d,
    activity.decayed_purchase_days_180d,
    activity.decayed_amount_90d,
    activity.order_count,
    activity.unit_count,
    activity.mean_repeat_amount,
    activity.max_amount,
    activity.unit_count_90d,
    activity.unit_count_365d,
    activity.decayed_amount_30d,
    activity.decayed_amount_180d,
    activity.std_gap_days,
    activity.max_gap_days,
    activity.last_gap_days,
    activity.recency_to_mean_gap,
    activity.return_count_365d,
    activity.return_amount_365d,
    activity.days_since_return,
    btyd.btyd_p_alive,
    btyd.btyd_p_buy,
    btyd.btyd_purchases,
    btyd.btyd_mean_amount,
    btyd.btyd_amount,
    assortment.mean_basket_products,
    assortment.mean_basket_units,
    assortment.mean_unit_amount,
    assortment.product_count,
    assortment.repeat_product_share,
    assortment.top_product_share,
    assortment.category_count,
    assortment.top_category_share,
    assortment.top_category,
    assortment.new_product_share_90d,
    browsing.days_since_event,
    browsing.view_count_90d,
    browsing.cart_count_90d,
    browsing.session_count_90d,
    browsing.browsing_days_90d,
    browsing.cart_conversion_90d,
    browsing.view_count_7d,
    browsing.view_count_30d,
    browsing.cart_count_7d,
    browsing.cart_count_30d,
    browsing.session_count_30d,
    browsing.viewed_unbought_count_90d,
    demographics.age,
    demographics.gender,
    demographics.location,
    demographics.signed_up_days,
    cast(outcomes.is_recommended as boolean) as is_recommended,
    cast(outcomes.future_purchase as double) as future_purchase,
    cast(outcomes.future_amount as double) as future_amount
from activity
inner join btyd on activity.as_of = btyd.as_of and activity.customer_id = btyd.customer_id
inner join assortment on activity.as_of = assortment.as_of and activity.customer_id = assortment.customer_id
inner join browsing on activity.as_of = browsing.as_of and activity.customer_id = browsing.customer_id
inner join demographics on activity.as_of = demographics.as_of and activity.customer_id = demographics.customer_id
left join outcomes on activity.as_of = outcomes.as_of and activity.customer_id = outcomes.customer_id
