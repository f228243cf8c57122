-- one row is one order line that is kept, with the numbers that stand for its customer and product
-- grain: source_file, source_line
-- view: its rows are those of transactions_lines, which are stored once
select
    order_id,
    customer_number,
    product_number,
    ordered_at,
    ordered_date,
    quantity,
    unit_price,
    amount,
    is_return,
    source_file,
    source_line
from cleaned.transactions_lines
where status = 'kept'
