"""What customers are worth: the horizon's forecast carried on over a year, net of returns, never below nothing."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.applications.contracts import CustomerValue
from custana_pipeline.applications.customer_value import (
    BY_DAYS_ALONE,
    RETURNS_EXCEED,
    customer_value,
    relative_bounds,
    rest_of_year,
    year_ratio,
)
from custana_pipeline.applications.demand_forecast import demand_forecast
from custana_pipeline.applications.report_evidence import value

DAY = dt.date(2024, 7, 1)
AMOUNTS = ("expected_amount", "expected_net_amount", "lower_amount", "upper_amount")


def _forecast(customers: int, amount: float | None = None, share: float = 0.1) -> pd.DataFrame:
    """A list demand_forecast of so many customers, c000 on, who are expected to spend 10, 20, 30 ... in turn."""
    names = pd.Series([f"c{number:03}" for number in range(customers)], dtype="str")
    amounts = [10.0 * (1 + number % 9) if amount is None else amount for number in range(customers)]
    scores = pd.DataFrame({"customer_id": names, "expected_purchases": 0.5, "expected_amount": amounts})
    scores = scores.assign(
        amount_lower=scores["expected_amount"] * 0.1, amount_upper=2 * scores["expected_amount"] + 20
    )
    trade = pd.DataFrame({"customer_id": names, "gross_amount_365d": 100.0, "return_amount_365d": 100.0 * share})
    return demand_forecast(scores, trade, "m1", DAY)


def _past(customers: int, net_amount_365d: float = 90.0) -> pd.DataFrame:
    """Their histories: first purchase 300 days ago, none to six repeats since, each with another last day."""
    repeats = np.arange(customers) % 7
    return pd.DataFrame(
        {
            "customer_id": pd.Series([f"c{number:03}" for number in range(customers)], dtype="str"),
            "repeat_count": repeats,
            "active_span_days": np.where(repeats > 0, 120 + np.arange(customers) % 11 * 15, 0),
            "tenure_days": 300,
            "purchase_days_365d": repeats + 1,
            "purchase_amount_365d": 20.0 * (repeats + 1),
            "net_amount_365d": net_amount_365d,
            "btyd_purchases": 0.4,
            "btyd_amount": 30.0,
        }
    )


def _values(customers: int, horizon_days: int = 90) -> pd.DataFrame:
    return customer_value(_forecast(customers), _past(customers), horizon_days, DAY)


@pytest.mark.parametrize("customers", [0, 1, 2, 10, 49, 200])
def test_any_number_of_customers_gets_values_that_keep_the_contract(customers: int) -> None:
    values = _values(customers)
    assert values["customer_id"].tolist() == [f"c{number:03}" for number in range(customers)]
    assert len(CustomerValue.validate(values)) == customers
    assert np.isfinite(values.select_dtypes("number").to_numpy(dtype=float)).all()


def test_the_horizon_adds_up_to_the_cent_with_the_net_amounts_of_the_forecast() -> None:
    forecast = _forecast(200, share=0.123)
    values = customer_value(forecast, _past(200), 90, DAY)
    cents = (100 * values["horizon_value"]).round().sum()
    assert cents == (100 * forecast["expected_net_amount"]).round().sum()


def test_the_order_of_the_rows_that_come_in_changes_nothing() -> None:
    turned = customer_value(_forecast(60)[::-1], _past(60)[::-1], 90, DAY)
    pd.testing.assert_frame_equal(turned, _values(60))


@pytest.mark.parametrize("horizon_days", [1, 30, 90, 364])
def test_a_year_is_worth_at_least_its_first_days(horizon_days: int) -> None:
    values = _values(200, horizon_days)
    assert (values["year_value"] >= values["horizon_value"]).all()
    assert (values["year_purchases"] >= _forecast(200)["expected_purchases"]).all()
    assert (values["year_upper"] >= values["horizon_upper"]).all()
    assert (values["year_lower"] >= values["horizon_lower"]).all()


def test_a_year_within_a_longer_horizon_is_a_part_of_it() -> None:
    values = _values(200, horizon_days=730)
    assert (values["year_value"] < values["horizon_value"]).all()
    assert (values["year_value"] >= values["horizon_value"] / 2 - 0.01).all()


def test_one_who_may_have_left_brings_less_in_the_rest_of_the_year() -> None:
    past = _past(200).assign(active_span_days=lambda told: np.where(told["repeat_count"] > 0, told.index % 290, 0))
    ratio, is_fitted = year_ratio(past, 90)
    assert is_fitted
    assert ((ratio >= 1) & (ratio <= 365 / 90)).all()
    assert ratio.min() < 0.95 * ratio.max()


def test_customers_of_one_history_and_one_forecast_have_one_value() -> None:
    values = customer_value(_forecast(40, amount=30.0), _past(40).assign(active_span_days=0), 90, DAY)
    alike = values[values.index % 7 == 0].drop(columns="customer_id")
    assert len(alike.drop_duplicates()) == 1


def test_the_season_of_the_horizon_is_not_carried_on_over_the_year() -> None:
    forecast, past = _forecast(50), _past(50)
    steady = customer_value(forecast, past, 90, DAY)
    doubled = forecast.assign(**{name: 2 * forecast[name] for name in ("expected_purchases", *AMOUNTS)})
    peak = customer_value(doubled, past, 90, DAY)
    for year, now in (("year_value", "expected_net_amount"), ("year_purchases", "expected_purchases")):
        assert (peak[year] - steady[year]).sum() == pytest.approx(forecast[now].sum(), abs=0.01)


def test_the_rest_of_the_year_goes_half_by_the_forecast_and_half_by_the_last_year() -> None:
    rest = rest_of_year(np.array([10.0, 30.0]), np.array([3.0, 3.0]), np.array([9.0, 1.0]), 40.0)
    assert rest.tolist() == pytest.approx([0.5 * 20 + 0.5 * 0.9 * 80, 0.5 * 60 + 0.5 * 0.1 * 80])
    nothing_last_year = rest_of_year(np.array([10.0, 30.0]), np.array([3.0, 3.0]), np.zeros(2), 0.0)
    assert nothing_last_year.tolist() == [20, 60]


def test_a_year_has_the_interval_of_a_horizon_forecast_of_its_size() -> None:
    forecast = pd.DataFrame(
        {"expected_amount": [0.0, 10, 40], "lower_amount": [0.0, 0, 20], "upper_amount": [5.0, 40, 80]}
    )
    lower, upper = relative_bounds(forecast, np.array([10.0, 25.0, 99.0]))
    assert lower == pytest.approx([0.0, 0.25, 0.5])
    assert upper == pytest.approx([4.0, 3.0, 2.0])


def test_where_nothing_is_expected_the_ends_are_the_amount_itself() -> None:
    lower, upper = relative_bounds(_forecast(3, amount=0.0), np.zeros(3))
    assert lower.tolist() == upper.tolist() == [1, 1, 1]


def test_without_repeat_purchases_to_learn_from_the_days_decide_and_the_note_says_so() -> None:
    today = _past(12).assign(repeat_count=0, active_span_days=0, tenure_days=0)
    today = today.assign(btyd_purchases=np.nan, btyd_amount=np.nan)
    values = customer_value(_forecast(12), today, 73, DAY)
    assert values["year_value"].sum() == pytest.approx(5 * values["horizon_value"].sum(), abs=0.1)
    assert set(values["note"]) == {BY_DAYS_ALONE}


def test_returns_above_purchases_leave_nothing_below_zero_and_are_said() -> None:
    forecast = _forecast(20, share=5.0)
    values = customer_value(forecast, _past(20, net_amount_365d=-400.0), 90, DAY)
    assert (values[["horizon_value", "horizon_lower", "year_value", "year_lower", "year_upper"]] == 0).all(axis=None)
    assert set(values["note"]) == {RETURNS_EXCEED}
    assert len(CustomerValue.validate(values)) == 20


def test_without_money_the_list_is_empty_and_has_its_columns() -> None:
    forecast = _forecast(5).assign(expected_amount=np.nan, expected_net_amount=np.nan)
    values = customer_value(forecast, _past(5), 90, DAY)
    assert (len(CustomerValue.validate(values)), tuple(values.columns)) == (0, tuple(_values(5).columns))
    assert value(values) is None


def test_the_best_tenth_by_the_value_of_the_year_is_the_first_decile() -> None:
    values = _values(200)
    best = values[values["value_decile"] == 1]["year_value"].min()
    assert (values[values["value_decile"] > 1]["year_value"] <= best).all()
    told = value(values)
    assert told is not None
    assert told.year == pytest.approx(values["year_value"].sum())
    assert 0.1 < told.best_tenth < 0.3
