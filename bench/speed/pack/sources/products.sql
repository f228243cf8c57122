-- one row is one product
-- grain: source_file, source_line
select product_id, category from raw.products
