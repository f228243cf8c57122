"""Naive rules, and which of them the columns allow."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.baselines import (
    BaseRate,
    ColumnDemand,
    ColumnProbability,
    MeanDemand,
    MonotoneRate,
    OwnPace,
    TwoColumnRegressor,
)
from custana_pipeline.models.naive_rules import behavior_rules, demand_rules, nearest_window


def test_the_recency_rule_never_gives_a_longer_absent_customer_a_higher_probability() -> None:
    recency = np.repeat(np.arange(1, 101), 20)
    bought = (np.random.default_rng(0).random(len(recency)) < 30 / (30 + recency)).astype("int64")
    rule = MonotoneRate("recency_days").fit(pd.DataFrame({"recency_days": recency}), bought)
    probability = rule.predict_proba(pd.DataFrame({"recency_days": range(1, 200)}))[:, 1]
    assert (np.diff(probability) <= 0).all()
    assert 0 < probability.min() < probability.max() < 1


def test_a_customer_without_the_value_gets_the_base_rate() -> None:
    rule = MonotoneRate("recency_days").fit(pd.DataFrame({"recency_days": [1.0, 1, 9, 9]}), [1, 1, 0, 0])
    assert rule.predict_proba(pd.DataFrame({"recency_days": [None]}))[0, 1] == 0.5


def test_the_base_rate_is_the_same_for_everybody() -> None:
    rule = BaseRate().fit(pd.DataFrame({"recency_days": [1, 2, 3, 4]}), [1, 0, 0, 0])
    assert rule.predict_proba(pd.DataFrame({"recency_days": [7, 8]}))[:, 1].tolist() == [0.25, 0.25]


def test_last_years_revenue_is_scaled_to_the_horizon_and_returns_are_no_negative_demand() -> None:
    rule = OwnPace("purchase_amount_365d", 365, 73).fit(pd.DataFrame())
    customers = pd.DataFrame({"purchase_amount_365d": [500.0, -20.0, None]})
    assert rule.predict(customers).tolist() == [100.0, 0.0, 0.0]


def test_the_mean_customer_buys_the_mean() -> None:
    assert MeanDemand().fit(pd.DataFrame(), [1.0, 3.0]).predict(pd.DataFrame(index=range(2))).tolist() == [2.0, 2.0]


def test_a_missing_column_is_named_with_the_mend() -> None:
    rule = OwnPace("purchase_amount_365d", 365, 90).fit(pd.DataFrame())
    with pytest.raises(ContractBroken, match="purchase_amount_365d: build the features again"):
        rule.predict(pd.DataFrame({"recency_days": [1]}))


@pytest.mark.parametrize(("horizon_days", "window"), [(90, 90), (30, 30), (60, 90), (200, 365), (1, 7)])
def test_the_last_window_is_the_one_closest_to_the_horizon(horizon_days: int, window: int) -> None:
    columns = [f"purchase_days_{days}d" for days in (7, 30, 90, 365)]
    assert nearest_window(columns, "purchase_days", horizon_days) == (f"purchase_days_{window}d", window)


def test_a_frame_without_windows_still_has_a_naive_rule() -> None:
    assert list(behavior_rules(["age"], 90)) == ["base_rate"]
    assert list(behavior_rules(["recency_days", "purchase_frequency"], 90)) == [
        "base_rate",
        "recency_rule",
        "frequency_rule",
        "two_column_forest",
    ]
    assert list(demand_rules(["age"], "purchase_amount", 90)) == ["mean"]
    assert list(demand_rules(["purchase_days_90d", "purchase_days_365d"], "purchase_days", 90)) == [
        "mean",
        "last_window",
        "last_year_pace",
    ]


def test_the_same_window_last_year_bg_nbd_and_the_two_column_models_stand_beside() -> None:
    columns = ["purchase_frequency", "purchase_amount", "purchase_days_year_ago", "btyd_p_buy", "btyd_purchases"]
    assert {"year_ago_rule", "bg_nbd", "two_column_forest"} <= set(behavior_rules(columns, 90))
    assert {"year_ago_window", "bg_nbd", "two_column_linear"} <= set(demand_rules(columns, "purchase_days", 90))


def test_bg_nbd_brings_its_probability_and_the_base_rate_stands_in_where_it_is_missing() -> None:
    rule = ColumnProbability("btyd_p_buy").fit(pd.DataFrame(index=range(4)), [1, 0, 0, 0])
    assert rule.predict_proba(pd.DataFrame({"btyd_p_buy": [0.7, None]}))[:, 1].tolist() == [0.7, 0.25]


def test_a_demand_that_the_features_bring_is_never_negative_or_missing() -> None:
    rule = ColumnDemand("btyd_purchases").fit(pd.DataFrame())
    assert rule.predict(pd.DataFrame({"btyd_purchases": [1.5, None, -1.0]})).tolist() == [1.5, 0.0, 0.0]


def test_the_two_column_line_learns_from_the_newest_origin_alone() -> None:
    frame = pd.DataFrame({"as_of": [1, 1, 2, 2], "purchase_frequency": [1.0, 2.0, 1.0, 2.0]})
    rule = TwoColumnRegressor(LinearRegression(), ["purchase_frequency"]).fit(frame, [50.0, 90.0, 10.0, 20.0])
    assert rule.predict(frame.tail(2)) == pytest.approx([10.0, 20.0])
