-- one row is one browsing event as it was read, judged: kept, set_aside or rejected, with the reason
-- grain: source_file, source_line
-- increment: e0caf91e1023 (new lines can be judged alone, beside old ones of the same text)
-- a line has the first reason that fits, in the order of the `judged` cases
-- numbers stand for the ids of customers and products, which cost three times as much to write; a customer that is in
-- no other table has none, and customer_id is null but for them
with

browsing_events as (
    select
        source_file,
        source_hash,
        source_line,
        customer_id,
        product_id,
        event_type,
        happened_at
    from sources.events
),

known_numbers as (
    select customer_numbers.customer_number
    from cleaned.customers as customers
    inner join cleaned.customer_numbers as customer_numbers on customers.customer_id = customer_numbers.customer_id
    union
    select customer_number
    from cleaned.numbered_transactions
),

-- one join of all events tells both the number of their customer and whether they are known
customers as (
    select
        customer_numbers.customer_id,
        customer_numbers.customer_number,
        known_numbers.customer_number is not null as is_known
    from cleaned.customer_numbers as customer_numbers
    left join known_numbers on customer_numbers.customer_number = known_numbers.customer_number
),

typed as (
    select
        source_file,
        source_hash,
        source_line,
        case
            -- no word for nobody begins with a digit, and most ids do; a list of words would become a join
            when
                ascii(customer_id) between 48 and 57
                or not regexp_full_match(
                    lower(trim(customer_id)),
                    '|null|\(null\)|\\n|nil|nan|na|n/a|n\.a\.|#n/a|<na>|#ref!|#value!|none|unknown|undefined|anonymous'
                    || '|guest|total|grand total|subtotal|sum|summe|gesamt|-{1,3}|\.{1,3}|\?{1,3}|[*/#]'
                )
                then trim(customer_id)
        end as customer_id,
        nullif(trim(product_id), '') as product_id,
        lower(nullif(trim(event_type), '')) as event_type,
        -- nearly all are read as they stand, and only the others without their blanks
        cast(
            coalesce(
                try_strptime(happened_at, $timestamp_format), try_strptime(trim(happened_at), $timestamp_format)
            ) as timestamp
        ) as happened_at
    from browsing_events
),

hashed_events as (
    select hash(line_text) as text_hash
    from sources.events
    where line_text is not null
),

-- few events share their text with another one: a hash of all finds these cheaply, and only they are compared;
-- to number the events of each hash takes two thirds of counting them
shared_hashes as (
    select text_hash
    from hashed_events
    qualify row_number() over (partition by text_hash) = 2
),

repeated_events as (
    select
        events.source_file,
        events.source_hash,
        events.source_line
    from sources.events
    inner join shared_hashes on hash(events.line_text) = shared_hashes.text_hash
    qualify row_number() over (partition by events.line_text order by events.source_file, events.source_line) > 1
),

judged as (
    select
        typed.source_file,
        typed.source_line,
        customers.customer_number,
        case when customers.customer_number is null then typed.customer_id end as customer_id,
        product_numbers.product_number,
        typed.event_type,
        typed.happened_at,
        case
            when repeated_events.source_line is not null then 'exact_duplicate'
            when typed.customer_id is null then 'no_customer'
            when
                case
                    -- what is plain ASCII can be read, and so can the id of a customer who is known
                    when
                        (not coalesce(customers.is_known, false) and typed.customer_id glob '*[! -~]*')
                        or typed.product_id glob '*[! -~]*'
                        then regexp_matches(concat(typed.customer_id, typed.product_id), '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]')
                end
                or coalesce(strlen(typed.customer_id), 0) + coalesce(strlen(typed.product_id), 0) > 600
                then 'unreadable_id'
            when typed.happened_at is null then 'unparsable_date'
            when
                typed.happened_at < timestamp '1990-01-01 00:00:00'
                or typed.happened_at >= timestamp '2100-01-01 00:00:00'
                then 'date_out_of_range'
            when typed.event_type is null then 'missing_event_type'
            when not coalesce(customers.is_known, false) then 'unknown_customer'
        end as reason
    from typed
    left join customers on typed.customer_id = customers.customer_id
    left join cleaned.product_numbers as product_numbers on typed.product_id = product_numbers.product_id
    left join repeated_events
        on
            typed.source_file = repeated_events.source_file
            and typed.source_hash = repeated_events.source_hash
            and typed.source_line = repeated_events.source_line
)

select
    source_file,
    cast(source_line as bigint) as source_line,
    -- each word is cast by itself, since a cast of what the case yields would look up the text of every row
    case
        when reason is null then cast('kept' as enum('kept', 'set_aside', 'rejected'))
        when reason in ('exact_duplicate', 'no_customer', 'unknown_customer')
            then cast('set_aside' as enum('kept', 'set_aside', 'rejected'))
        else cast('rejected' as enum('kept', 'set_aside', 'rejected'))
    end as status,
    reason,
    customer_number,
    customer_id,
    product_number,
    event_type,
    happened_at,
    cast(happened_at as date) as happened_date
from judged
