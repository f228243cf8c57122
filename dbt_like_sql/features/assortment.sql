-- one row per customer with a purchase before as_of: what is in their baskets and how their lines spread over products
-- grain: as_of, customer_id
-- past days have the customers up to last_place only, where there are many
-- null where their lines name no product, or their products no category
with

days as (
    select unnest($days) as as_of
),

purchase_days as (
    select
        customer_number,
        ordered_date,
        sample_place,
        unit_count,
        gross_amount,
        product_count
    from features.purchase_days
    where is_purchase_day
),

baskets as (
    select
        days.as_of,
        purchase_days.customer_number,
        count(*) as purchase_frequency,
        sum(purchase_days.unit_count) as unit_count,
        sum(purchase_days.gross_amount) as purchase_amount,
        sum(purchase_days.product_count) as basket_product_count
    from purchase_days
    inner join days on purchase_days.ordered_date < days.as_of
    where days.as_of = $as_of or purchase_days.sample_place <= $last_place
    group by days.as_of, purchase_days.customer_number
),

sampled_customers as (
    select customer_number
    from features.purchase_days
    where is_purchase_day and sample_place <= $last_place
    group by customer_number
),

categories as (
    select
        category,
        row_number() over (order by category) as category_number
    from cleaned.products
    where category is not null
    group by category
),

products as (
    select
        product_numbers.product_number,
        cast(categories.category_number as integer) as category_number
    from cleaned.product_numbers as product_numbers
    left join cleaned.products as products on product_numbers.product_id = products.product_id
    left join categories on products.category = categories.category
),

-- the run's own day has everybody, whose lines are put in order and counted row by row (windows without partitions keep
-- the order of their rows), three quarters of the cost of groups; past days have few customers, each of whose
-- products is followed once through time instead of being counted for each day
lines as (
    select
        4294967296 * customer_number + product_number as pair,
        ordered_date
    from cleaned.numbered_transactions
    where not is_return and ordered_date < $as_of and product_number is not null
    order by pair, ordered_date
),

numbered_lines as (
    select
        pair,
        ordered_date,
        row_number() over () as line_number,
        lag(pair) over () as previous_pair,
        lead(pair) over () as next_pair
    from lines
),

-- of each pair of customer and product, the first and the last line are enough
end_lines as (
    select
        pair,
        ordered_date,
        line_number,
        coalesce(pair = previous_pair, false) as has_earlier,
        coalesce(pair = next_pair, false) as has_later
    from numbered_lines
    where pair is distinct from previous_pair or pair is distinct from next_pair
),

followed_lines as (
    select
        pair,
        ordered_date,
        line_number,
        has_later,
        case when has_earlier then lag(ordered_date) over () else ordered_date end as first_date,
        case when has_earlier then lag(line_number) over () else line_number end as first_number
    from end_lines
),

customer_products as (
    select
        cast(followed_lines.pair >> 32 as integer) as customer_number,
        products.category_number,
        followed_lines.line_number - followed_lines.first_number + 1 as line_count,
        followed_lines.first_date,
        followed_lines.ordered_date as last_date
    from followed_lines
    inner join products on followed_lines.pair & 4294967295 = products.product_number
    where not followed_lines.has_later
),

-- lines without a category are a group of their own; what is summed once more is cast, since a sum of integers is wide
own_categories as (
    select
        cast($as_of as date) as as_of,
        customer_number,
        category_number,
        cast(sum(line_count) as bigint) as line_count,
        max(line_count) as top_line_count,
        count(*) as product_count,
        count(case when first_date < last_date then 1 end) as repeat_product_count,
        count(case when date_diff('day', last_date, $as_of) <= 90 then 1 end) as recent_product_count,
        count(case when date_diff('day', first_date, $as_of) <= 90 then 1 end) as new_product_count
    from customer_products
    group by customer_number, category_number
),

sampled_lines as (
    select
        transactions.customer_number,
        transactions.product_number,
        products.category_number,
        transactions.ordered_date
    from cleaned.numbered_transactions as transactions
    inner join sampled_customers on transactions.customer_number = sampled_customers.customer_number
    inner join products on transactions.product_number = products.product_number
    where not transactions.is_return and transactions.ordered_date < $as_of
),

-- of each line, what the customer had bought of the product by then
followed_samples as (
    select
        customer_number,
        category_number,
        ordered_date,
        row_number() over same_product as product_line_number,
        first_value(ordered_date) over same_product as first_date,
        lag(ordered_date) over same_product as previous_date
    from sampled_lines
    window same_product as (partition by customer_number, product_number order by ordered_date)
),

-- a product is new with its first line, repeated with the first of its second day, and of the last 90 days with its
-- first line in them
past_categories as (
    select
        days.as_of,
        followed_samples.customer_number,
        followed_samples.category_number,
        count(*) as line_count,
        max(followed_samples.product_line_number) as top_line_count,
        count(case when followed_samples.previous_date is null then 1 end) as product_count,
        count(
            case
                when
                    followed_samples.previous_date < followed_samples.ordered_date
                    and followed_samples.previous_date = followed_samples.first_date
                    then 1
            end
        ) as repeat_product_count,
        count(
            case
                when
                    date_diff('day', followed_samples.ordered_date, days.as_of) <= 90
                    and (
                        followed_samples.previous_date is null
                        or date_diff('day', followed_samples.previous_date, days.as_of) > 90
                    )
                    then 1
            end
        ) as recent_product_count,
        count(
            case
                when
                    date_diff('day', followed_samples.ordered_date, days.as_of) <= 90
                    and followed_samples.previous_date is null
                    then 1
            end
        ) as new_product_count
    from followed_samples
    inner join days on followed_samples.ordered_date < days.as_of
    where days.as_of < $as_of
    group by days.as_of, followed_samples.customer_number, followed_samples.category_number
),

customer_categories as (
    select
        as_of,
        customer_number,
        category_number,
        line_count,
        top_line_count,
        product_count,
        repeat_product_count,
        recent_product_count,
        new_product_count
    from own_categories
    union all
    select
        as_of,
        customer_number,
        category_number,
        line_count,
        top_line_count,
        product_count,
        repeat_product_count,
        recent_product_count,
        new_product_count
    from past_categories
),

-- the highest mark is that of most lines, and among equals of the first category
mixes as (
    select
        as_of,
        customer_number,
        sum(product_count) as product_count,
        sum(line_count) as line_count,
        max(top_line_count) as top_line_count,
        sum(repeat_product_count) as repeat_product_count,
        sum(recent_product_count) as recent_product_count,
        sum(new_product_count) as new_product_count,
        count(category_number) as category_count,
        sum(case when category_number is not null then line_count end) as category_line_count,
        max(case when category_number is not null then line_count end) as top_category_line_count,
        max(line_count * 1000000000 - category_number) as top_mark
    from customer_categories
    group by as_of, customer_number
)

select
    baskets.as_of,
    customer_numbers.customer_id,
    cast(baskets.unit_count as double) / baskets.purchase_frequency as mean_basket_units,
    case
        when mixes.product_count is not null
            then cast(baskets.basket_product_count as double) / baskets.purchase_frequency
    end as mean_basket_products,
    cast(baskets.purchase_amount as double) / nullif(cast(baskets.unit_count as double), 0) as mean_unit_amount,
    cast(mixes.product_count as double) as product_count,
    cast(mixes.repeat_product_count as double) / mixes.product_count as repeat_product_share,
    cast(mixes.new_product_count as double) / nullif(mixes.recent_product_count, 0) as new_product_share_90d,
    cast(mixes.top_line_count as double) / mixes.line_count as top_product_share,
    cast(nullif(mixes.category_count, 0) as double) as category_count,
    cast(mixes.top_category_line_count as double) / mixes.category_line_count as top_category_share,
    cast(categories.category as varchar) as top_category
from baskets
inner join cleaned.customer_numbers as customer_numbers
    on baskets.customer_number = customer_numbers.customer_number
left join mixes on baskets.as_of = mixes.as_of and baskets.customer_number = mixes.customer_number
left join categories on mixes.top_category_line_count * 1000000000 - mixes.top_mark = categories.category_number
order by baskets.as_of, customer_numbers.customer_id
