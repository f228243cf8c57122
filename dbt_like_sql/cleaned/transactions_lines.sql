-- one row is one order line as it was read, judged: kept, set_aside or rejected, with the reason
-- grain: source_file, source_line
-- increment: 0bab73014bac (new lines can be judged alone, beside old ones of the same text)
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

hashed_lines as (
    select hash(line_text) as text_hash
    from sources.transactions
    where line_text is not null and not $keep_identical_lines
),

-- few lines share their text with another one: a hash of all finds these cheaply, and only they are compared;
-- to number the lines of each hash takes two thirds of counting them
shared_hashes as (
    select text_hash
    from hashed_lines
    qualify row_number() over (partition by text_hash) = 2
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
        trimmed.customer_id,
        trimmed.product_id,
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
        product_id,
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
        product_id,
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
                case
                    -- what is plain ASCII can be read
                    when order_id glob '*[! -~]*' or customer_id glob '*[! -~]*' or product_id glob '*[! -~]*'
                        then
                            regexp_matches(concat(order_id, customer_id, product_id), '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]')
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
    judged.source_file,
    cast(judged.source_line as bigint) as source_line,
    -- each word is cast by itself, since a cast of what the case yields would look up the text of every row
    case
        when judged.reason is null then cast('kept' as enum('kept', 'set_aside', 'rejected'))
        when judged.reason in ('exact_duplicate', 'no_customer') or judged.reason = judged.set_aside_reason
            then cast('set_aside' as enum('kept', 'set_aside', 'rejected'))
        else cast('rejected' as enum('kept', 'set_aside', 'rejected'))
    end as status,
    judged.reason,
    coalesce(judged.order_id, judged.customer_id || '@' || cast(judged.ordered_date as varchar)) as order_id,
    customer_numbers.customer_number,
    product_numbers.product_number,
    judged.ordered_at,
    judged.ordered_date,
    cast(case when judged.is_return then -abs(judged.quantity) else judged.quantity end as decimal(18, 3)) as quantity,
    cast(judged.unit_price as decimal(18, 4)) as unit_price,
    cast(case when judged.is_return then -abs(judged.amount) else judged.amount end as decimal(18, 2)) as amount,
    judged.is_return,
    judged.order_id is null as is_order_id_made
from judged
left join cleaned.customer_numbers as customer_numbers on judged.customer_id = customer_numbers.customer_id
left join cleaned.product_numbers as product_numbers on judged.product_id = product_numbers.product_id
