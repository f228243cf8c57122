-- one row is one rule by which values of kept lines were changed or emptied, with how many lines it touched
-- grain: table_name, source_file, column_name, rule
with

customer_repairs as (
    select
        source_file,
        birth_year_repair,
        age_repair,
        gender_repair,
        location_repair,
        signed_up_at_repair
    from cleaned.customers_lines
    where status = 'kept'
),

-- a source without any order id lacks them; it has none to repair
given_order_ids as (
    select count(*) as line_count
    from cleaned.transactions_lines
    where status = 'kept' and not is_order_id_made
),

made_order_ids as (
    select transactions_lines.source_file
    from cleaned.transactions_lines
    cross join given_order_ids
    where
        transactions_lines.status = 'kept'
        and transactions_lines.is_order_id_made
        and given_order_ids.line_count > 0
),

repairs as (
    select
        'transactions' as table_name,
        source_file,
        'order_id' as column_name,
        'customer_and_day' as rule
    from made_order_ids
    union all
    select
        'customers' as table_name,
        source_file,
        'birth_year' as column_name,
        birth_year_repair as rule
    from customer_repairs
    union all
    select
        'customers' as table_name,
        source_file,
        'age' as column_name,
        age_repair as rule
    from customer_repairs
    union all
    select
        'customers' as table_name,
        source_file,
        'gender' as column_name,
        gender_repair as rule
    from customer_repairs
    union all
    select
        'customers' as table_name,
        source_file,
        'location' as column_name,
        location_repair as rule
    from customer_repairs
    union all
    select
        'customers' as table_name,
        source_file,
        'signed_up_at' as column_name,
        signed_up_at_repair as rule
    from customer_repairs
)

select
    table_name,
    source_file,
    column_name,
    rule,
    cast(count(*) as bigint) as line_count
from repairs
where rule is not null
group by table_name, source_file, column_name, rule
order by table_name, source_file, column_name, rule
