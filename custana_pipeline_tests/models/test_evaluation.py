"""Metrics, checked by hand."""

import numpy as np
import pytest

from custana_pipeline.models.evaluation import (
    BEHAVIOR_METRICS,
    DEMAND_METRICS,
    behavior_metrics,
    demand_metrics,
    expected_calibration_error,
    relative_gain_interval,
    row_losses,
    top_share,
)


def test_expected_calibration_error_weighs_the_gap_of_each_bin_by_its_rows() -> None:
    probability = np.array([0.12, 0.18, 0.15, 0.72, 0.78])
    actual = np.array([0, 1, 0, 1, 1])
    gap_of_second_bin = abs((0.12 + 0.18 + 0.15) / 3 - 1 / 3)
    gap_of_eighth_bin = abs((0.72 + 0.78) / 2 - 1.0)
    assert expected_calibration_error(actual, probability) == pytest.approx(
        3 / 5 * gap_of_second_bin + 2 / 5 * gap_of_eighth_bin
    )


def test_a_probability_of_one_falls_into_the_last_bin() -> None:
    assert expected_calibration_error(np.array([1, 1]), np.array([1.0, 1.0])) == 0.0


def test_behavior_metrics_have_the_names_that_are_promised() -> None:
    metrics = behavior_metrics(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.4, 0.6]))
    assert list(metrics) == [f"holdout_{name}" for name in BEHAVIOR_METRICS]
    assert metrics["holdout_roc_auc"] == 1.0
    assert metrics["holdout_base_rate"] == 0.5
    assert metrics["holdout_predicted_over_actual"] == pytest.approx(1.0)


def test_behavior_metrics_are_finite_where_the_model_is_wrong_and_sure() -> None:
    metrics = behavior_metrics(np.array([0, 1]), np.array([1.0, 0.0]))
    assert all(np.isfinite(value) for value in metrics.values())


def test_demand_metrics_have_the_names_that_are_promised() -> None:
    metrics = demand_metrics(np.array([0.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    assert list(metrics) == [f"holdout_{name}" for name in DEMAND_METRICS]
    assert metrics["holdout_mae"] == pytest.approx(2 / 3)
    assert metrics["holdout_rmse"] == pytest.approx((2 / 3) ** 0.5)
    assert metrics["holdout_total_ratio"] == 1.0
    assert metrics["holdout_spearman"] == pytest.approx(1.0)


def test_a_constant_prediction_has_no_rank_correlation() -> None:
    assert "holdout_spearman" not in demand_metrics(np.array([0.0, 2.0, 4.0]), np.full(3, 2.0))


def test_customers_of_equal_score_share_the_places_in_the_top_evenly() -> None:
    actual = np.array([10.0, 0.0, 0.0, 0.0])
    assert top_share(actual, np.ones(4), 0.5) == top_share(actual[::-1], np.ones(4), 0.5) == 0.5


def test_the_gain_of_a_better_model_lies_within_its_interval_and_above_zero() -> None:
    random = np.random.default_rng(0)
    actual = random.poisson(2.0, 500).astype("float64")
    losses = row_losses(actual, actual + random.normal(0, 0.5, 500), "squared")
    naive = row_losses(actual, np.full(500, 2.0), "squared")
    gain, lower, upper = relative_gain_interval(losses, naive)
    assert 0 < lower < gain < upper < 1


def test_the_same_rows_give_the_same_interval() -> None:
    losses, naive = np.arange(50.0), np.arange(50.0)[::-1] + 1
    assert relative_gain_interval(losses, naive) == relative_gain_interval(losses, naive)
