-- one row is one thing that a known customer did while browsing
-- grain: source_file, source_line
-- view: its rows are those of events_lines, which are stored once
-- whoever needs no text of ids reads numbered_events, which joins nothing
-- DuckDB looks ids up by place where numbers lie close and the join is an inner one, so that 0 stands for no product
select
    customer_numbers.customer_id,
    product_numbers.product_id,
    lines.event_type,
    lines.happened_at,
    lines.happened_date,
    lines.source_file,
    lines.source_line
from cleaned.events_lines as lines
inner join cleaned.customer_numbers as customer_numbers on lines.customer_number = customer_numbers.customer_number
inner join cleaned.product_numbers as product_numbers
    on coalesce(lines.product_number, 0) = product_numbers.product_number
where lines.status = 'kept'
