-- one row per customer with a purchase before as_of: what makes them like others
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
        decayed_purchase_days_90d,
        weekend_share,
        return_share
    from features.activity
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
        top_category
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
        cart_conversion_90d
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
    activity.decayed_purchase_days_90d,
    activity.weekend_share,
    activity.return_share,
    assortment.mean_basket_products,
    assortment.mean_basket_units,
    assortment.mean_unit_amount,
    assortment.product_count,
    assortment.repeat_product_share,
    assortment.top_product_share,
    assortment.category_count,
    assortment.top_category_share,
    assortment.top_category,
    browsing.days_since_event,
    browsing.view_count_90d,
    browsing.cart_count_90d,
    browsing.session_count_90d,
    browsing.browsing_days_90d,
    browsing.cart_conversion_90d,
    demographics.age,
    demographics.gender,
    demographics.location,
    demographics.signed_up_days,
    cast(outcomes.future_amount as double) as future_amount
from activity
inner join assortment on activity.as_of = assortment.as_of and activity.customer_id = assortment.customer_id
inner join browsing on activity.as_of = browsing.as_of and activity.customer_id = browsing.customer_id
inner join demographics on activity.as_of = demographics.as_of and activity.customer_id = demographics.customer_id
left join outcomes on activity.as_of = outcomes.as_of and activity.customer_id = outcomes.customer_id
