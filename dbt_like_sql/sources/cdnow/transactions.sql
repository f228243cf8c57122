-- one row is one purchase of CDs: how many, and what they cost together; there are no orders and no products
-- grain: source_file, source_line
-- purchases of no money are kept: the files say that they took place
select
    customer_id,
    purchased_on as ordered_at,
    number_of_cds as quantity,
    dollar_value as amount
from raw.purchases
