-- one row per segment and product that takes a larger share of its customers' purchases than of everybody's
-- grain: as_of, segment_id, rank
with

customer_segments as (
    select
        customer_numbers.customer_number,
        customer_segments.segment_id,
        customer_segments.segment_name
    from applications.customer_segments
    inner join cleaned.customer_numbers as customer_numbers
        on customer_segments.customer_id = customer_numbers.customer_id
    where customer_segments.as_of = $as_of
),

transactions as (
    select distinct
        customer_number,
        product_number
    from cleaned.numbered_transactions
    where
        product_number is not null
        and not is_return
        and ordered_date >= $as_of - interval 365 day
        and ordered_date < $as_of
),

product_popularity as (
    select
        product_id,
        product_name
    from applications.product_popularity
    where as_of = $as_of
),

product_buyers as (
    select
        customer_segments.segment_id,
        transactions.product_number,
        count(*) as buyer_count
    from transactions
    inner join customer_segments
        on transactions.customer_number = customer_segments.customer_number
    group by customer_segments.segment_id, transactions.product_number
),

segment_names as (
    select distinct
        segment_id,
        segment_name
    from customer_segments
),

segment_purchases as (
    select
        product_buyers.segment_id,
        segment_names.segment_name,
        cast(sum(product_buyers.buyer_count) as bigint) as purchase_count
    from product_buyers
    inner join segment_names
        on product_buyers.segment_id = segment_names.segment_id
    group by product_buyers.segment_id, segment_names.segment_name
),

all_purchases as (
    select sum(purchase_count) as purchase_count
    from segment_purchases
),

overall_buyers as (
    select
        segment_id,
        product_number,
        buyer_count,
        sum(buyer_count) over (partition by product_number) as overall_buyer_count
    from product_buyers
),

-- shares of what was bought, not of who bought it: else those who buy a lot over-buy everything
shares as (
    select
        segment_purchases.segment_id,
        segment_purchases.segment_name,
        product_numbers.product_id,
        product_popularity.product_name,
        overall_buyers.buyer_count,
        cast(overall_buyers.buyer_count as double) / segment_purchases.purchase_count as share_in_segment,
        cast(overall_buyers.overall_buyer_count as double) / all_purchases.purchase_count as share_overall,
        segment_purchases.purchase_count
        * cast(overall_buyers.overall_buyer_count as double) / all_purchases.purchase_count as expected_buyer_count
    from overall_buyers
    inner join segment_purchases
        on overall_buyers.segment_id = segment_purchases.segment_id
    inner join cleaned.product_numbers as product_numbers
        on overall_buyers.product_number = product_numbers.product_number
    inner join product_popularity
        on product_numbers.product_id = product_popularity.product_id
    cross join all_purchases
    where overall_buyers.buyer_count >= 10
),

-- ten imagined buyers at lift 1 keep a product of eleven buyers from standing above one of three hundred
ranked as (
    select
        segment_id,
        segment_name,
        product_id,
        product_name,
        buyer_count,
        share_in_segment,
        share_overall,
        row_number() over (
            partition by segment_id
            order by round((buyer_count + 10) / (expected_buyer_count + 10), 6) desc, product_id asc
        ) as place
    from shares
    where share_in_segment > share_overall
)

select
    cast($as_of as date) as as_of,
    segment_id,
    segment_name,
    cast(place as bigint) as rank,
    product_id,
    product_name,
    cast(round(share_in_segment / share_overall, 4) as double) as lift,
    cast(buyer_count as bigint) as buyers,
    cast(round(share_in_segment, 6) as double) as share_in_segment,
    cast(round(share_overall, 6) as double) as share_overall
from ranked
where place <= 10
