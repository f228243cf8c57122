"""Drift: what chance and the calendar do is no alarm, what a customer base does not do by itself is one."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from custana_pipeline.models.change import change_between, ks, psi
from custana_pipeline.models.drift import COLUMNS, DriftSettings, drift_between, equally_far_pairs, together

SIZES = [(300, 300), (3000, 3000)]
FEATURES = 60


def customers(seed: int, count: int) -> Any:
    """FEATURES columns as they come: normal, heavy-tailed, counts, partly missing, yes/no, mostly zero, and a text."""
    random = np.random.default_rng(seed)
    normal = random.normal(size=(count, FEATURES))
    kinds = (
        lambda x: x,
        lambda x: np.exp(2 * x),
        lambda x: np.floor(np.abs(2 * x)),
        lambda x: np.where(x > 0.5, np.nan, x),
        lambda x: (x > 1.2).astype(float),
        lambda x: np.where(x > 0.5, 0.0, np.exp(x)),
    )
    columns: dict[str, Any] = {
        f"feature_{number:02d}": kinds[number % len(kinds)](normal[:, number]) for number in range(FEATURES - 1)
    }
    columns["location"] = random.choice([f"town {number}" for number in range(12)], count)
    return pd.DataFrame(columns)


@pytest.mark.parametrize(("before", "now"), SIZES)
def test_unchanged_samples_raise_at_most_five_false_alarms_in_a_hundred(before: int, now: int) -> None:
    levels = [drift_between(customers(seed, before), customers(1000 + seed, now)).level for seed in range(100)]
    assert levels.count("alarm") <= 5
    assert levels.count("none") >= 95


@pytest.mark.parametrize(("before", "now"), SIZES)
def test_one_feature_shifted_by_a_standard_deviation_always_alarms(before: int, now: int) -> None:
    as_strict_as_a_whole_table = DriftSettings(false_alarm_share=DriftSettings().false_alarm_share / FEATURES)
    missed = []
    for seed in range(100):
        column = f"feature_{seed % (FEATURES - 1):02d}"
        reference, tonight = customers(seed, before)[[column]], customers(1000 + seed, now)[[column]]
        shifted = tonight + reference[column].std()
        if drift_between(reference, shifted, settings=as_strict_as_a_whole_table).level != "alarm":
            missed.append(column)
    assert missed == []


def test_the_shifted_feature_is_named_and_no_other() -> None:
    tonight = customers(2, 3000)
    drift = drift_between(customers(1, 3000), tonight.assign(feature_00=tonight["feature_00"] + 1))
    assert drift.columns_at("alarm") == ("feature_00",)
    assert drift.table.loc[0, "direction"].startswith("higher: median")
    assert "1 of 60 inputs and scores moved (1 by much): feature_00 (higher" in drift.note


def test_psi_without_change_is_distributed_as_its_source_says() -> None:
    random = np.random.default_rng(0)
    found = []
    for _ in range(400):
        before, now = pd.Series(random.normal(size=1000)), pd.Series(random.normal(size=500))
        found.append(change_between(before, now, 0.05))
    exceeded = np.mean([each.psi > each.psi_by_chance for each in found])
    assert 0.02 <= exceeded <= 0.08
    assert np.mean([each.psi for each in found]) == pytest.approx((1 / 1000 + 1 / 500) * 9, rel=0.1)
    assert np.mean([each.ks > each.ks_by_chance for each in found]) <= 0.07


def test_psi_is_the_sum_that_its_definition_gives() -> None:
    shares = [(np.array([30.5, 70.5]) / 101), (np.array([50.5, 50.5]) / 101)]
    expected = sum((now - before) * np.log(now / before) for before, now in zip(*shares, strict=True))
    assert psi(np.array([30, 70]), np.array([50, 50])) == pytest.approx(expected)


def test_the_distance_is_that_of_scipy() -> None:
    random = np.random.default_rng(0)
    for before, now in ((random.normal(size=300), random.normal(0.2, 1, 70)), (random.poisson(2, 50), np.ones(9))):
        expected: Any = ks_2samp(before, now, method="asymp")
        assert ks(np.sort(before.astype(float)), np.sort(now)) == pytest.approx(expected.statistic)


def test_numbers_are_counted_by_the_quantiles_of_before_and_those_that_are_none_apart() -> None:
    random = np.random.default_rng(4)
    before, now = random.poisson(3, 200).astype(float), random.poisson(4, 150) + random.choice([0, 0.5], 150)
    before[:7], now[:20] = np.nan, np.inf
    edges = np.unique(np.quantile(before[7:], np.arange(1, 10) / 10, method="inverted_cdf"))
    bins = [[int((edges < each).sum()) if np.isfinite(each) else -1 for each in side] for side in (before, now)]
    counts = np.array([[side.count(place) for place in range(-1, len(edges) + 1)] for side in bins])
    expected = psi(*counts[:, counts.sum(axis=0) > 0])
    assert change_between(pd.Series(before), pd.Series(now), 0.01).psi == pytest.approx(expected)


def snapshot(day: int, *, pause: float = 90.0) -> Any:
    """The customers of a shop that opened on day 0 and grows evenly, as of `day`."""
    random = np.random.default_rng(day)
    count = 4 * day
    joined = random.uniform(0, day, count)
    recency = np.minimum(random.exponential(pause, count), day - joined)
    return pd.DataFrame(
        {
            "tenure_days": np.ceil(day - joined),
            "recency_days": np.ceil(recency) + 1,
            "purchase_frequency": 1 + random.poisson((day - joined) / 120),
        }
    )


def test_columns_that_count_since_the_beginning_do_not_alarm_every_night() -> None:
    days = [200, 245, 290, 335, 380]
    pairs = equally_far_pairs([dt.date(2025, 1, 1) + dt.timedelta(days=day) for day in days], 90)
    assert len(pairs) == 4
    earlier = [(snapshot(before), snapshot(before + 90)) for before in (200, 245, 290)]
    alone = drift_between(snapshot(380).drop(columns="tenure_days"), snapshot(470).drop(columns="tenure_days"))
    assert drift_between(snapshot(380), snapshot(470), earlier).level == "none"
    assert alone.level in ("none", "warn")


def test_a_shop_whose_customers_fall_silent_alarms_although_its_history_grows() -> None:
    earlier = [(snapshot(before), snapshot(before + 90)) for before in (200, 245, 290)]
    drift = drift_between(snapshot(380), snapshot(470, pause=400.0), earlier)
    assert "recency_days" in drift.columns_at("alarm")
    assert "tenure_days" not in drift.columns_at("alarm")


def test_without_earlier_snapshots_a_mere_day_count_has_no_level() -> None:
    reference = pd.DataFrame({"tenure_days": np.arange(300.0)})
    drift = drift_between(reference, reference + 200)
    assert drift.level == "none"
    assert drift.table.loc[0, "psi"] > 1


def test_a_change_counts_only_beyond_what_earlier_snapshots_showed() -> None:
    random = np.random.default_rng(0)
    plain, moved, far = (pd.DataFrame({"recency_days": random.normal(mean, 1, 2000)}) for mean in (0.0, 1.0, 2.5))
    assert drift_between(plain, moved).level == "alarm"
    assert drift_between(plain, moved, [(plain, moved)]).level == "none"
    assert drift_between(plain, far, [(plain, moved)]).level == "alarm"


@pytest.mark.parametrize("count", [0, 1, 2, 10, 49])
def test_too_few_customers_are_a_named_state(count: int) -> None:
    drift = drift_between(customers(0, 300), customers(1, count))
    assert (drift.state, drift.level, len(drift.table)) == ("NOT_COMPARABLE", "none", 0)
    assert f"{count} customers" in drift.note
    assert tuple(drift.table.columns) == COLUMNS


def test_a_constant_column_that_stays_so_is_no_drift_and_one_that_changes_is() -> None:
    reference = pd.DataFrame({"a": np.ones(300), "b": np.ones(300)})
    drift = drift_between(reference, reference.assign(b=0.0))
    assert drift.columns_at("alarm") == ("b",)
    assert drift.table.set_index("column").loc["a", "psi"] == 0


def test_a_column_that_is_missing_or_infinite_tonight_alarms_as_missing() -> None:
    reference = customers(0, 300)[["feature_00", "feature_01", "feature_02"]]
    tonight = customers(1, 300)[["feature_00", "feature_01", "feature_02"]]
    tonight = tonight.assign(feature_00=np.nan, feature_01=np.inf).drop(columns="feature_02")
    drift = drift_between(reference, tonight)
    assert set(drift.columns_at("alarm")) == {"feature_00", "feature_01", "feature_02"}
    assert all(words.startswith("more often missing: 0% to 100%") for words in drift.table["direction"])


def test_a_column_without_any_value_on_either_side_is_no_drift() -> None:
    nothing = pd.DataFrame({"age": [None] * 100})
    drift = drift_between(nothing, nothing)
    assert (drift.state, drift.level) == ("COMPARED", "none")


def test_a_category_that_training_did_not_know_is_told_and_a_rare_one_is_not_named() -> None:
    random = np.random.default_rng(0)
    reference = pd.DataFrame({"location": random.choice(["North", "South"], 400)})
    drift = drift_between(reference, pd.DataFrame({"location": random.choice(["North", "Atlantis"], 400)}))
    assert drift.level == "alarm"
    assert "“South”: 5" in drift.table.loc[0, "direction"] or "“Atlantis”: 0%" in drift.table.loc[0, "direction"]
    each_other = pd.DataFrame({"location": [f"village {number}" for number in range(400)]})
    assert "village" not in drift_between(reference, each_other).note


def test_columns_are_matched_by_name_in_any_order() -> None:
    reference, tonight = customers(0, 300), customers(1, 300)
    reordered = tonight[sorted(tonight.columns, reverse=True)]
    pd.testing.assert_frame_equal(drift_between(reference, tonight).table, drift_between(reference, reordered).table)


def test_outcomes_and_keys_are_not_compared() -> None:
    frame = pd.DataFrame({"as_of": ["2025-01-01"] * 60, "customer_id": range(60), "is_recommended": [True] * 60})
    assert drift_between(frame, frame).note == "Drift was not measured: there is no input to compare."


def test_drifts_that_were_measured_apart_become_one_table_with_the_highest_level() -> None:
    inputs = drift_between(customers(0, 300), customers(1, 300))
    scores = pd.DataFrame({"p_buy": np.linspace(0, 0.5, 300)})
    both = together(inputs, drift_between(scores, scores + 0.4))
    assert (both.level, both.table.loc[0, "column"], len(both.table)) == ("alarm", "p_buy", FEATURES + 1)
    nothing = drift_between(scores.head(3), scores)
    assert together(nothing, nothing).state == "NOT_COMPARABLE"
    assert together(inputs, nothing).note == inputs.note
