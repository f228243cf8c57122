-- one row is one order line that is kept: a sale, or a return with its quantity and amount negative
-- grain: source_file, source_line
-- view: its rows are those of transactions_lines, which are stored once
-- whoever needs no text of ids reads numbered_transactions, which joins nothing
-- DuckDB looks ids up by place where numbers lie close and the join is an inner one, so that 0 stands for no product
select
    lines.order_id,
    customer_numbers.customer_id,
    product_numbers.product_id,
    lines.ordered_at,
    lines.ordered_date,
    lines.quantity,
    lines.unit_price,
    lines.amount,
    lines.is_return,
    lines.source_file,
    lines.source_line
from cleaned.transactions_lines as lines
inner join cleaned.customer_numbers as customer_numbers on lines.customer_number = customer_numbers.customer_number
inner join cleaned.product_numbers as product_numbers
    on coalesce(lines.product_number, 0) = product_numbers.product_number
where lines.status = 'kept'
