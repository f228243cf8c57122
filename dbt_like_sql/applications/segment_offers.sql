-- one row per segment and product that takes a larger share of its customers' purchases than of everybody's
-- grain: as_of, segment_id, rank
with

customer_segments as (
    select
        customer_id,
        segment_id,
        segment_name
    from applications.customer_segments
    where as_of = $as_of
),

transactions as (
    select distinct
        customer_id,
        product_id
    from cleaned.transactions
    where
        product_id is not null
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

purchases as (
    select
        customer_segments.segment_id,
        customer_segments.segment_name,
        transactions.customer_id,
        transactions.product_id
    from transactions
    inner join customer_segments
        on transactions.customer_id = customer_segments.customer_id
),

segment_purchases as (
    select
        segment_id,
        segment_name,
        count(*) as purchase_count
    from purchases
    group by segment_id, segment_name
),

all_purchases as (
    select sum(purchase_count) as purchase_count
    from segment_purchases
),

product_buyers as (
    select
        segment_id,
        product_id,
        count(*) as buyer_count,
        sum(count(*)) over (partition by product_id) as overall_buyer_count
    from purchases
    group by segment_id, product_id
),

-- shares of what was bought, not of who bought it: else those who buy a lot over-buy everything
shares as (
    select
        segment_purchases.segment_id,
        segment_purchases.segment_name,
        product_buyers.product_id,
        product_popularity.product_name,
        product_buyers.buyer_count,
        cast(product_buyers.buyer_count as double) / segment_purchases.purchase_count as share_in_segment,
        cast(product_buyers.overall_buyer_count as double) / all_purchases.purchase_count as share_overall,
        segment_purchases.purchase_count
        * cast(product_buyers.overall_buyer_count as double) / all_purchases.purchase_count as expected_buyer_count
    from product_buyers
    inner join segment_purchases
        on product_buyers.segment_id = segment_purchases.segment_id
    inner join product_popularity
        on product_buyers.product_id = product_popularity.product_id
    cross join all_purchases
    where product_buyers.buyer_count >= 10
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
