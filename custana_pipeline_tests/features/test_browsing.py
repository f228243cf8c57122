from custana_pipeline_tests.features.tiny_shop import TinyShop


def counts(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in ("as_of", "customer_id")}


def test_a_source_without_events_has_nulls_only(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01")
    assert set(counts(shop.build("2020-02-01").of("browsing")).values()) == {None}


def test_a_source_whose_events_all_lie_ahead_has_nulls_only(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01")
    shop.browses("ann", "2020-02-01 00:00", product="cup")
    assert set(counts(shop.build("2020-02-01").of("browsing")).values()) == {None}


def test_a_customer_who_never_browsed_has_zeros_and_the_longest_time_since(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01")
    shop.buys("bob", "2020-01-01")
    shop.browses("bob", "2020-01-02 10:00", product="cup")
    row = counts(shop.build("2020-02-01").of("browsing", "ann"))
    assert row.pop("days_since_event") == 31.0
    assert row.pop("cart_conversion_90d") is None
    assert set(row.values()) == {0.0}
    assert shop.of("browsing", "bob")["days_since_event"] == 30.0


def test_events_of_somebody_who_has_not_bought_yet_tell_nothing(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01")
    shop.buys("new", "2020-02-01")
    shop.browses("new", "2020-01-02 10:00", product="cup")
    assert set(counts(shop.build("2020-02-01").of("browsing")).values()) == {None}


def test_half_an_hour_of_silence_ends_a_session(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01")
    for time in ("10:00", "10:30", "11:00", "11:31"):
        shop.browses("ann", f"2020-01-31 {time}")
    row = shop.build("2020-02-01").of("browsing")
    assert (row["session_count_7d"], row["view_count_7d"], row["browsing_days_7d"]) == (2.0, 4.0, 1.0)


def test_a_session_over_midnight_belongs_to_the_day_it_began_on(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01")
    shop.browses("ann", "2020-01-30 23:50")
    shop.browses("ann", "2020-01-31 00:10")
    shop.build("2020-02-01")
    assert shop.frame("browsing_days")["session_count"].tolist() == [1, 0]
    assert shop.of("browsing")["browsing_days_30d"] == 2.0


def test_browsing_windows_end_on_the_day_before_as_of(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01")
    for day in ("2020-12-31", "2020-12-25", "2020-12-24", "2020-12-02", "2020-12-01", "2020-10-03", "2020-10-02"):
        shop.browses("ann", f"{day} 10:00")
    row = shop.build("2021-01-01").of("browsing")
    assert [row[f"view_count_{window}"] for window in ("7d", "30d", "90d")] == [2.0, 4.0, 6.0]


def test_what_was_viewed_and_never_bought_is_counted_once_a_product(shop: TinyShop) -> None:
    shop.buys("ann", "2019-06-01", product="cup")
    for product in ("cup", "pen", "pen", "hat"):
        shop.browses("ann", "2020-01-31 10:00", product=product)
    row = shop.build("2020-02-01").of("browsing")
    assert (row["viewed_product_count_90d"], row["viewed_unbought_count_90d"]) == (3.0, 2.0)


def test_events_that_name_no_product_leave_product_counts_null(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", product="cup")
    shop.browses("ann", "2020-01-31 10:00")
    row = shop.build("2020-02-01").of("browsing")
    assert row["view_count_7d"] == 1.0
    assert (row["viewed_product_count_90d"], row["viewed_unbought_count_90d"]) == (None, None)


def test_a_cart_converts_when_its_product_is_bought_since(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-10", product="cup")
    shop.buys("ann", "2020-01-20", product="pen")
    shop.browses("ann", "2020-01-11 10:00", "cart", "cup")
    shop.browses("ann", "2020-01-20 10:00", "cart", "pen")
    shop.browses("ann", "2020-01-21 10:00", "cart", "hat")
    shop.browses("ann", "2020-01-22 10:00", "cart", "bag")
    row = shop.build("2020-02-01").of("browsing")
    assert (row["cart_count_30d"], row["cart_conversion_90d"]) == (4.0, 0.25)
