"""Naive rules, and which of them the columns allow."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.baselines import BaseRate, MeanDemand, MonotoneRate, OwnPace
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
    ]
    assert list(demand_rules(["age"], "purchase_amount", 90)) == ["mean"]
    assert list(demand_rules(["purchase_days_90d", "purchase_days_365d"], "purchase_days", 90)) == [
        "mean",
        "last_window",
        "last_year_pace",
    ]
