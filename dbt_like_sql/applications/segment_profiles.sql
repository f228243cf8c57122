-- one row per segment: who its customers are, what is expected of them; figures of fewer than 10 customers are left out
-- grain: as_of, segment_id
with

customer_segments as (
    select
        customer_id,
        segment_id,
        segment_name
    from applications.customer_segments
    where as_of = $as_of
),

demand_forecast as (
    select
        customer_id,
        cast(round(1000000 * expected_purchases) as bigint) as expected_purchases_millionths,
        cast(round(100 * expected_amount) as bigint) as expected_cents
    from applications.demand_forecast
    where as_of = $as_of
),

purchase_days as (
    select
        customer_number,
        ordered_date,
        gross_amount
    from features.purchase_days
    where
        is_purchase_day
        and ordered_date < $as_of
),

customers as (
    select
        customer_id,
        gender,
        location,
        cast(coalesce(extract(year from $as_of) - birth_year, age) as bigint) as age
    from cleaned.customers
),

histories as (
    select
        customer_number,
        date_diff('day', max(ordered_date), $as_of) as recency_days,
        count(*) as purchase_frequency,
        sum(gross_amount) as purchase_amount
    from purchase_days
    group by customer_number
),

members as (
    select
        customer_segments.segment_id,
        customer_segments.segment_name,
        customer_segments.customer_id,
        histories.recency_days,
        histories.purchase_frequency,
        histories.purchase_amount,
        customers.age,
        customers.gender,
        customers.location,
        demand_forecast.expected_purchases_millionths,
        demand_forecast.expected_cents
    from customer_segments
    left join cleaned.customer_numbers as customer_numbers
        on customer_segments.customer_id = customer_numbers.customer_id
    left join histories
        on customer_numbers.customer_number = histories.customer_number
    left join customers
        on customer_segments.customer_id = customers.customer_id
    left join demand_forecast
        on customer_segments.customer_id = demand_forecast.customer_id
),

figures as (
    select
        segment_id,
        segment_name,
        count(*) as customer_count,
        sum(recency_days) as recency_sum,
        sum(purchase_frequency) as frequency_sum,
        sum(purchase_amount) as amount_sum,
        sum(age) as age_sum,
        count(age) as age_count,
        count(gender) as gender_count,
        count(location) as location_count,
        median(recency_days) as median_recency_days,
        median(purchase_frequency) as median_purchase_frequency,
        median(purchase_amount) as median_purchase_amount,
        median(age) as median_age,
        sum(expected_purchases_millionths) as expected_purchases_millionths,
        sum(expected_cents) as expected_cents
    from members
    group by segment_id, segment_name
),

top_genders as (
    select
        segment_id,
        gender,
        count(*) as customer_count
    from members
    where gender is not null
    group by segment_id, gender
    having count(*) >= 10
    qualify row_number() over (
        partition by segment_id
        order by count(*) desc, gender asc
    ) = 1
),

top_locations as (
    select
        segment_id,
        location,
        count(*) as customer_count
    from members
    where location is not null
    group by segment_id, location
    having count(*) >= 10
    qualify row_number() over (
        partition by segment_id
        order by count(*) desc, location asc
    ) = 1
),

shown as (
    select
        segment_id,
        segment_name,
        customer_count,
        cast(customer_count as double) / sum(customer_count) over () as share,
        case when customer_count >= 10 then cast(customer_count as double) end as known,
        case when age_count >= 10 then cast(age_count as double) end as known_ages,
        recency_sum,
        frequency_sum,
        amount_sum,
        age_sum,
        gender_count,
        location_count,
        median_recency_days,
        median_purchase_frequency,
        median_purchase_amount,
        median_age,
        expected_purchases_millionths,
        expected_cents
    from figures
)

select
    cast($as_of as date) as as_of,
    shown.segment_id,
    shown.segment_name,
    cast(shown.customer_count as bigint) as customers,
    cast(round(shown.share, 4) as double) as share,
    cast(round(cast(shown.recency_sum as double) / shown.known, 1) as double) as mean_recency_days,
    cast(case when shown.known > 0 then shown.median_recency_days end as double) as median_recency_days,
    cast(round(cast(shown.frequency_sum as double) / shown.known, 2) as double) as mean_purchase_frequency,
    cast(case when shown.known > 0 then shown.median_purchase_frequency end as double) as median_purchase_frequency,
    cast(round(cast(shown.amount_sum as double) / shown.known, 2) as double) as mean_purchase_amount,
    cast(case when shown.known > 0 then shown.median_purchase_amount end as double) as median_purchase_amount,
    cast(round(cast(shown.age_sum as double) / shown.known_ages, 1) as double) as mean_age,
    cast(case when shown.known_ages > 0 then shown.median_age end as double) as median_age,
    top_genders.gender as top_gender,
    cast(round(cast(top_genders.customer_count as double) / nullif(shown.gender_count, 0), 4) as double)
        as top_gender_share,
    top_locations.location as top_location,
    cast(round(cast(top_locations.customer_count as double) / nullif(shown.location_count, 0), 4) as double)
        as top_location_share,
    cast(case when shown.known > 0 then cast(shown.expected_purchases_millionths as double) / 1000000 end as double)
        as expected_purchases,
    cast(case when shown.known > 0 then cast(shown.expected_cents as double) / 100 end as double) as expected_amount
from shown
left join top_genders
    on shown.segment_id = top_genders.segment_id
left join top_locations
    on shown.segment_id = top_locations.segment_id
