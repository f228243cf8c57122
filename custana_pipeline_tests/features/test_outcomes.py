from custana_pipeline_tests.features.tiny_shop import TinyShop


def test_outcomes_count_days_from_as_of_to_before_the_end_of_the_horizon(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", 1)
    shop.buys("ann", "2020-02-01", 10, order="1")
    shop.buys("ann", "2020-02-01", 20, order="2")
    shop.buys("ann", "2020-02-10", 40)
    shop.buys("ann", "2020-02-11", 80)
    row = shop.build("2020-02-01", outcomes_until="2020-02-11", horizon_days=10).of("outcomes")
    assert (row["future_purchase"], row["future_amount"], row["is_recommended"]) == (2, 70.0, True)


def test_a_customer_who_comes_not_again_has_zeros(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", 1)
    shop.buys("ann", "2020-02-03", 1, returned=True)
    row = shop.build("2020-02-01", outcomes_until="2020-03-01", horizon_days=10).of("outcomes")
    assert (row["future_purchase"], row["future_amount"], row["is_recommended"]) == (0, 0.0, False)


def test_a_customer_of_the_horizon_alone_is_not_yet_one(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01")
    shop.buys("bob", "2020-02-01")
    shop.buys("eve", "2020-01-01", returned=True)
    shop.build("2020-02-01", outcomes_until="2020-03-01", horizon_days=10)
    assert shop.customers("outcomes") == ["ann"]


def test_without_money_the_future_amount_is_null(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", None)
    shop.buys("ann", "2020-02-01", None)
    row = shop.build("2020-02-01", outcomes_until="2020-03-01", horizon_days=10).of("outcomes")
    assert (row["future_purchase"], row["future_amount"]) == (1, None)


def test_labels_are_absent_while_the_horizon_is_not_over(shop: TinyShop) -> None:
    shop.buys("ann", "2019-01-01")
    shop.buys("ann", "2020-01-05", 7)
    shop.build("2020-01-01", "2020-01-11", outcomes_until="2020-01-20", horizon_days=10)
    behavior = shop.frame("behavior")
    assert behavior["future_purchase"].tolist()[0] == 1.0
    for label in ("is_recommended", "future_purchase", "future_amount"):
        assert behavior[label].isna().tolist() == [False, True]
    assert shop.frame("segmentation")["future_amount"].isna().tolist() == [False, True]
