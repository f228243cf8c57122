"""Past days of a large shop are looked at by a sample of customers, who have the features that they have anyway."""

from custana_pipeline.features.windows import LAST_PLACE, PAST_CUSTOMERS, last_place
from custana_pipeline_tests.features.tiny_shop import SNAPSHOTS, TinyShop

AS_OF = "2024-06-01"


def _shop(place: int) -> TinyShop:
    shop = TinyShop(last_place=place)
    for number in range(40):
        customer = f"c{number:02d}"
        shop.buys(customer, f"2024-0{1 + number % 5}-1{number % 9}", 5 + number, product=f"p{number % 4}")
        shop.buys(customer, f"2024-05-2{number % 7}", 7, product=f"p{number % 3}", units=2)
        shop.browses(customer, f"2024-0{2 + number % 4}-05 10:00", product=f"p{number % 4}")
        shop.knows(customer, age=20 + number)
    for product in ("p0", "p1", "p2", "p3"):
        shop.sells(product, "toys" if product < "p2" else "tea")
    return shop.build(AS_OF, outcomes_until="2024-12-01")


def test_a_sampled_customer_has_the_features_that_they_have_among_everybody() -> None:
    everybody, sampled = _shop(LAST_PLACE), _shop(LAST_PLACE // 2)
    chosen = sampled.customers("activity")
    assert 8 <= len(chosen) <= 32
    for table in ("activity", "assortment", "browsing", "demographics", "outcomes"):
        whole = everybody.frame(table)
        expected = whole[whole["customer_id"].isin(chosen)].reset_index(drop=True)
        assert sampled.frame(table).equals(expected), table


def test_every_table_looks_at_the_same_customers_of_a_day() -> None:
    shop = _shop(LAST_PLACE // 3)
    assert {tuple(shop.customers(table)) for table in SNAPSHOTS} == {tuple(shop.customers("activity"))}


def test_a_smaller_sample_is_part_of_a_larger_one() -> None:
    assert set(_shop(LAST_PLACE // 4).customers("activity")) < set(_shop(LAST_PLACE // 2).customers("activity"))


def test_the_trade_of_past_days_is_that_of_the_whole_shop() -> None:
    sampled, everybody = _shop(LAST_PLACE // 3), _shop(LAST_PLACE)
    assert sampled.bytes_of(["histories"]) == everybody.bytes_of(["histories"])


def test_a_shop_below_the_bound_is_looked_at_whole() -> None:
    assert last_place(0) == last_place(PAST_CUSTOMERS) == LAST_PLACE
    assert last_place(2 * PAST_CUSTOMERS) < LAST_PLACE
