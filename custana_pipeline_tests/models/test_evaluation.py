"""Metrics, checked by hand."""

import numpy as np
import pytest

from custana_pipeline.models.evaluation import (
    BEHAVIOR_METRICS,
    DEMAND_METRICS,
    Loss,
    behavior_metrics,
    demand_metrics,
    expected_calibration_error,
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


@pytest.mark.parametrize("loss", ["poisson", "tweedie"])
def test_the_deviances_are_least_where_the_mean_is_foreseen(loss: Loss) -> None:
    actual = np.random.default_rng(0).gamma(0.3, 10.0, 2_000) * (np.random.default_rng(1).random(2_000) < 0.4)
    tried = {scale: row_losses(actual, np.full(2_000, scale * actual.mean()), loss).mean() for scale in (0.7, 1.0, 1.4)}
    assert min(tried, key=lambda scale: tried[scale]) == 1.0


def test_the_deviance_of_a_perfect_forecast_is_zero() -> None:
    actual = np.array([1.0, 2.0, 7.0])
    assert row_losses(actual, actual, "poisson") == pytest.approx([0, 0, 0], abs=1e-12)
    assert row_losses(actual, actual, "tweedie") == pytest.approx([0, 0, 0], abs=1e-12)
