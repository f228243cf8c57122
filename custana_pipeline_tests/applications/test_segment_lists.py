"""Segments beside each other: profiles and offers, from a few rows."""

from custana_pipeline.applications.contracts import SegmentMigrations, SegmentOffers, SegmentProfiles
from custana_pipeline.applications.report_evidence import moves
from custana_pipeline_tests.applications.shop import Shop


def _two_segments(shop: Shop) -> None:
    for number in range(12):
        shop.puts_into(1, "Loyal", f"loyal{number}")
        shop.buys(f"loyal{number}", "tea", 10, amount=30)
        shop.buys(f"loyal{number}", "soap", 20, amount=10)
        shop.knows(f"loyal{number}", birth_year=1984, gender="female", location="Oslo" if number < 10 else "Bergen")
        shop.expects(f"loyal{number}", 1.5, 20.0)
    for number in range(12):
        shop.puts_into(2, "Lost", f"lost{number}")
        shop.buys(f"lost{number}", "coffee", 80)
        shop.buys(f"lost{number}", "soap", 80)
        shop.knows(f"lost{number}", age=60)
        shop.expects(f"lost{number}", 0.25, 2.5)


def test_a_profile_tells_size_habits_and_expectations(shop: Shop) -> None:
    _two_segments(shop)
    shop.build("segment_profiles")
    profile = shop.frame("applications.segment_profiles").set_index("segment_name").loc["Loyal"]
    assert (profile["customers"], profile["share"]) == (12, 0.5)
    assert (profile["median_recency_days"], profile["mean_purchase_frequency"]) == (10, 2)
    assert (profile["mean_purchase_amount"], profile["mean_age"]) == (40, 40)
    assert (profile["top_gender"], profile["top_gender_share"]) == ("female", 1)
    assert (profile["expected_purchases"], profile["expected_amount"]) == (18, 240)


def test_a_location_of_fewer_than_ten_customers_is_not_named(shop: Shop) -> None:
    _two_segments(shop)
    shop.rows("delete from cleaned.customers where customer_id = 'loyal0'")
    shop.build("segment_profiles")
    assert shop.rows("select top_location from applications.segment_profiles where segment_name = 'Loyal'") == [(None,)]


def test_a_segment_of_fewer_than_ten_customers_shows_no_figures(shop: Shop) -> None:
    for number in range(9):
        shop.puts_into(1, "Few", f"few{number}")
        shop.buys(f"few{number}", "tea", 10)
        shop.expects(f"few{number}", 1.0, 2.0)
    shop.build("segment_profiles")
    query = """select customers, mean_purchase_amount, median_recency_days, expected_purchases, expected_amount
        from applications.segment_profiles"""
    assert shop.rows(query) == [(9, None, None, None, None)]


def test_an_offer_is_what_the_segment_buys_more_of_than_all_do(shop: Shop) -> None:
    _two_segments(shop)
    shop.build("product_popularity", "segment_offers")
    offers = shop.rows(
        "select segment_name, product_id, lift, buyers from applications.segment_offers order by segment_id"
    )
    assert offers == [("Loyal", "tea", 2.0, 12), ("Lost", "coffee", 2.0, 12)]


def test_fewer_than_ten_buyers_make_no_offer(shop: Shop) -> None:
    for number in range(9):
        shop.puts_into(1, "Few", f"few{number}")
        shop.buys(f"few{number}", "tea", 10)
    shop.puts_into(2, "Others", "other")
    shop.buys("other", "coffee", 10)
    shop.build("product_popularity", "segment_offers")
    assert shop.rows("select count(*) from applications.segment_offers") == [(0,)]


def test_profiles_and_offers_keep_their_contracts(shop: Shop) -> None:
    _two_segments(shop)
    shop.build("product_popularity", "segment_profiles", "segment_offers")
    assert len(SegmentProfiles.validate(shop.frame("applications.segment_profiles"))) == 2
    assert len(SegmentOffers.validate(shop.frame("applications.segment_offers"))) == 2


def many(kind: str, count: int) -> list[str]:
    return [f"{kind}{number}" for number in range(count)]


def migrations(shop: Shop) -> list[tuple]:
    shop.build("segment_migrations")
    return shop.rows(
        "select from_segment_name, to_segment_name, customers, share from applications.segment_migrations order by all"
    )


def test_migrations_tell_who_stayed_who_went_and_who_is_new(shop: Shop) -> None:
    shop.had_put_into(1, "Loyal", *many("loyal", 40))
    shop.puts_into(1, "Loyal", *many("loyal", 40)[10:])
    shop.puts_into(2, "Lost", *many("loyal", 40)[:10])
    shop.puts_into(3, "New", *many("new", 12))
    assert migrations(shop) == [
        ("Loyal", "Lost", 10, 0.25),
        ("Loyal", "Loyal", 30, 0.75),
        ("new customer", "New", 12, 1.0),
    ]


def test_moves_of_fewer_than_ten_customers_are_told_together_or_not_at_all(shop: Shop) -> None:
    shop.had_put_into(1, "Loyal", *many("loyal", 20))
    shop.had_put_into(2, "Lost", *many("lost", 20))
    shop.puts_into(1, "Loyal", *many("lost", 4), *many("loyal", 20)[12:])
    shop.puts_into(2, "Lost", *many("lost", 20)[4:], *many("loyal", 6))
    shop.puts_into(3, "At risk", *many("loyal", 12)[6:])
    assert migrations(shop) == [("Lost", "Lost", 16, 0.8), ("Loyal", "all others", 20, 1.0)]


def test_small_rests_of_several_segments_are_folded_into_one(shop: Shop) -> None:
    shop.had_put_into(1, "Loyal", *many("loyal", 20))
    shop.had_put_into(2, "Lost", *many("lost", 20))
    shop.puts_into(1, "Loyal", *many("lost", 5), *many("loyal", 20)[5:])
    shop.puts_into(2, "Lost", *many("lost", 20)[5:], *many("loyal", 5))
    folded = ("all others", "all others", 10, None)
    assert migrations(shop) == [("Lost", "Lost", 15, 0.75), ("Loyal", "Loyal", 15, 0.75), folded]


def test_migrations_start_from_the_newest_list_before_and_never_from_a_later_one(shop: Shop) -> None:
    everybody = many("loyal", 12)
    shop.had_put_into(1, "Loyal", *everybody, days_ago=30)
    shop.had_put_into(2, "Lost", *everybody, days_ago=2)
    shop.had_put_into(4, "Champions", *everybody, days_ago=-1)
    shop.puts_into(3, "New", *everybody)
    assert migrations(shop) == [("Lost", "New", 12, 1.0)]
    assert (
        shop.rows("select distinct previous_as_of from applications.segment_migrations")[0][0].isoformat()
        == "2024-06-29"
    )


def test_the_first_list_has_no_migrations(shop: Shop) -> None:
    shop.puts_into(1, "Loyal", *many("loyal", 12))
    assert migrations(shop) == []
    empty = shop.frame("applications.segment_migrations").astype({"from_segment_name": "str", "to_segment_name": "str"})
    assert len(SegmentMigrations.validate(empty)) == 0


def test_the_report_tells_of_those_who_are_elsewhere_only(shop: Shop) -> None:
    shop.had_put_into(1, "Loyal", *many("loyal", 40))
    shop.puts_into(1, "Loyal", *many("loyal", 40)[15:])
    shop.puts_into(2, "Lost", *many("loyal", 40)[:15])
    migrations(shop)
    made = SegmentMigrations.validate(shop.frame("applications.segment_migrations"))
    assert [(move.before, move.now, move.customers) for move in moves(made)] == [("Loyal", "Lost", 15)]


def test_the_report_tells_of_small_moves_that_are_ten_or_more_together(shop: Shop) -> None:
    shop.had_put_into(1, "Loyal", *many("loyal", 20))
    shop.had_put_into(2, "Lost", *many("lost", 20))
    shop.puts_into(1, "Loyal", *many("lost", 5), *many("loyal", 20)[5:])
    shop.puts_into(2, "Lost", *many("lost", 20)[5:], *many("loyal", 5))
    migrations(shop)
    told = moves(shop.frame("applications.segment_migrations"))
    assert [(move.before, move.now, move.customers) for move in told] == [("all others", "all others", 10)]
