-- one row is one browsing event as it was read, judged: kept, set_aside or rejected, with the reason
-- grain: source_file, source_line
-- a line has the first reason that fits, in the order of the `judged` cases
with

browsing_events as (
    select
        source_file,
        source_hash,
        source_line,
        customer_id,
        product_id,
        event_type,
        happened_at,
        line_text
    from sources.events
),

known_customers as (
    select customer_id
    from cleaned.customers
    union
    select customer_id
    from cleaned.transactions
),

typed as (
    select
        source_file,
        source_hash,
        source_line,
        case
            when lower(trim(customer_id)) not in (
                '', 'null', '(null)', '\n', 'nil', 'nan', 'na', 'n/a', 'n.a.', '#n/a', '<na>', '#ref!', '#value!',
                'none', 'unknown', 'undefined', 'anonymous', 'guest', 'total', 'grand total', 'subtotal', 'sum',
                'summe', 'gesamt', '-', '--', '---', '.', '..', '...', '?', '??', '???', '*', '/', '#'
            ) then trim(customer_id)
        end as customer_id,
        nullif(trim(product_id), '') as product_id,
        lower(nullif(trim(event_type), '')) as event_type,
        cast(try_strptime(nullif(trim(happened_at), ''), $timestamp_format) as timestamp) as happened_at,
        line_text is not null
        and row_number() over (partition by line_text order by source_file, source_line) > 1 as is_repeated
    from browsing_events
),

judged as (
    select
        typed.source_file,
        typed.source_hash,
        typed.source_line,
        typed.customer_id,
        typed.product_id,
        typed.event_type,
        typed.happened_at,
        case
            when typed.is_repeated then 'exact_duplicate'
            when typed.customer_id is null then 'no_customer'
            when
                regexp_matches(concat(typed.customer_id, typed.product_id), '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]')
                or strlen(concat(typed.customer_id, typed.product_id)) > 600
                then 'unreadable_id'
            when typed.happened_at is null then 'unparsable_date'
            when
                typed.happened_at < timestamp '1990-01-01 00:00:00'
                or typed.happened_at >= timestamp '2100-01-01 00:00:00'
                then 'date_out_of_range'
            when typed.event_type is null then 'missing_event_type'
            when known_customers.customer_id is null then 'unknown_customer'
        end as reason
    from typed
    left join known_customers on typed.customer_id = known_customers.customer_id
)

select
    source_file,
    source_hash,
    cast(source_line as bigint) as source_line,
    case
        when reason is null then 'kept'
        when reason in ('exact_duplicate', 'no_customer', 'unknown_customer') then 'set_aside'
        else 'rejected'
    end as status,
    reason,
    customer_id,
    product_id,
    event_type,
    happened_at,
    cast(happened_at as date) as happened_date
from judged
