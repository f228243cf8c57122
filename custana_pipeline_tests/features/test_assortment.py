import pytest

from custana_pipeline_tests.features.tiny_shop import TinyShop


def test_baskets_are_days_and_not_orders(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", 10, order="1", product="cup", units=3)
    shop.buys("ann", "2020-01-01", 10, order="2", product="pen", units=1)
    shop.buys("ann", "2020-01-02", 10, order="3", product="cup", units=2)
    row = shop.build("2020-02-01").of("assortment")
    assert (row["mean_basket_products"], row["mean_basket_units"], row["mean_unit_amount"]) == (1.5, 3.0, 5.0)


def test_a_product_is_repeated_when_bought_on_two_days(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", product="cup")
    shop.buys("ann", "2020-01-02", product="cup")
    shop.buys("ann", "2020-01-02", product="pen")
    shop.buys("ann", "2020-01-02", product="pen")
    row = shop.build("2020-02-01").of("assortment")
    assert (row["product_count"], row["repeat_product_share"], row["top_product_share"]) == (2.0, 0.5, 0.5)


def test_a_product_is_new_when_first_bought_in_the_last_quarter(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", product="cup")
    shop.buys("ann", "2020-12-01", product="cup")
    shop.buys("ann", "2020-12-01", product="pen")
    assert shop.build("2021-01-01").of("assortment")["new_product_share_90d"] == 0.5


def test_the_top_category_is_the_first_by_name_among_equals(shop: TinyShop) -> None:
    for product, category in (("cup", "Kitchen"), ("pen", "Desk"), ("odd", None)):
        shop.sells(product, category)
        shop.buys("ann", "2020-01-01", product=product)
    row = shop.build("2020-02-01").of("assortment")
    assert (row["top_category"], row["top_category_share"], row["category_count"]) == ("Desk", 0.5, 2.0)


def test_lines_that_name_no_product_have_no_mix(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", 10, units=2)
    row = shop.build("2020-02-01").of("assortment")
    assert (row["mean_basket_units"], row["mean_unit_amount"]) == (2.0, 5.0)
    absent = ("mean_basket_products", "product_count", "repeat_product_share", "top_product_share", "category_count")
    assert [row[name] for name in absent] == [None] * 5
    assert row["top_category"] is None


def test_what_was_sent_back_is_not_in_the_mix(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", product="cup")
    shop.buys("ann", "2020-01-02", product="pen", returned=True)
    row = shop.build("2020-02-01").of("assortment")
    assert (row["product_count"], row["mean_basket_units"]) == (1.0, pytest.approx(1.0))
