-- one row is one order line as it was read, judged: kept, set_aside or rejected, with the reason
-- grain: source_file, source_line
-- increment: 7e1b45d759e9 (new lines can be judged alone, beside old ones of the same text)
-- a line has the first reason that fits, in the order of the `judged` cases
-- numbers stand for the ids of customers and products, which cost three times as much to write
with

order_lines as (
    select
        source_file,
        source_hash,
        source_line,
        order_id,
        customer_id,
        product_id,
        ordered_at,
        quantity,
        unit_price,
        amount,
        set_aside_reason
    from sources.transactions
),

-- what is told of an id is told once, and not in each of its lines
customers as (
    select
        customer_id,
        customer_number,
        regexp_matches(customer_id, '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]') as is_unreadable,
        regexp_full_match(
            lower(customer_id),
            'null|\(null\)|\\n|nil|nan|na|n/a|n\.a\.|#n/a|<na>|#ref!|#value!|none|unknown|undefined|anonymous'
            || '|guest|total|grand total|subtotal|sum|summe|gesamt|-{1,3}|\.{1,3}|\?{1,3}|[*/#]'
        ) as is_nobody
    from cleaned.customer_numbers
),

products as (
    select
        product_id,
        product_number,
        regexp_matches(product_id, '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]') as is_unreadable
    from cleaned.product_numbers
),

-- what the pack has at all: without a quantity each line is one unit, without money there is none to miss
given_columns as (
    select
        count(quantity) > 0 as has_quantity,
        count(unit_price) + count(amount) > 0 as has_money
    from sources.transactions
),

trimmed as (
    select
        source_file,
        source_hash,
        source_line,
        nullif(trim(order_id), '') as order_id,
        nullif(trim(customer_id), '') as customer_id,
        nullif(trim(product_id), '') as product_id,
        -- nearly all are read as they stand, and only the others without their blanks
        cast(
            coalesce(
                try_strptime(ordered_at, $timestamp_format), try_strptime(trim(ordered_at), $timestamp_format)
            ) as timestamp
        ) as ordered_at,
        nullif(trim(quantity), '') as quantity,
        nullif(trim(unit_price), '') as unit_price,
        nullif(trim(amount), '') as amount,
        set_aside_reason
    from order_lines
),

-- few lines share their text with another one: hashes found beforehand tell which, and only they are compared
shared_hashes as (
    select text_hash
    from cleaned.shared_hashes
    where not $keep_identical_lines
),

repeated_lines as (
    select
        transactions.source_file,
        transactions.source_hash,
        transactions.source_line
    from sources.transactions
    inner join shared_hashes on hash(transactions.line_text) = shared_hashes.text_hash
    qualify
        row_number() over (
            partition by transactions.line_text order by transactions.source_file, transactions.source_line
        ) > 1
),

typed as (
    select
        trimmed.source_file,
        trimmed.source_line,
        trimmed.order_id,
        case when not coalesce(customers.is_nobody, false) then trimmed.customer_id end as customer_id,
        case when not customers.is_nobody then customers.customer_number end as customer_number,
        trimmed.product_id,
        products.product_number,
        coalesce(customers.is_unreadable, false) or coalesce(products.is_unreadable, false) as is_unreadable,
        trimmed.ordered_at,
        trimmed.set_aside_reason,
        repeated_lines.source_line is not null as is_repeated,
        given_columns.has_money,
        trimmed.quantity is not null as is_quantity_given,
        trimmed.unit_price is not null as is_price_given,
        trimmed.amount is not null as is_amount_given,
        case
            when trimmed.quantity is null and not given_columns.has_quantity then cast(1 as decimal(18, 3))
            else try_cast(trimmed.quantity as decimal(18, 3))
        end as quantity,
        try_cast(trimmed.unit_price as decimal(18, 4)) as unit_price,
        try_cast(trimmed.amount as decimal(18, 2)) as amount
    from trimmed
    cross join given_columns
    left join customers on trimmed.customer_id = customers.customer_id
    left join products on trimmed.product_id = products.product_id
    left join repeated_lines
        on
            trimmed.source_file = repeated_lines.source_file
            and trimmed.source_hash = repeated_lines.source_hash
            and trimmed.source_line = repeated_lines.source_line
),

priced as (
    select
        source_file,
        source_line,
        order_id,
        customer_id,
        customer_number,
        product_id,
        product_number,
        is_unreadable,
        set_aside_reason,
        is_repeated,
        has_money,
        is_quantity_given,
        is_price_given,
        is_amount_given,
        ordered_at,
        cast(ordered_at as date) as ordered_date,
        quantity,
        unit_price,
        case
            when is_amount_given then amount
            -- a product of numbers of everyday size fits the narrow types, which are ten times as quick
            when abs(quantity) < 1000000 and abs(unit_price) < 1000000
                then cast(
                    round(cast(quantity as decimal(9, 3)) * cast(unit_price as decimal(10, 4)), 2) as decimal(18, 2)
                )
            -- the wide type, since a product that overflows the narrow one would end the whole run
            else try_cast(round(cast(quantity as decimal(38, 3)) * unit_price, 2) as decimal(18, 2))
        end as amount
    from typed
),

judged as (
    select
        source_file,
        source_line,
        order_id,
        customer_id,
        customer_number,
        product_number,
        set_aside_reason,
        ordered_at,
        ordered_date,
        quantity,
        unit_price,
        amount,
        coalesce(quantity < 0, false) or coalesce(amount < 0, false) as is_return,
        case
            when is_repeated then 'exact_duplicate'
            when set_aside_reason is not null then set_aside_reason
            when
                is_unreadable
                -- what is plain ASCII can be read
                or case
                    when order_id glob '*[! -~]*' then regexp_matches(order_id, '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]')
                end
                or coalesce(strlen(order_id), 0) + coalesce(strlen(customer_id), 0) + coalesce(strlen(product_id), 0)
                > 600
                then 'unreadable_id'
            when ordered_at is null then 'unparsable_date'
            when ordered_date < date '1990-01-01' or ordered_date >= date '2100-01-01' then 'date_out_of_range'
            when quantity is null and is_quantity_given then 'unparsable_quantity'
            when quantity is null then 'missing_quantity'
            when quantity = 0 then 'zero_quantity'
            when unit_price is null and is_price_given then 'unparsable_price'
            when unit_price < 0 and quantity > 0 then 'negative_price'
            when amount is null and (is_amount_given or is_price_given) then 'unparsable_amount'
            when amount is null and has_money then 'missing_amount'
            when customer_id is null then 'no_customer'
        end as reason
    from priced
)

select
    source_file,
    cast(source_line as bigint) as source_line,
    -- each word is cast by itself, since a cast of what the case yields would look up the text of every row
    case
        when reason is null then cast('kept' as enum('kept', 'set_aside', 'rejected'))
        when reason in ('exact_duplicate', 'no_customer') or reason = set_aside_reason
            then cast('set_aside' as enum('kept', 'set_aside', 'rejected'))
        else cast('rejected' as enum('kept', 'set_aside', 'rejected'))
    end as status,
    reason,
    coalesce(order_id, customer_id || '@' || cast(ordered_date as varchar)) as order_id,
    customer_number,
    product_number,
    ordered_at,
    ordered_date,
    cast(case when is_return then -abs(quantity) else quantity end as decimal(18, 3)) as quantity,
    cast(unit_price as decimal(18, 4)) as unit_price,
    cast(case when is_return then -abs(amount) else amount end as decimal(18, 2)) as amount,
    is_return,
    order_id is null as is_order_id_made
from judged
