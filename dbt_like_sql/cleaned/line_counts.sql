-- one row is how many lines of one file ended in one status for one reason
-- grain: table_name, source_file, status, reason, is_derived
-- lines that could not even be split into fields count as rejected in the table that their raw set feeds, once, with
-- order lines before others; derived lines were made from lines of another table and are no lines of the file
with

judged_lines as (
    select
        'transactions' as table_name,
        source_file,
        cast(status as varchar) as status,
        reason,
        false as is_derived,
        count(*) as line_count,
        sum(amount) as amount
    from cleaned.transactions_lines
    group by source_file, status, reason
    union all
    select
        'customers' as table_name,
        source_file,
        cast(status as varchar) as status,
        reason,
        is_derived,
        count(*) as line_count,
        cast(null as decimal(38, 2)) as amount
    from cleaned.customers_lines
    group by source_file, status, reason, is_derived
    union all
    select
        'products' as table_name,
        source_file,
        cast(status as varchar) as status,
        reason,
        is_derived,
        count(*) as line_count,
        cast(null as decimal(38, 2)) as amount
    from cleaned.products_lines
    group by source_file, status, reason, is_derived
    union all
    select
        'events' as table_name,
        source_file,
        cast(status as varchar) as status,
        reason,
        false as is_derived,
        count(*) as line_count,
        cast(null as decimal(38, 2)) as amount
    from cleaned.events_lines
    group by source_file, status, reason
),

fed_tables as (
    select
        unnest($raw_sets) as raw_set,
        unnest($fed_tables) as table_name
),

counted_lines as (
    select
        table_name,
        source_file,
        status,
        reason,
        is_derived,
        line_count,
        amount
    from judged_lines
    union all
    select
        coalesce(fed_tables.table_name, malformed_lines.raw_set) as table_name,
        malformed_lines.source_file,
        'rejected' as status,
        malformed_lines.reason,
        false as is_derived,
        1 as line_count,
        cast(null as decimal(38, 2)) as amount
    from raw.malformed_lines
    left join fed_tables on malformed_lines.raw_set = fed_tables.raw_set
)

select
    table_name,
    source_file,
    status,
    reason,
    cast(sum(line_count) as bigint) as line_count,
    cast(sum(amount) as decimal(38, 2)) as amount,
    is_derived
from counted_lines
group by table_name, source_file, status, reason, is_derived
order by table_name, source_file, status, reason, is_derived
