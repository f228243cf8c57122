"""The mean of several models: steadier than its best member when the shop drifts."""
# ruff: noqa: D102 - fit, transform and predict keep to the contract of scikit-learn

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


class MeanOfModels(RegressorMixin, BaseEstimator):
    """Predicts the mean of its members' predictions; each member takes the feature frame."""

    def __init__(self, members: Sequence[Any] = ()) -> None:
        self.members = members

    @classmethod
    def of_fitted(cls, members: Sequence[Any]) -> Self:
        """A fitted mean of models that are fitted already, on the same rows."""
        mean = cls(list(members))
        mean.members_ = list(members)
        return mean

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.members_ = [_unfitted(member).fit(X, y, sample_weight=sample_weight) for member in self.members]
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "members_")
        return np.mean([member.predict(X) for member in self.members_], axis=0)


class MeanOfLogits(ClassifierMixin, BaseEstimator):
    """Predicts the probability whose log odds are the mean of its members' log odds; members are Pipelines."""

    def __init__(self, members: Sequence[Pipeline] = ()) -> None:
        self.members = members

    @classmethod
    def of_fitted(cls, members: Sequence[Pipeline]) -> Self:
        """A fitted mean of classifiers that are fitted already, on the same rows."""
        mean = cls(list(members))
        mean.members_ = list(members)
        mean.classes_ = np.array([0, 1])
        return mean

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.members_ = [_unfitted(member).fit(X, y, model__sample_weight=sample_weight) for member in self.members]
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "members_")
        odds = np.mean([_log_odds(member.predict_proba(X)[:, 1]) for member in self.members_], axis=0)
        probability = 1 / (1 + np.exp(-odds))
        return np.column_stack([1 - probability, probability])

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype("int64")]


def _unfitted(member: Any) -> Any:
    return clone(member)


def _log_odds(probability: np.ndarray) -> np.ndarray:
    sure = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.log(sure / (1 - sure))
