-- one row is one thing that a known customer did while browsing
-- grain: source_file, source_line
select
    customer_id,
    product_id,
    event_type,
    happened_at,
    happened_date,
    source_file,
    source_line
from cleaned.events_lines
where status = 'kept'
