-- one row is one customer, with the country of their first line, so that later lines change nothing that was known
-- grain: customer_id
-- derived from the invoice lines: source_line is the line that names the country, so line_text is null
with

invoice_lines as (
    select
        source_file,
        source_hash,
        source_line,
        invoice_date,
        country,
        regexp_replace(trim(customer_id), '[.]0$', '', 'g') as customer_id
    from raw.invoice_lines
    where trim(customer_id) <> ''
)

select
    source_file,
    source_hash,
    source_line,
    customer_id,
    country as location,
    cast(null as varchar) as line_text
from invoice_lines
qualify row_number() over (partition by customer_id order by invoice_date, source_file, source_line) = 1
