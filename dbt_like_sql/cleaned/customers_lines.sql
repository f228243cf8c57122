-- one row is one customer record as it was read, judged: kept, set_aside or rejected, with the reason
-- grain: source_file, source_line
-- of several records of a customer the last one holds: by sign-up, then file, then line
-- of equal records the last one counts, too, since a record may become again what it was
-- the _repair columns name the rule by which a value was changed or emptied, else they are null
with

customer_records as (
    select
        source_file,
        source_hash,
        source_line,
        customer_id,
        birth_year,
        age,
        gender,
        location,
        signed_up_at,
        line_text
    from sources.customers
),

trimmed as (
    select
        source_file,
        source_hash,
        source_line,
        gender as given_gender,
        location as given_location,
        line_text is null as is_derived,
        case
            when lower(trim(customer_id)) not in (
                '', 'null', '(null)', '\n', 'nil', 'nan', 'na', 'n/a', 'n.a.', '#n/a', '<na>', '#ref!', '#value!',
                'none', 'unknown', 'undefined', 'anonymous', 'guest', 'total', 'grand total', 'subtotal', 'sum',
                'summe', 'gesamt', '-', '--', '---', '.', '..', '...', '?', '??', '???', '*', '/', '#'
            ) then trim(customer_id)
        end as customer_id,
        nullif(trim(birth_year), '') as birth_year,
        nullif(trim(age), '') as age,
        lower(nullif(trim(gender), '')) as gender,
        lower(nullif(regexp_replace(trim(location), '[ ]+', ' ', 'g'), '')) as location,
        nullif(trim(signed_up_at), '') as signed_up_at,
        line_text is not null
        and row_number() over (partition by line_text order by source_file desc, source_line desc) > 1 as is_repeated
    from customer_records
),

typed as (
    select
        source_file,
        source_hash,
        source_line,
        given_gender,
        given_location,
        is_derived,
        customer_id,
        gender,
        is_repeated,
        birth_year is not null as is_birth_year_given,
        age is not null as is_age_given,
        signed_up_at is not null as is_sign_up_given,
        try_cast(birth_year as decimal(18, 3)) as birth_year,
        try_cast(age as decimal(18, 3)) as age,
        -- names of up to three letters are abbreviations (UK, USA), others are written Like This
        case
            when length(location) <= 3 then upper(location)
            else array_to_string(
                list_transform(
                    string_split(location, ' '), lambda word: upper(left(word, 1)) || substr(word, 2)
                ),
                ' '
            )
        end as location,
        cast(try_strptime(signed_up_at, $date_format) as date) as signed_up_date
    from trimmed
),

ranged as (
    select
        source_file,
        source_hash,
        source_line,
        given_gender,
        given_location,
        is_derived,
        customer_id,
        gender,
        location,
        is_repeated,
        is_birth_year_given,
        is_age_given,
        is_sign_up_given,
        birth_year as given_birth_year,
        age as given_age,
        signed_up_date as given_sign_up,
        case
            when signed_up_date >= date '1990-01-01' and signed_up_date < date '2100-01-01' then signed_up_date
        end as signed_up_at,
        case when age between 10 and 110 then cast(floor(age) as integer) end as age,
        case
            when gender in ('female', 'f', 'w', 'woman') then 'female'
            when gender in ('male', 'm', 'man') then 'male'
            when gender in ('other', 'o', 'd', 'x', 'diverse', 'divers', 'nonbinary', 'non-binary') then 'other'
        end as normal_gender
    from typed
),

repaired as (
    select
        source_file,
        source_hash,
        source_line,
        is_derived,
        customer_id,
        is_repeated,
        age,
        normal_gender as gender,
        location,
        signed_up_at,
        -- at sign-up, or at the latest by 2100, a customer is 10 to 110 years old
        case
            when given_birth_year not between 1880 and 2090 then null
            when year(signed_up_at) - given_birth_year not between 10 and 110 then null
            else cast(floor(given_birth_year) as integer)
        end as birth_year,
        case
            when not is_birth_year_given then null
            when given_birth_year is null then 'unparsable_number'
            when given_birth_year not between 1880 and 2090 then 'out_of_range'
            when year(signed_up_at) - given_birth_year not between 10 and 110 then 'out_of_range'
        end as birth_year_repair,
        case
            when not is_age_given or age is not null then null
            when given_age is null then 'unparsable_number'
            else 'out_of_range'
        end as age_repair,
        case
            when gender is null or normal_gender = given_gender then null
            when normal_gender is null then 'unknown_word'
            else 'normal_spelling'
        end as gender_repair,
        case when location <> given_location then 'normal_spelling' end as location_repair,
        case
            when not is_sign_up_given or signed_up_at is not null then null
            when given_sign_up is null then 'unparsable_date'
            else 'out_of_range'
        end as signed_up_at_repair
    from ranged
),

ranked as (
    select
        source_file,
        source_hash,
        source_line,
        is_derived,
        customer_id,
        birth_year,
        age,
        gender,
        location,
        signed_up_at,
        birth_year_repair,
        age_repair,
        gender_repair,
        location_repair,
        signed_up_at_repair,
        is_repeated,
        row_number() over (
            partition by customer_id, is_repeated
            order by signed_up_at desc nulls last, source_file desc, source_line desc
        ) as recency
    from repaired
),

judged as (
    select
        source_file,
        source_hash,
        source_line,
        is_derived,
        customer_id,
        birth_year,
        age,
        gender,
        location,
        signed_up_at,
        birth_year_repair,
        age_repair,
        gender_repair,
        location_repair,
        signed_up_at_repair,
        case
            when is_repeated then 'exact_duplicate'
            when customer_id is null then 'missing_id'
            when
                regexp_matches(concat(customer_id), '[\p{C}\p{Zl}\p{Zp}\x{FFFD}]')
                or strlen(concat(customer_id)) > 600
                then 'unreadable_id'
            when recency > 1 then 'superseded'
        end as reason
    from ranked
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
    customer_id,
    birth_year,
    age,
    gender,
    location,
    signed_up_at,
    birth_year_repair,
    age_repair,
    gender_repair,
    location_repair,
    signed_up_at_repair,
    is_derived
from judged
