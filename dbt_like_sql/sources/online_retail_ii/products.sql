-- one row is one product, with the description that its invoice lines carry most often
-- grain: product_id
-- derived from the invoice lines: source_line is the first line with that description, so line_text is null
with

invoice_lines as (
    select
        upper(trim(stock_code)) as product_id,
        nullif(regexp_replace(trim(description), '[ ]+', ' ', 'g'), '') as description,
        struct_pack(source_file := source_file, source_line := source_line, source_hash := source_hash) as line
    from raw.invoice_lines
    where regexp_matches(trim(stock_code), '^[0-9]{5}')
),

descriptions as (
    select
        product_id,
        description,
        count(*) as line_count,
        min(line) as first_line
    from invoice_lines
    group by product_id, description
)

select
    struct_extract(first_line, 'source_file') as source_file,
    struct_extract(first_line, 'source_hash') as source_hash,
    struct_extract(first_line, 'source_line') as source_line,
    product_id,
    description as name,
    cast(null as varchar) as line_text
from descriptions
qualify
    row_number() over (
        partition by product_id
        order by case when description is null then 1 else 0 end asc, line_count desc, first_line asc
    ) = 1
