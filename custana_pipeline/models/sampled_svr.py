"""Support vector regression on a bounded sample, since its cost grows with the square of the rows."""
# ruff: noqa: D102 - fit, transform and predict keep to the contract of scikit-learn

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.svm import SVR


class SampledSVR(RegressorMixin, BaseEstimator):
    """SVR of log(1 + y) on at most `row_limit` rows, drawn with the row weights; predicts y again, never below zero."""

    def __init__(self, C: float = 0.3, epsilon: float = 0.1, row_limit: int = 400, seed: int = 0) -> None:
        self.C = C
        self.epsilon = epsilon
        self.row_limit = row_limit
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        features, actual = np.asarray(X, dtype="float64"), np.asarray(y, dtype="float64")
        weights = np.ones(len(actual)) if sample_weight is None else np.asarray(sample_weight, dtype="float64")
        if len(actual) > self.row_limit:
            random = np.random.default_rng(self.seed)
            drawn = np.sort(random.choice(len(actual), self.row_limit, replace=False))
            features, actual, weights = features[drawn], actual[drawn], weights[drawn]
        self.n_features_in_ = features.shape[1]
        self.model_ = SVR(C=self.C, epsilon=self.epsilon, gamma="scale", cache_size=200)
        self.model_.fit(features, np.log1p(actual), sample_weight=weights)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.maximum(np.expm1(self.model_.predict(np.asarray(X, dtype="float64"))), 0.0)
