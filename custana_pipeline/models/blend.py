"""The mean of several models: steadier than its best member when the shop drifts."""
# ruff: noqa: D102 - fit, transform and predict keep to the contract of scikit-learn

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from custana_pipeline.models.at_once import at_once
from custana_pipeline.models.level import log_odds


class MeanOfModels(RegressorMixin, BaseEstimator):
    """Predicts the weighted mean of its members' predictions; each member takes the feature frame."""

    def __init__(self, members: Sequence[Any] = (), weights: Sequence[float] = ()) -> None:
        self.members = members
        self.weights = weights

    @classmethod
    def of_fitted(cls, members: Sequence[Any], weights: Sequence[float]) -> Self:
        """A fitted mean of models that are fitted already, on the same rows."""
        mean = cls(unfitted_copies(members), [float(weight) for weight in weights])
        mean.members_ = list(members)
        return mean

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.members_ = at_once(lambda member: refitted(member, X, y, sample_weight), self.members)
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "members_")
        return self.blended([member.predict(X) for member in self.members_])

    def blended(self, forecasts: Sequence[np.ndarray]) -> np.ndarray:
        """The mean of its members' predictions."""
        return np.average(forecasts, axis=0, weights=self.weights)


class MeanOfLogits(ClassifierMixin, BaseEstimator):
    """Predicts the probability whose log odds are the weighted mean of its members' log odds."""

    def __init__(self, members: Sequence[Any] = (), weights: Sequence[float] = ()) -> None:
        self.members = members
        self.weights = weights

    @classmethod
    def of_fitted(cls, members: Sequence[Any], weights: Sequence[float]) -> Self:
        """A fitted mean of classifiers that are fitted already, on the same rows."""
        mean = cls(unfitted_copies(members), [float(weight) for weight in weights])
        mean.members_ = list(members)
        mean.classes_ = np.array([0, 1])
        return mean

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.members_ = at_once(lambda member: refitted(member, X, y, sample_weight), self.members)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "members_")
        probability = self.blended([member.predict_proba(X)[:, 1] for member in self.members_])
        return np.column_stack([1 - probability, probability])

    def blended(self, forecasts: Sequence[np.ndarray]) -> np.ndarray:
        """The probability from its members' probabilities."""
        odds = np.average([log_odds(each) for each in forecasts], axis=0, weights=self.weights)
        return 1 / (1 + np.exp(-odds))

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype("int64")]


def unfitted_copies(estimators: Sequence[Any]) -> list[Any]:
    """The recipes alone: what was fitted would be stored, and loaded, once more for each place that names it."""
    copies: Any = clone(list(estimators), safe=False)
    return copies


def refitted(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
    """A fitted copy of an estimator or Pipeline, with row weights where they are given."""
    name = "model__sample_weight" if isinstance(estimator, Pipeline) else "sample_weight"
    weights = {} if sample_weight is None else {name: sample_weight}
    unfitted: Any = clone(estimator)
    return unfitted.fit(X, y, **weights)
