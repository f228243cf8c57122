"""The numbers of customers and products, and the lines that are read by them, for cleaned tables written by hand."""

NUMBERED = """
create view cleaned.customer_numbers as
select customer_id, cast(row_number() over (order by customer_id) as integer) as customer_number
from (select customer_id from cleaned.transactions union select customer_id from cleaned.events);
create view cleaned.product_numbers as
select product_id, cast(row_number() over (order by product_id desc) as integer) as product_number
from (select product_id from cleaned.transactions union select product_id from cleaned.events)
where product_id is not null;
create view cleaned.numbered_transactions as
select lines.*, customer_number, product_number from cleaned.transactions as lines
left join cleaned.customer_numbers using (customer_id) left join cleaned.product_numbers using (product_id);
create view cleaned.numbered_events as
select lines.*, customer_number, product_number from cleaned.events as lines
left join cleaned.customer_numbers using (customer_id) left join cleaned.product_numbers using (product_id);
"""
