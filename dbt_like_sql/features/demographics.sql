-- one row per customer with a purchase before as_of: who they are, as far as it was known
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- a record that was signed up on as_of or later is not yet known; a record without that date always is
with

days as (
    select unnest($days) as as_of
),

first_purchases as (
    select
        customer_number,
        sample_place,
        min(ordered_date) as first_date
    from features.purchase_days
    where is_purchase_day
    group by customer_number, sample_place
),

buyers as (
    select
        days.as_of,
        customer_numbers.customer_id
    from first_purchases
    inner join cleaned.customer_numbers as customer_numbers
        on first_purchases.customer_number = customer_numbers.customer_number
    inner join days on first_purchases.first_date < days.as_of
    where days.as_of = $as_of or first_purchases.sample_place <= $last_place
),

customers as (
    select
        customer_id,
        birth_year,
        age,
        gender,
        location,
        signed_up_at
    from cleaned.customers
),

known as (
    select
        buyers.as_of,
        buyers.customer_id,
        customers.gender,
        customers.location,
        customers.signed_up_at,
        case
            when customers.birth_year is not null then year(buyers.as_of) - customers.birth_year else customers.age
        end as age
    from buyers
    left join customers
        on
            buyers.customer_id = customers.customer_id
            and (customers.signed_up_at is null or buyers.as_of > customers.signed_up_at)
)

select
    as_of,
    customer_id,
    cast(case when age between 10 and 110 then age end as double) as age,
    cast(gender as varchar) as gender,
    cast(location as varchar) as location,
    cast(date_diff('day', signed_up_at, as_of) as double) as signed_up_days
from known
order by as_of, customer_id
