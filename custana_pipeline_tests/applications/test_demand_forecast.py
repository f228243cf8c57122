"""Expected demand before and after returns."""

import datetime as dt

import pandas as pd
import pytest

from custana_pipeline.applications.contracts import DemandForecast
from custana_pipeline.applications.demand_forecast import demand_forecast, return_shares

DAY = dt.date(2024, 7, 1)


def _scores(*rows: tuple) -> pd.DataFrame:
    columns = ["customer_id", "expected_purchases", "expected_amount", "amount_lower", "amount_upper"]
    return pd.DataFrame(list(rows), columns=pd.Index(columns))


def _trade(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=pd.Index(["customer_id", "gross_amount_365d", "return_amount_365d"]))


def test_the_net_amount_takes_off_the_returns_to_expect() -> None:
    trade = _trade(("anna", 1000.0, 0.0), ("bert", 1000.0, 500.0))
    forecast = demand_forecast(_scores(("anna", 1, 100, 50, 150), ("bert", 1, 100, 50, 150)), trade, "m1", DAY)
    assert forecast["return_share"].tolist() == pytest.approx([0.125, 0.375])
    assert forecast["expected_net_amount"].tolist() == [87.5, 62.5]


def test_one_returned_order_of_a_new_customer_does_not_forecast_that_all_comes_back() -> None:
    trade = _trade(("old", 990.0, 0.0), ("new", 10.0, 10.0))
    shares = return_shares(trade).set_index("customer_id")["return_share"]
    assert shares["new"] < 0.05


def test_a_customer_without_recent_trade_has_everybodys_share() -> None:
    trade = _trade(("anna", 100.0, 10.0), ("gone", 0.0, 0.0))
    forecast = demand_forecast(_scores(("gone", 0.1, 10, 0, 40), ("unseen", 0.1, 10, 0, 40)), trade, "m1", DAY)
    assert forecast["expected_net_amount"].tolist() == [9.0, 9.0]


def test_more_returned_than_bought_leaves_nothing_and_not_less() -> None:
    forecast = demand_forecast(_scores(("anna", 1, 10, 0, 40)), _trade(("anna", 10.0, 500.0)), "m1", DAY)
    assert forecast["expected_net_amount"].tolist() == [0.0]


def test_the_interval_always_holds_the_expected_amount() -> None:
    scores = _scores(("anna", 1, 10.0, 12.0, 40.0), ("bert", 1, 50.0, 12.0, 40.0), ("cleo", 1, -3.0, -9.0, 4.0))
    forecast = demand_forecast(scores, _trade(), "m1", DAY)
    bounds = forecast[["lower_amount", "expected_amount", "upper_amount"]].to_numpy().tolist()
    assert bounds == [[10, 10, 40], [12, 50, 50], [0, 0, 4]]


def test_a_source_without_money_has_purchases_and_no_amounts() -> None:
    nan = float("nan")
    forecast = demand_forecast(_scores(("anna", 1.5, nan, nan, nan)), _trade(("anna", 0.0, 0.0)), "m1", DAY)
    assert forecast["expected_purchases"].tolist() == [1.5]
    assert forecast[["expected_amount", "expected_net_amount", "return_share"]].isna().all(axis=None)
    assert len(DemandForecast.validate(forecast)) == 1


def test_amounts_are_whole_cents() -> None:
    forecast = demand_forecast(_scores(("anna", 1.23456789, 10.0049, 1.239, 20.001)), _trade(), "m1", DAY)
    assert forecast[["expected_amount", "lower_amount", "upper_amount"]].to_numpy().tolist() == [[10.0, 1.24, 20.0]]
    assert forecast["expected_purchases"].tolist() == [1.234568]
