-- one row is one customer record of the sample shop; a customer who changed has several
-- grain: source_file, source_line
select
    customer_id,
    birth_year,
    gender,
    location,
    signed_up_at
from raw.customers
