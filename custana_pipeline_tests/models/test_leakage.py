"""Features that give the outcome away."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.leakage import leaked_features, why_leaked


def rows(count: int = 400) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rate = random.gamma(1.0, 1.0, count)
    bought = random.poisson(rate)
    return pd.DataFrame(
        {
            "rate": rate,
            "copy": bought > 0,
            "turned": -1.0 * bought + random.normal(0, 0.001, count),
            "told": np.where(bought > 0, "came again", "gone"),
            "amount_copy": bought * 10.0 + random.normal(0, 0.1, count),
            "is_recommended": bought > 0,
            "future_purchase": bought.astype(float),
        }
    )


def test_a_copy_of_the_label_is_found_whatever_its_kind() -> None:
    found = leaked_features(rows(), ("rate", "copy", "turned", "told"), "is_recommended")
    assert set(found) == {"copy", "turned", "told"}


def test_a_copy_of_the_amount_is_found_and_an_honest_rate_is_not() -> None:
    assert set(leaked_features(rows(), ("rate", "amount_copy", "told"), "future_purchase")) == {"amount_copy"}


def test_customers_as_regular_as_a_clock_are_no_leak() -> None:
    regular = rows().assign(btyd_purchases=lambda each: each["future_purchase"] * 0.97)
    assert leaked_features(regular, ("rate", "amount_copy", "btyd_purchases"), "future_purchase") == {}


def test_the_reason_names_the_feature_and_the_mend_and_no_value() -> None:
    told = why_leaked({"copy": 1.0}, "is_recommended")
    assert "copy (1.000)" in told
    assert "before as_of" in told


@pytest.mark.parametrize("seed", range(10))
def test_chance_alone_is_no_leak(seed: int) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({f"noise_{each}": random.normal(size=60) for each in range(40)})
    frame["is_recommended"] = random.random(60) < 0.3
    assert leaked_features(frame, tuple(name for name in frame if name != "is_recommended"), "is_recommended") == {}


def test_an_outcome_that_is_the_same_for_all_leaks_nothing() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "is_recommended": [True] * 3})
    assert leaked_features(frame, ("a",), "is_recommended") == {}


def test_a_number_that_is_only_there_for_buyers_is_a_leak_whatever_it_says():
    random = np.random.default_rng(3)
    bought = random.random(300) < 0.4
    rows = pd.DataFrame({"is_recommended": bought, "next_order_days": np.where(bought, random.random(300), np.nan)})
    assert leaked_features(rows, ("next_order_days",), "is_recommended") == {"next_order_days": 1.0}
