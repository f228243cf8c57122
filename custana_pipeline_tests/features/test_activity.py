import math

import pytest

from custana_pipeline_tests.features.tiny_shop import TinyShop


def test_a_purchase_on_the_day_itself_is_not_yet_known(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-31")
    shop.buys("ann", "2020-02-01")
    shop.buys("bob", "2020-02-01")
    shop.build("2020-02-01")
    assert shop.customers("activity") == ["ann"]
    assert shop.of("activity")["purchase_frequency"] == 1


def test_a_purchase_on_the_day_before_is_one_day_ago(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-31")
    assert shop.build("2020-02-01").of("activity")["recency_days"] == 1


def test_a_return_is_not_a_purchase(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", 10)
    shop.buys("ann", "2020-01-20", 4, returned=True)
    shop.buys("bob", "2020-01-20", 4, returned=True)
    shop.build("2020-02-01")
    assert shop.customers("activity") == ["ann"]
    row = shop.of("activity")
    assert (row["purchase_frequency"], row["recency_days"], row["last_amount"]) == (1, 31, 10.0)
    assert (row["purchase_amount"], row["net_amount"], row["net_amount_30d"]) == (10.0, 6.0, -4.0)
    assert (row["return_count"], row["return_amount_365d"], row["return_share"]) == (1, 4.0, 0.4)
    assert row["days_since_return"] == 12


def test_the_summary_is_that_of_bg_nbd(shop: TinyShop) -> None:
    for day, amount in (("2020-01-01", 100), ("2020-01-11", 20), ("2020-01-31", 40)):
        shop.buys("ann", day, amount)
    row = shop.build("2020-02-10").of("activity")
    assert (row["repeat_count"], row["active_span_days"], row["tenure_days"]) == (2, 30, 40)
    assert row["tenure_days"] == row["active_span_days"] + row["recency_days"]
    assert row["mean_repeat_amount"] == 30.0
    assert row["mean_amount"] == pytest.approx(160 / 3)


def test_windows_end_on_the_day_before_as_of(shop: TinyShop) -> None:
    for day in ("2020-12-25", "2020-12-24", "2020-12-02", "2020-12-01", "2020-10-03", "2020-10-02", "2020-07-05"):
        shop.buys("ann", day, 10, units=2)
    shop.buys("ann", "2020-07-04")
    row = shop.build("2021-01-01").of("activity")
    counted = [row[f"purchase_days_{window}"] for window in ("7d", "30d", "90d", "prior_90d", "365d")]
    assert counted == [1, 3, 5, 2, 8]
    assert [row[f"purchase_amount_{window}"] for window in ("7d", "30d", "90d")] == [10.0, 30.0, 50.0]
    assert [row[f"unit_count_{window}"] for window in ("7d", "30d", "90d")] == [2.0, 6.0, 10.0]


def test_the_horizon_a_year_ago_is_counted_in_whole_weeks(shop: TinyShop) -> None:
    for day in ("2019-12-01", "2020-01-02", "2020-01-03", "2020-02-01", "2020-02-02"):
        shop.buys("ann", day, 10)
    row = shop.build("2021-01-01", horizon_days=30).of("activity")
    assert (row["purchase_days_year_ago"], row["purchase_amount_year_ago"]) == (2, 20.0)


def test_a_short_history_knows_no_year_ago(shop: TinyShop) -> None:
    shop.buys("ann", "2020-02-01")
    row = shop.build("2021-01-01").of("activity")
    assert row["history_days"] == 335
    assert row["purchase_days_year_ago"] is None
    assert row["purchase_amount_year_ago"] is None


def test_history_begins_with_the_first_line_of_anybody(shop: TinyShop) -> None:
    shop.buys("bob", "2019-01-01", returned=True)
    shop.buys("ann", "2020-01-01")
    assert shop.build("2020-01-11").of("activity")["history_days"] == 375


def test_a_purchase_counts_half_after_the_half_life(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-02", 8)
    row = shop.build("2020-02-01").of("activity")
    assert (row["decayed_purchase_days_30d"], row["decayed_amount_30d"]) == (0.5, 4.0)
    assert row["decayed_purchase_days_90d"] == pytest.approx(0.5 ** (1 / 3), abs=1e-6)


def test_gaps_lie_between_purchases(shop: TinyShop) -> None:
    for day in ("2020-01-01", "2020-01-11", "2020-01-31"):
        shop.buys("ann", day)
    shop.buys("ann", "2020-02-05", returned=True)
    row = shop.build("2020-03-01").of("activity")
    assert (row["mean_gap_days"], row["max_gap_days"], row["last_gap_days"]) == (15.0, 20.0, 20.0)
    assert row["std_gap_days"] == pytest.approx(math.sqrt(50))
    assert row["recency_to_mean_gap"] == 2.0


def test_one_purchase_has_no_gap(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01")
    row = shop.build("2020-03-01").of("activity")
    names = ("mean_gap_days", "std_gap_days", "max_gap_days", "last_gap_days", "recency_to_mean_gap")
    assert [row[name] for name in names] == [None] * 5
    assert row["mean_repeat_amount"] is None


def test_the_trend_is_a_log_ratio_of_two_quarters(shop: TinyShop) -> None:
    for day in ("2020-12-01", "2020-12-02", "2020-12-03"):
        shop.buys("ann", day, 1)
    row = shop.build("2021-01-01").of("activity")
    assert row["purchase_days_trend"] == pytest.approx(math.log(4))
    assert row["purchase_amount_trend"] == pytest.approx(math.log(4))


def test_saturdays_and_sundays_are_the_weekend(shop: TinyShop) -> None:
    for day in ("2021-01-01", "2021-01-02", "2021-01-03", "2021-01-04"):
        shop.buys("ann", day)
    assert shop.build("2021-02-01").of("activity")["weekend_share"] == 0.5


def test_without_money_amounts_are_null_and_counts_are_not(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", None)
    shop.buys("ann", "2020-01-08", None, returned=True)
    row = shop.build("2020-02-01").of("activity")
    money = [name for name in row if "amount" in name or name == "return_share"]
    assert {name: row[name] for name in money} == dict.fromkeys(money)
    assert (row["purchase_frequency"], row["return_count"], row["unit_count"]) == (1, 1, 1.0)


def test_money_that_was_not_spent_in_a_window_is_zero_and_not_null(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", 10)
    row = shop.build("2020-12-01").of("activity")
    assert (row["purchase_amount_30d"], row["net_amount_90d"], row["return_amount"]) == (0.0, 0.0, 0.0)
