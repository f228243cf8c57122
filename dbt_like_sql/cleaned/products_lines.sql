-- one row is one product record as it was read, judged: kept, set_aside or rejected, with the reason
-- grain: source_file, source_line
-- of several records of a product the last one holds: by file, then line
-- of equal records the last one counts, too, since a record may become again what it was
with

product_records as (
    select
        source_file,
        source_hash,
        source_line,
        product_id,
        name,
        category,
        line_text
    from sources.products
),

trimmed as (
    select
        source_file,
        source_hash,
        source_line,
        line_text is null as is_derived,
        nullif(trim(product_id), '') as product_id,
        nullif(trim(name), '') as name,
        nullif(regexp_replace(trim(category), '[ ]+', ' ', 'g'), '') as category,
        line_text is not null
        and row_number() over (partition by line_text order by source_file desc, source_line desc) > 1 as is_repeated
    from product_records
),

judged as (
    select
        source_file,
        source_hash,
        source_line,
        is_derived,
        product_id,
        name,
        category,
        case
            when is_repeated then 'exact_duplicate'
            when product_id is null then 'missing_id'
            when
                regexp_matches(concat(product_id), '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]')
                or strlen(concat(product_id)) > 600
                then 'unreadable_id'
            when
                row_number() over (
                    partition by product_id, is_repeated order by source_file desc, source_line desc
                ) > 1
                then 'superseded'
        end as reason
    from trimmed
)

select
    source_file,
    source_hash,
    cast(source_line as bigint) as source_line,
    case
        when reason is null then 'kept'
        when reason in ('missing_id', 'unreadable_id') then 'rejected'
        else 'set_aside'
    end as status,
    reason,
    product_id,
    name,
    category,
    is_derived
from judged
