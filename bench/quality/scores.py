"""Scores with 95 % bootstrap intervals over customers.

A draw gives every customer a weight: how often they were drawn. Every score here is computed from such weights, all
draws at once: `weights` is (draws + 1, customers), and its first row is all ones, the score of the data as it is.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

DRAWS = 500
SURE = 1e-6
"""Probabilities are held this far from 0 and 1 in the log loss: a forest that says never is wrong at a finite price."""


@dataclass(frozen=True)
class Figure:
    """A score, its interval, and its value in every draw (for ratios of two scores on the same draws)."""

    value: float
    low: float
    high: float
    draws: np.ndarray

    @property
    def told(self) -> list[float]:
        """[value, low, high] with six digits, as they go into the file of figures."""
        return [float(f"{each:.6g}") for each in (self.value, self.low, self.high)]

    def over(self, other: "Figure") -> "Figure":
        """The ratio to another score of the same customers, paired draw by draw."""
        return figure(np.append(self.value / other.value, self.draws / other.draws))

    def less(self, other: "Figure") -> "Figure":
        """The difference to another score of the same customers, paired draw by draw."""
        return figure(np.append(self.value - other.value, self.draws - other.draws))


def figure(values: np.ndarray) -> Figure:
    """The first value, with the 2.5 % and 97.5 % points of the others."""
    draws = values[1:]
    finite = draws[np.isfinite(draws)]
    low, high = np.percentile(finite, [2.5, 97.5]) if len(finite) else (np.nan, np.nan)
    return Figure(float(values[0]), float(low), float(high), draws)


def weights_of(count: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """(draws + 1, count) weights: ones, then how often each customer was drawn with replacement."""
    random = np.random.default_rng(seed)
    drawn = [np.bincount(random.integers(0, count, count), minlength=count) for _ in range(draws)]
    return np.vstack([np.ones(count), *drawn]).astype("float32")


def mean_of(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The weighted mean of the values in every draw."""
    return (weights @ values.astype("float64")) / weights.sum(axis=1)


def rmse(weights: np.ndarray, actual: np.ndarray, foreseen: np.ndarray) -> Figure:
    """Root of the mean squared error."""
    return figure(np.sqrt(mean_of(weights, (actual - foreseen) ** 2)))


def mae(weights: np.ndarray, actual: np.ndarray, foreseen: np.ndarray) -> Figure:
    """Mean absolute error."""
    return figure(mean_of(weights, np.abs(actual - foreseen)))


def total(weights: np.ndarray, actual: np.ndarray, foreseen: np.ndarray) -> Figure:
    """Foreseen over actual, in sum."""
    return figure(mean_of(weights, foreseen) / mean_of(weights, actual))


def r2(weights: np.ndarray, actual: np.ndarray, foreseen: np.ndarray) -> Figure:
    """One less the squared error over that of the mean."""
    spread = mean_of(weights, actual**2) - mean_of(weights, actual) ** 2
    return figure(1 - mean_of(weights, (actual - foreseen) ** 2) / spread)


def pearson(weights: np.ndarray, first: np.ndarray, second: np.ndarray) -> Figure:
    """Linear correlation."""
    a, b = mean_of(weights, first), mean_of(weights, second)
    both = mean_of(weights, first * second) - a * b
    spread = (mean_of(weights, first**2) - a**2) * (mean_of(weights, second**2) - b**2)
    return figure(both / np.sqrt(np.maximum(spread, 1e-300)))


def spearman(weights: np.ndarray, actual: np.ndarray, foreseen: np.ndarray) -> Figure:
    """Rank correlation; in the draws, that of the ranks among all customers."""
    scale = len(actual)
    return pearson(weights, rankdata(actual) / scale, rankdata(foreseen) / scale)


def lift_top_decile(weights: np.ndarray, actual: np.ndarray, foreseen: np.ndarray) -> Figure:
    """Mean of the tenth foreseen highest over the mean of all; customers at the edge count by their share."""
    edge = np.sort(foreseen)[::-1][max(1, round(len(foreseen) / 10)) - 1]
    sure, tied = foreseen > edge, foreseen == edge
    share = sure + tied * (max(1, round(len(foreseen) / 10)) - sure.sum()) / max(1, tied.sum())
    top = (weights @ (share * actual)) / (weights @ share)
    return figure(top / mean_of(weights, actual))


def auc(weights: np.ndarray, bought: np.ndarray, score: np.ndarray) -> Figure:
    """Area under the ROC curve; equal scores count half."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(score[order]) > 0))
    sorted_weights = weights[:, order].astype("float64")
    positive = np.add.reduceat(sorted_weights * bought[order], starts, axis=1)
    negative = np.add.reduceat(sorted_weights * (1 - bought[order]), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    return figure((positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1)))


def log_loss(weights: np.ndarray, bought: np.ndarray, probability: np.ndarray) -> Figure:
    """Mean negative log likelihood."""
    sure = np.clip(probability, SURE, 1 - SURE)
    return figure(mean_of(weights, -np.where(bought > 0, np.log(sure), np.log1p(-sure))))


def ece(weights: np.ndarray, bought: np.ndarray, probability: np.ndarray, bin_count: int = 10) -> Figure:
    """Expected calibration error over ten bins of equal width: mean |share of buyers - mean probability|."""
    bins = np.minimum((probability * bin_count).astype("int64"), bin_count - 1)
    gaps = [np.abs(weights @ ((bins == each) * (bought - probability))) for each in range(bin_count)]
    return figure(np.sum(gaps, axis=0) / weights.sum(axis=1))


def mean_figure(told: list[list[float]], *, geometric: bool = False) -> list[float]:
    """The mean of [value, low, high] of different windows, with an interval as if they were independent."""
    figures = np.log(told) if geometric else np.asarray(told, dtype="float64")
    middle = figures[:, 0].mean()
    half = np.sqrt((((figures[:, 2] - figures[:, 1]) / 2) ** 2).sum()) / len(figures)
    three = np.array([middle, middle - half, middle + half])
    return [float(each) for each in (np.exp(three) if geometric else three)]
