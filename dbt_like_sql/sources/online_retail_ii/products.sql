-- one row is one product, with the description that its invoice lines carry most often
-- grain: product_id
-- derived from the invoice lines: source_line is the first line with that description, so line_text is null
with

invoice_lines as (
    select
        source_file,
        source_hash,
        source_line,
        upper(trim(stock_code)) as product_id,
        nullif(regexp_replace(trim(description), '[ ]+', ' ', 'g'), '') as description
    from raw.invoice_lines
    where regexp_matches(trim(stock_code), '^[0-9]{5}')
),

first_lines as (
    select
        source_file,
        source_hash,
        source_line,
        product_id,
        description,
        count(*) over (partition by product_id, description) as description_count
    from invoice_lines
    qualify row_number() over (partition by product_id, description order by source_file, source_line) = 1
)

select
    source_file,
    source_hash,
    source_line,
    product_id,
    description as name,
    cast(null as varchar) as line_text
from first_lines
qualify
    row_number() over (
        partition by product_id
        order by case when description is null then 1 else 0 end, description_count desc, source_file, source_line
    ) = 1
