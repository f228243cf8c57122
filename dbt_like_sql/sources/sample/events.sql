-- one row is one thing that a visitor of the sample shop did
-- grain: source_file, source_line
select
    customer_id,
    product_id,
    event_type,
    happened_at
from raw.events
