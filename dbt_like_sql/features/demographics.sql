-- one row per customer with a purchase before as_of: who they are, as far as it was known
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- a record that was signed up on as_of or later is not yet known; a record without that date always is
with

purchase_days as (
    select customer_id
    from features.purchase_days
    where is_purchase_day and ordered_date < $as_of and sample_place <= $last_place
),

customers as (
    select
        customer_id,
        gender,
        location,
        signed_up_at,
        case
            when birth_year is not null then year(cast($as_of as date)) - birth_year else age
        end as age
    from cleaned.customers
    where signed_up_at is null or signed_up_at < $as_of
),

buyers as (
    select distinct customer_id
    from purchase_days
)

select
    cast($as_of as date) as as_of,
    buyers.customer_id,
    cast(case when customers.age between 10 and 110 then customers.age end as double) as age,
    cast(customers.gender as varchar) as gender,
    cast(customers.location as varchar) as location,
    cast(date_diff('day', customers.signed_up_at, $as_of) as double) as signed_up_days
from buyers
left join customers on buyers.customer_id = customers.customer_id
order by buyers.customer_id
