-- one row is one event
-- grain: source_file, source_line
select customer_id, product_id, event_type, happened_at from raw.events
