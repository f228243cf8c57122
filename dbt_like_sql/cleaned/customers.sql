-- one row is one customer, by the last record of them that is kept
-- grain: customer_id
select
    customer_id,
    birth_year,
    age,
    gender,
    location,
    signed_up_at,
    source_file,
    source_line
from cleaned.customers_lines
where status = 'kept'
