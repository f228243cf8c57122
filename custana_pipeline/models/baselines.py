"""Naive rules as estimators, so that they are judged, stored and served exactly as the candidates are."""
# ruff: noqa: ARG002, D102 - fit, transform and predict keep to the contract of scikit-learn

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.validation import check_is_fitted

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.encoding import as_numbers

PRIOR_ROWS = 2.0
"""Pull of the base rate on a bin's rate, in rows: no bin says never or always."""


def _column(frame: Any, name: str) -> np.ndarray:
    if name not in frame.columns:
        raise ContractBroken(f"The frame to be scored lacks {name}: build the features again, or train again.")
    return as_numbers(frame[name]).to_numpy()


class BaseRate(ClassifierMixin, BaseEstimator):
    """Everybody buys with the probability that was seen in training."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.classes_ = np.array([0, 1])
        self.rate_ = float(np.average(np.asarray(y, dtype="float64"), weights=sample_weight))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return np.tile([1 - self.rate_, self.rate_], (len(X), 1))

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype("int64")]


class MonotoneRate(ClassifierMixin, BaseEstimator):
    """The rate of buyers by one column, in up to `bin_count` equally full bins, made monotone (isotonic regression).

    Customers without a value get the base rate. Where `increasing` is false, a smaller value means a better customer.
    """

    def __init__(self, column: str, increasing: bool = False, bin_count: int = 20) -> None:
        self.column = column
        self.increasing = increasing
        self.bin_count = bin_count

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        values, bought = _column(X, self.column), np.asarray(y, dtype="float64")
        weights = np.ones(len(bought)) if sample_weight is None else np.asarray(sample_weight, dtype="float64")
        self.classes_ = np.array([0, 1])
        self.base_rate_ = float(np.average(bought, weights=weights))
        known = ~np.isnan(values)
        inner = np.linspace(0, 1, self.bin_count + 1)[1:-1]
        self.edges_ = np.unique(np.quantile(values[known], inner)) if known.any() else np.empty(0)
        bins = np.searchsorted(self.edges_, values[known], side="left")
        rows = np.bincount(bins, weights=weights[known], minlength=len(self.edges_) + 1)
        buyers = np.bincount(bins, weights=(weights * bought)[known], minlength=len(self.edges_) + 1)
        rates = (buyers + PRIOR_ROWS * self.base_rate_) / (rows + PRIOR_ROWS)
        isotonic = IsotonicRegression(increasing=self.increasing)
        self.rates_ = isotonic.fit_transform(np.arange(len(rates)), rates, sample_weight=rows + PRIOR_ROWS)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        values = _column(X, self.column)
        rates = self.rates_[np.searchsorted(self.edges_, values, side="left").clip(max=len(self.rates_) - 1)]
        rates = np.where(np.isnan(values), self.base_rate_, rates)
        return np.column_stack([1 - rates, rates])

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype("int64")]


class MeanDemand(RegressorMixin, BaseEstimator):
    """Everybody buys what the mean customer bought in training."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.mean_ = float(np.average(np.asarray(y, dtype="float64"), weights=sample_weight))
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return np.full(len(X), self.mean_)


class OwnPace(RegressorMixin, BaseEstimator):
    """Each customer goes on as in one past window: the column's value times horizon / window, never below zero."""

    def __init__(self, column: str, window_days: int, horizon_days: int) -> None:
        self.column = column
        self.window_days = window_days
        self.horizon_days = horizon_days

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        self.factor_ = self.horizon_days / self.window_days
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return np.nan_to_num(_column(X, self.column) * self.factor_, nan=0.0).clip(min=0.0)


class ColumnProbability(ClassifierMixin, BaseEstimator):
    """A probability that the features bring with them, such as that of BG/NBD; the base rate where it is missing."""

    def __init__(self, column: str) -> None:
        self.column = column

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.classes_ = np.array([0, 1])
        self.rate_ = float(np.average(np.asarray(y, dtype="float64"), weights=sample_weight)) if len(X) else 0.0
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        known = np.nan_to_num(_column(X, self.column), nan=self.rate_).clip(0.0, 1.0)
        return np.column_stack([1 - known, known])

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype("int64")]


class ColumnDemand(RegressorMixin, BaseEstimator):
    """A demand that the features bring with them, such as that of BG/NBD and Gamma-Gamma; zero where it is missing."""

    def __init__(self, column: str) -> None:
        self.column = column

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        self.is_fitted_ = True
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return np.nan_to_num(_column(X, self.column), nan=0.0).clip(min=0.0)


class NewestOrigin(BaseEstimator):
    """Fits `model` on two columns of the newest origin alone, without weights: the way of a one-table tutorial."""

    def __init__(self, model: Any, columns: Sequence[str]) -> None:
        self.model = model
        self.columns = columns

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        newest = np.ones(len(X), dtype=bool) if "as_of" not in X else (X["as_of"] == X["as_of"].max()).to_numpy()
        unfitted: Any = clone(self.model)
        self.model_ = unfitted.fit(self._matrix(X)[newest], np.asarray(y)[newest])
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        return np.maximum(np.asarray(self.model_.predict(self._matrix(X)), dtype="float64"), 0.0)

    def _matrix(self, X: Any) -> np.ndarray:
        return np.column_stack([np.nan_to_num(_column(X, name)) for name in self.columns])


class TwoColumnClassifier(ClassifierMixin, NewestOrigin):
    """The two-column model for yes or no."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        super().fit(X, y)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        found = self.model_.predict_proba(self._matrix(X))
        yes = found[:, 1] if found.shape[1] == 2 else np.full(len(found), float(self.model_.classes_[0]))
        return np.column_stack([1 - yes, yes])

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype("int64")]


class TwoColumnRegressor(RegressorMixin, NewestOrigin):
    """The two-column model for a number; never below zero."""
