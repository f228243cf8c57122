"""Demand as a multiple of the customer's own pace, so that trees and lines can follow the biggest customers.

A tree cannot predict more than its largest leaf, and a line on raw totals runs away; a bounded multiple of what the
customer bought per day so far does neither.
"""
# ruff: noqa: D102 - fit, transform and predict keep to the contract of scikit-learn

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from custana_pipeline.models.code_bins import fit_on_codes
from custana_pipeline.models.encoding import as_numbers

PRIOR_DAYS = 60.0
"""Days of the mean customer's pace that are added to everybody's history: a first purchase is no pace yet."""
PRIOR_SHARE = 0.25
"""Of the mean pace: those who have stopped for good outnumber those who have just begun."""
PRIOR_PURCHASES = 3.0
"""Purchases of the mean value that are added to the customer's own: one basket is no habit yet."""
LEAST_PACE = 1e-9


class OwnPaceModel(RegressorMixin, BaseEstimator):
    """pace x horizon x value x bounded multiple, where a Pipeline foresees the multiple from all features.

    pace = (purchases in the window + prior) / (days of history within the window + PRIOR_DAYS). With `is_amount` the
    value is the customer's mean purchase, drawn to everybody's by PRIOR_PURCHASES; else it is 1. The Pipeline learns
    actual / (pace x horizon x value) with weights (pace x horizon x value) ** weight_power; for power 1 and Poisson
    loss that is a Poisson model with this product as its offset. Predictions are rescaled so that their weighted
    total on the training rows is the actual one. Without the column everybody has the same scale.
    """

    def __init__(
        self,
        pipeline: Any,
        column: str | None = None,
        window_days: int = 365,
        horizon_days: int = 90,
        is_amount: bool = False,
        most_multiple: float = 10.0,
    ) -> None:
        self.pipeline = pipeline
        self.column = column
        self.window_days = window_days
        self.horizon_days = horizon_days
        self.is_amount = is_amount
        self.most_multiple = most_multiple

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        unfitted: Any = clone(self.pipeline)
        encoded = unfitted[:-1]
        return self.fit_encoded(X, encoded.fit_transform(X), (y, sample_weight), encoded)

    def fit_encoded(self, X: Any, points: np.ndarray, outcome: tuple[Any, Any], encoded: Pipeline) -> Self:
        """The same where `points` are the rows as the fitted `encoded` yields them; `outcome` is y, sample_weight."""
        actual = np.asarray(outcome[0], dtype="float64")
        weights = np.ones(len(actual)) if outcome[1] is None else np.asarray(outcome[1], dtype="float64")
        self.mean_ = max(float(np.average(actual, weights=weights)), LEAST_PACE)
        self._fit_priors(X)
        scale = self.scale(X)
        multiple = np.minimum(actual / scale, self.most_multiple)
        power = 0.5 if self.is_amount else 1.0
        rated = weights * (scale / scale.mean()) ** power
        model = fit_on_codes(clone(self.pipeline[-1]), points, multiple, rated)
        self.pipeline_ = Pipeline([*encoded.steps, (self.pipeline.steps[-1][0], model)])
        foreseen = float(np.sum(weights * (scale * self._bounded(model.predict(points)))))
        self.factor_ = float(np.clip(np.sum(weights * actual) / foreseen, 0.2, 5.0)) if foreseen > 0 else 1.0
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "factor_")
        return self.predict_encoded(X, self.pipeline_[:-1].transform(X))

    def predict_encoded(self, X: Any, points: np.ndarray) -> np.ndarray:
        """The same where `points` are the rows as the fitted encoding yields them."""
        return self.scale(X) * self._bounded(self.pipeline_[-1].predict(points)) * self.factor_

    def _bounded(self, multiple: Any) -> np.ndarray:
        return np.clip(np.nan_to_num(np.asarray(multiple, dtype="float64")), 0.0, self.most_multiple)

    def scale(self, X: Any) -> np.ndarray:
        """What each customer buys within the horizon at the own pace so far; above zero."""
        if self.column is None:
            return np.full(len(X), self.mean_)
        purchases, days = _numbers(X, self.column), self._days(X)
        pace = (purchases + self.prior_) / (days + PRIOR_DAYS) * self.horizon_days
        return np.maximum(pace * self._value(X), LEAST_PACE)

    def _fit_priors(self, X: Any) -> None:
        self.prior_, self.mean_value_ = 0.0, 1.0
        if self.column is not None:
            pace = float(_numbers(X, self.column).sum() / self._days(X).sum())
            self.prior_ = max(PRIOR_SHARE * PRIOR_DAYS * pace, LEAST_PACE)
        if self._has_value(X):
            amounts, purchases = _numbers(X, "purchase_amount"), _numbers(X, "purchase_frequency")
            self.mean_value_ = float(np.mean(amounts / np.maximum(purchases, 1.0)))

    def _value(self, X: Any) -> np.ndarray:
        if not self._has_value(X):
            return np.ones(len(X))
        amounts, purchases = _numbers(X, "purchase_amount"), _numbers(X, "purchase_frequency")
        return (amounts + PRIOR_PURCHASES * self.mean_value_) / (purchases + PRIOR_PURCHASES)

    def _has_value(self, X: Any) -> bool:
        return self.is_amount and {"purchase_amount", "purchase_frequency"} <= set(X.columns)

    def _days(self, X: Any) -> np.ndarray:
        if "tenure_days" not in X.columns:
            return np.full(len(X), float(self.window_days))
        days = as_numbers(X["tenure_days"]).fillna(self.window_days).to_numpy()
        return days.clip(1.0, float(self.window_days))


def _numbers(X: Any, name: str) -> np.ndarray:
    return np.nan_to_num(as_numbers(X[name]).to_numpy()).clip(min=0.0)
