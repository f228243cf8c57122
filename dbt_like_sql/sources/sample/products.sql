-- one row is one product record of the sample shop; a product that was renamed has several
-- grain: source_file, source_line
select
    product_id,
    name,
    category
from raw.products
