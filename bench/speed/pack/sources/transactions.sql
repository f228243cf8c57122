-- one row is one order line
-- grain: source_file, source_line
select order_id, customer_id, product_id, ordered_at, quantity, unit_price from raw.transactions
