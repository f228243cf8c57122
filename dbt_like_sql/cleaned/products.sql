-- one row is one product, by the last record of it that is kept
-- grain: product_id
select
    product_id,
    name,
    category,
    source_file,
    source_line
from cleaned.products_lines
where status = 'kept'
