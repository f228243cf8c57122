"""Support vector regression on a bounded sample, since its cost grows with the square of the rows."""
# ruff: noqa: D102 - fit, transform and predict keep to the contract of scikit-learn

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVR
from sklearn.utils.validation import check_is_fitted

BATCH_ROWS = 4_000


class SampledSVR(RegressorMixin, BaseEstimator):
    """SVR of log(1 + y) on at most `row_limit` rows, drawn with the row weights; predicts y again, never below zero.

    The kernel's gamma is that of scikit-learn's "scale". Predictions are the same sums as SVR's own, as products of
    whole matrices: a tenth of the time.
    """

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
        spread = float(features.var())
        gamma: Any = 1.0 / (features.shape[1] * spread) if spread > 0 else 1.0
        self.gamma_ = gamma
        self.model_ = SVR(C=self.C, epsilon=self.epsilon, gamma=gamma, cache_size=200)
        self.model_.fit(features, np.log1p(actual), sample_weight=weights)
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        rows = np.asarray(X, dtype="float64")
        parts = [self._logs(rows[start : start + BATCH_ROWS]) for start in range(0, len(rows), BATCH_ROWS)]
        return np.maximum(np.expm1(np.concatenate(parts)), 0.0) if parts else np.empty(0)

    def _logs(self, rows: np.ndarray) -> np.ndarray:
        vectors = self.model_.support_vectors_
        if not len(vectors):
            return np.full(len(rows), self.model_.intercept_[0])
        return rbf_kernel(rows, vectors, gamma=self.gamma_) @ self.model_.dual_coef_[0] + self.model_.intercept_[0]
