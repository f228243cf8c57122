"""Metrics of predictions against what happened; plain functions of two arrays of equal length."""

from typing import Literal

import numpy as np
from sklearn.metrics import r2_score

Loss = Literal["log_loss", "poisson", "tweedie"]

BEHAVIOR_METRICS = (
    "accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc", "log_loss", "brier", "ece", "lift_10", "base_rate",
    "predicted_over_actual",
)  # fmt: skip
DEMAND_METRICS = ("mse", "rmse", "mae", "r2", "spearman", "total_ratio", "top_decile_share")
LEAST_PROBABILITY = 1e-6
LEAST_FORECAST = 0.01


def behavior_metrics(actual: np.ndarray, probability: np.ndarray, prefix: str = "holdout_") -> dict[str, float]:
    """The BEHAVIOR_METRICS of probabilities in [0, 1] against 0/1 outcomes; yes and no are told apart at 0.5.

    `lift_10` is the rate of buyers in the best tenth over the base rate, ties shared out evenly. Needs both classes.
    """
    actual = np.asarray(actual, dtype="int64")
    probability = np.clip(np.asarray(probability, dtype="float64"), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    predicted = (probability >= 0.5).astype("int64")
    found, told, there = (float(np.sum(each)) for each in (predicted * actual, predicted, actual))
    roc_auc, pr_auc = areas(actual, probability)
    values = {
        "accuracy": np.mean(predicted == actual),
        "precision": found / told if told else 0.0,
        "recall": found / there if there else 0.0,
        "f1": 2 * found / (told + there) if told + there else 0.0,
        "roc_auc": roc_auc,
        "pr_auc": pr_auc,
        "log_loss": np.mean(row_losses(actual, probability, "log_loss")),
        "brier": np.mean((probability - actual) ** 2),
        "ece": expected_calibration_error(actual, probability),
        "lift_10": top_share(actual, probability, 0.1) / 0.1,
        "base_rate": np.mean(actual),
        "predicted_over_actual": np.sum(probability) / np.sum(actual),
    }
    return {prefix + name: float(value) for name, value in values.items()}


def areas(actual: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """The area under the ROC curve, ties counted half, and the average precision, from one sort; needs both classes.

    >>> [round(each, 3) for each in areas(np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.4, 0.6]))]
    [0.75, 0.833]
    """
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(actual[order])[ends].astype("float64")
    misses = ends + 1 - hits
    new_hits, new_misses = np.diff(hits, prepend=0.0), np.diff(misses, prepend=0.0)
    roc_auc = np.sum(new_misses * (hits - new_hits / 2)) / (hits[-1] * misses[-1])
    return float(roc_auc), float(np.sum(new_hits / hits[-1] * hits / (ends + 1)))


def demand_metrics(actual: np.ndarray, predicted: np.ndarray, prefix: str = "holdout_") -> dict[str, float]:
    """The DEMAND_METRICS of predicted numbers; `total_ratio` is predicted / actual, `top_decile_share` the share
    of the actual total that falls on the best tenth of the predictions. What is not defined is left out."""
    actual, predicted = np.asarray(actual, dtype="float64"), np.asarray(predicted, dtype="float64")
    error = predicted - actual
    values = {
        "mse": np.mean(error**2),
        "rmse": np.sqrt(np.mean(error**2)),
        "mae": np.mean(np.abs(error)),
        "r2": r2_score(actual, predicted) if len(actual) > 1 else np.nan,
        "spearman": spearman(actual, predicted),
        "total_ratio": np.sum(predicted) / np.sum(actual) if np.sum(actual) > 0 else np.nan,
        "top_decile_share": top_share(actual, predicted, 0.1),
    }
    return {prefix + name: float(value) for name, value in values.items() if np.isfinite(value)}


def expected_calibration_error(actual: np.ndarray, probability: np.ndarray, bin_count: int = 10) -> float:
    """Mean gap between predicted and observed rate over equally wide bins, weighted by rows (Guo et al. 2017, eq. 3).

    >>> round(expected_calibration_error(np.array([0, 1, 1, 1]), np.array([0.15, 0.15, 0.95, 0.95])), 3)
    0.2
    """
    bins = np.minimum((np.asarray(probability) * bin_count).astype("int64"), bin_count - 1)
    rows = np.bincount(bins, minlength=bin_count)
    gaps = np.bincount(bins, weights=probability, minlength=bin_count)
    gaps = gaps - np.bincount(bins, weights=actual, minlength=bin_count)
    return float(np.abs(gaps).sum() / rows.sum())


def spearman(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Rank correlation with mean ranks for ties; NaN when one side is constant."""
    from scipy.stats import rankdata

    if np.ptp(actual) == 0 or np.ptp(predicted) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(actual), rankdata(predicted))[0, 1])


def top_share(actual: np.ndarray, score: np.ndarray, share: float) -> float:
    """Share of the actual total on the best `share` of the scores; customers of equal score count evenly.

    >>> round(top_share(np.array([5.0, 3.0, 2.0, 0.0]), np.array([9.0, 1.0, 1.0, 1.0]), 0.5), 3)
    0.667
    """
    actual, score = np.asarray(actual, dtype="float64"), np.asarray(score, dtype="float64")
    wanted = share * len(actual)
    _, group, sizes = np.unique(-score, return_inverse=True, return_counts=True)
    taken = np.clip(wanted - (np.cumsum(sizes) - sizes), 0, sizes) / sizes
    total = actual.sum()
    return float(np.sum(actual * taken[group]) / total) if total else float("nan")


def row_losses(actual: np.ndarray, predicted: np.ndarray, loss: Loss) -> np.ndarray:
    """The loss of each row, so that two models can be compared customer by customer.

    All three are least on average where the mean is foreseen (strictly consistent: Gneiting 2011), so that totals add
    up; the deviances (Poisson for purchases, Tweedie with power 1.5 for money) do not hang on the five biggest
    customers as the squared error does. Forecasts below a hundredth of the mean outcome count as that.
    """
    actual, predicted = np.asarray(actual, dtype="float64"), np.asarray(predicted, dtype="float64")
    if loss == "log_loss":
        sure = np.clip(predicted, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        return -np.where(actual > 0, np.log(sure), np.log1p(-sure))
    foreseen = np.maximum(predicted, max(LEAST_FORECAST * float(actual.mean()), 1e-9))
    if loss == "poisson":
        logs = np.where(actual > 0, actual * np.log(np.maximum(actual, 1e-9) / foreseen), 0.0)
        return 2 * (logs - actual + foreseen)
    return 4 * (actual / np.sqrt(foreseen) + np.sqrt(foreseen) - 2 * np.sqrt(np.maximum(actual, 0.0)))
