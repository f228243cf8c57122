-- one row is one customer record
-- grain: source_file, source_line
select customer_id, age, gender, location, signed_up_at from raw.customers
