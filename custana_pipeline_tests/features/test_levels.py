"""The trade of the whole shop: histories counted in SQL, and what a steady shop would have bought."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.features import levels
from custana_pipeline.features.levels import LEVEL_COLUMNS, trade_levels
from custana_pipeline.orchestration.assets.steady import build_levels
from custana_pipeline.stores.session import Session
from custana_pipeline_tests.features.tiny_shop import TinyShop, day


def histories(shop: TinyShop) -> pd.DataFrame:
    return shop.connection.execute("from features.histories order by all").df()


def test_customers_of_one_history_are_one_row(shop: TinyShop) -> None:
    for customer in ("ann", "bob"):
        shop.buys(customer, "2020-01-01", 10)
        shop.buys(customer, "2020-01-11", 20)
    shop.buys("ann", "2020-02-05", 40)
    shop.buys("bob", "2020-03-20", 80)
    shop.buys("eve", "2020-02-01", 99)
    shop.build("2020-02-01", outcomes_until="2020-05-01", horizon_days=60)
    (row,) = histories(shop).to_dict("records")
    assert (row["customer_count"], row["repeat_count"], row["active_span_days"], row["tenure_days"]) == (2, 1, 10, 31)
    assert row["purchase_amount"] == 60
    assert (row["near_buyers"], row["near_purchases"], row["near_amount"]) == (1, 1, 40)
    assert (row["future_buyers"], row["future_purchases"], row["future_amount"]) == (2, 2, 120)


def test_windows_that_are_not_over_are_null(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", 10)
    shop.buys("ann", "2020-02-05", 40)
    shop.build("2020-02-01", outcomes_until="2020-03-10", horizon_days=60)
    (row,) = histories(shop).to_dict("records")
    assert (row["near_buyers"], row["near_amount"]) == (1, 40)
    assert np.isnan(row["future_buyers"])
    assert np.isnan(row["future_amount"])


def test_without_money_amounts_are_null(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", None)
    shop.buys("ann", "2020-02-05", None)
    shop.build("2020-02-01", outcomes_until="2020-05-01", horizon_days=60)
    level = trade_levels(histories(shop), 60).iloc[0]
    assert level["future_purchases"] == 1
    assert np.isnan(level["future_amount"])
    assert np.isnan(level["steady_future_amount"])


def test_a_shop_that_goes_on_as_before_is_steady() -> None:
    random = np.random.default_rng(0)
    rate = random.gamma(0.8, 1 / 40, 4_000)
    before, after = random.poisson(rate * 300), random.poisson(rate * 90)
    rows = pd.DataFrame(
        {
            "as_of": pd.Timestamp("2020-01-01"),
            "repeat_count": before,
            "active_span_days": np.where(before > 0, np.round(300 * before / (before + 1)), 0),
            "tenure_days": 300,
            "customer_count": 1,
            "purchase_amount": 10.0 * (before + 1),
            "near_buyers": np.nan,
            "near_purchases": np.nan,
            "near_amount": np.nan,
            "future_buyers": (after > 0).astype(float),
            "future_purchases": after.astype(float),
            "future_amount": 10.0 * after,
        }
    )
    level = trade_levels(rows, 90).iloc[0]
    assert list(level.index) == list(LEVEL_COLUMNS)
    for measure in ("buyers", "purchases", "amount"):
        assert level[f"steady_future_{measure}"] == pytest.approx(level[f"future_{measure}"], rel=0.1)
    assert np.isnan(level["near_buyers"])


def test_a_day_without_customers_has_no_level() -> None:
    assert trade_levels(pd.DataFrame({"as_of": []}), 90).empty


def test_levels_of_earlier_rows_go_where_no_day_can_be_fitted(shop: TinyShop) -> None:
    for number in range(60):
        shop.buys(f"c{number}", f"2020-01-{1 + number % 20:02d}", 10)
        shop.buys(f"c{number % 30}", f"2020-01-{5 + number % 20:02d}", 20)
    session, days = Session(shop.build("2020-02-01").connection), [day("2020-02-01")]
    build_levels(session, days, 60)
    assert session.count("features.levels") == 1
    session.rows("delete from features.histories")
    build_levels(session, days, 60)
    assert session.count("features.levels") == 0


def test_a_day_of_many_histories_has_the_level_of_all_from_some(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    age = random.integers(1, 700, 20_000)
    repeats = random.poisson(random.gamma(0.7, 1 / 50, 20_000) * age)
    rows = pd.DataFrame(
        {
            "as_of": pd.Timestamp("2020-01-01"),
            "repeat_count": repeats,
            "active_span_days": np.where(repeats > 0, age * repeats // (repeats + 1), 0),
            "tenure_days": age,
            "customer_count": random.integers(1, 9, 20_000),
            "purchase_amount": 10.0 * (repeats + 1),
        }
    ).sort_values(["repeat_count", "active_span_days", "tenure_days"])
    rows = rows.assign(**{f"{window}_{each}": 1.0 for window in levels.WINDOWS for each in levels.MEASURES})
    everybody = trade_levels(rows, 90).drop(columns="as_of").iloc[0]
    monkeypatch.setattr(levels, "MOST_HISTORIES", 5_000)
    some = trade_levels(rows, 90).drop(columns="as_of").iloc[0]
    assert some["customer_count"] == everybody["customer_count"]
    assert some["history_days"] == everybody["history_days"]
    np.testing.assert_allclose(some.astype("float64"), everybody.astype("float64"), rtol=0.02)
