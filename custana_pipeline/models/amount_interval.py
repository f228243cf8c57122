"""The 80 % interval around an expected amount, learned from what came of like predictions."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted


@dataclass(frozen=True)
class Bounds:
    """Lower and upper bound per customer; 0 <= lower <= expected <= upper."""

    lower: np.ndarray
    upper: np.ndarray


class AmountInterval(BaseEstimator):
    """Quantiles of the actual amount among rows of like prediction, as multiples of the prediction.

    Rows are put in up to `bin_count` equally full bins by prediction; between the bins' middles the multiples are
    interpolated. A tenth of the rows lies below lower and a tenth above upper; where more than a tenth buys nothing,
    lower is zero and the upper bound alone leaves out the fifth, so that the share stays 80 % (split-conformal
    quantiles by bin: Lei et al. 2018, section 2.2, on the origins of the backtest, which the models had not seen).
    """

    def __init__(self, share: float = 0.8, bin_count: int = 12, least_rows: int = 40) -> None:
        self.share = share
        self.bin_count = bin_count
        self.least_rows = least_rows

    def fit(self, predicted: np.ndarray, actual: np.ndarray) -> Self:
        """Learns from predictions and actual amounts of rows that the model was not fitted on."""
        predicted, actual = np.asarray(predicted, dtype="float64"), np.asarray(actual, dtype="float64")
        self.least_ = max(float(np.quantile(predicted, 0.02)), 1e-9)
        base = np.maximum(predicted, self.least_)
        order = np.argsort(base, kind="stable")
        groups = np.array_split(order, max(1, min(self.bin_count, len(order) // self.least_rows)))
        self.middles_ = np.array([float(np.median(base[group])) for group in groups])
        ends = np.array([self._ends(actual[group] / base[group]) for group in groups])
        self.lower_, self.upper_ = ends[:, 0], ends[:, 1]
        return self

    def _ends(self, multiples: np.ndarray) -> tuple[float, float]:
        tail = (1 - self.share) / 2
        lower = float(np.quantile(multiples, tail))
        return max(lower, 0.0), float(np.quantile(multiples, 1 - tail if lower > 0 else self.share))

    def measured_on_newest(self, backtest: pd.DataFrame) -> float:
        """The coverage on the newest origin of bounds that were learned from the earlier origins alone.

        `backtest` has origin, actual and predicted. Where there is one origin only, two halves of its customers, drawn
        with a fixed seed, are each judged by the other's bounds.
        """
        newest = (backtest["origin"] == backtest["origin"].max()).to_numpy()
        actual, predicted = backtest["actual"].to_numpy(), backtest["predicted"].to_numpy()
        if newest.all():
            half = np.random.default_rng(0).permutation(len(actual)) % 2 == 0
            parts = [self._covered(predicted, actual, ~part, part) for part in (half, ~half)]
            return float(np.average(parts, weights=[half.sum(), (~half).sum()]))
        return self._covered(predicted, actual, ~newest, newest)

    def _covered(self, predicted: np.ndarray, actual: np.ndarray, learned: np.ndarray, judged: np.ndarray) -> float:
        fitted = AmountInterval(**self.get_params()).fit(predicted[learned], actual[learned])
        return coverage(actual[judged], fitted.bounds(predicted[judged]))

    def bounds(self, predicted: np.ndarray) -> Bounds:
        """The bounds of expected amounts >= 0."""
        check_is_fitted(self)
        expected = np.maximum(np.asarray(predicted, dtype="float64"), 0.0)
        lower = expected * np.interp(expected, self.middles_, self.lower_)
        upper = np.maximum(expected, self.least_) * np.interp(expected, self.middles_, self.upper_)
        return Bounds(np.minimum(lower, expected), np.maximum(upper, expected))


def coverage(actual: np.ndarray, bounds: Bounds) -> float:
    """Share of the actual amounts that lie within their bounds, ends included."""
    return float(np.mean((actual >= bounds.lower) & (actual <= bounds.upper)))
