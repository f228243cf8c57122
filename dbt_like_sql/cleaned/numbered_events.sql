-- one row is one thing that a known customer did, with the numbers that stand for customer and product
-- grain: source_file, source_line
-- view: its rows are those of events_lines, which are stored once
select
    customer_number,
    product_number,
    event_type,
    happened_at,
    happened_date,
    source_file,
    source_line
from cleaned.events_lines
where status = 'kept'
