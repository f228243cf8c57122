-- one row is one browsing event as it was read, judged: kept, set_aside or rejected, with the reason
-- grain: source_file, source_line
-- increment: 5feb9527d6ab (new lines can be judged alone, beside old ones of the same text)
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

-- what is told of an id is told once, and not in each of its events
products as (
    select
        product_id,
        product_number,
        regexp_matches(product_id, '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]') as is_unreadable
    from cleaned.product_numbers
),

typed as (
    select
        source_file,
        source_hash,
        source_line,
        nullif(trim(customer_id), '') as customer_id,
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

-- few events share their text with another one: hashes found beforehand tell which, and only they are compared
shared_hashes as (
    select text_hash
    from cleaned.shared_hashes
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

looked_up as (
    select
        typed.source_file,
        typed.source_line,
        typed.product_id,
        typed.event_type,
        typed.happened_at,
        customers.customer_number,
        products.product_number,
        coalesce(customers.is_known, false) as is_known,
        coalesce(products.is_unreadable, false) as is_product_unreadable,
        repeated_events.source_line is not null as is_repeated,
        case
            -- whoever is known has passed the rules on ids; no word for nobody begins with a digit
            when
                customers.is_known
                or ascii(typed.customer_id) between 48 and 57
                or not regexp_full_match(
                    lower(typed.customer_id),
                    'null|\(null\)|\\n|nil|nan|na|n/a|n\.a\.|#n/a|<na>|#ref!|#value!|none|unknown|undefined|anonymous'
                    || '|guest|total|grand total|subtotal|sum|summe|gesamt|-{1,3}|\.{1,3}|\?{1,3}|[*/#]'
                )
                then typed.customer_id
        end as customer_id
    from typed
    left join customers on typed.customer_id = customers.customer_id
    left join products on typed.product_id = products.product_id
    left join repeated_events
        on
            typed.source_file = repeated_events.source_file
            and typed.source_hash = repeated_events.source_hash
            and typed.source_line = repeated_events.source_line
),

judged as (
    select
        source_file,
        source_line,
        case when customer_id is not null then customer_number end as customer_number,
        case when customer_number is null then customer_id end as customer_id,
        product_number,
        event_type,
        happened_at,
        case
            when is_repeated then 'exact_duplicate'
            when customer_id is null then 'no_customer'
            when
                is_product_unreadable
                -- what is plain ASCII can be read
                or case
                    when not is_known and customer_id glob '*[! -~]*'
                        then regexp_matches(customer_id, '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]')
                end
                or strlen(customer_id) + coalesce(strlen(product_id), 0) > 600
                then 'unreadable_id'
            when happened_at is null then 'unparsable_date'
            when happened_at < timestamp '1990-01-01 00:00:00' or happened_at >= timestamp '2100-01-01 00:00:00'
                then 'date_out_of_range'
            when event_type is null then 'missing_event_type'
            when not is_known then 'unknown_customer'
        end as reason
    from looked_up
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
