-- one row is one line of an invoice: a sale, or a return where the invoice number begins with C
-- grain: source_file, source_line
-- products have a code of five digits and perhaps letters (85123A); other codes are postage, fees, manual entries,
-- samples, tests and vouchers; invoices that begin with A adjust bad debt
select
    invoice as order_id,
    regexp_replace(customer_id, '[.]0$', '', 'g') as customer_id,
    upper(trim(stock_code)) as product_id,
    invoice_date as ordered_at,
    quantity,
    price as unit_price,
    case
        when upper(trim(invoice)) like 'A%' then 'bad_debt_adjustment'
        when not regexp_matches(coalesce(trim(stock_code), ''), '^[0-9]{5}') then 'not_a_product'
        when try_cast(price as decimal(18, 4)) = 0 then 'zero_price'
    end as set_aside_reason
from raw.invoice_lines
