from decimal import Decimal

from custana_pipeline_tests.features.tiny_shop import TinyShop


def test_several_orders_on_one_day_are_one_purchase(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", 10, order="1", product="cup", at="09:00")
    shop.buys("ann", "2020-01-01", 5, order="2", product="cup", at="23:59")
    row = shop.build("2020-02-01").of("purchase_days")
    assert (row["order_count"], row["line_count"], row["product_count"]) == (2, 2, 1)
    assert row["gross_amount"] == Decimal("15.00")
    assert shop.of("activity")["purchase_frequency"] == 1


def test_a_day_of_returns_only_is_no_purchase_day(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", 4, returned=True, units=2)
    row = shop.build("2020-02-01").of("purchase_days")
    assert not row["is_purchase_day"]
    assert (row["return_count"], row["return_amount"]) == (1, Decimal("4.00"))
    assert (row["gross_amount"], row["unit_count"], row["order_count"]) == (0, 0, 0)


def test_without_money_a_day_has_null_amounts_and_not_zero(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", None)
    shop.buys("ann", "2020-01-01", None, returned=True)
    row = shop.build("2020-02-01").of("purchase_days")
    assert row["gross_amount"] is None
    assert row["return_amount"] is None
