"""A model drawn to the shop's level: every customer's forecast moved alike, so that the total is the foreseen one."""
# ruff: noqa: D102 - fit, transform and predict keep to the contract of scikit-learn

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from custana_pipeline.models.blend import refitted, unfitted_copies
from custana_pipeline.models.level import Level, log_odds, shift_to


class LevelledProbability(ClassifierMixin, BaseEstimator):
    """The log odds of `model`, shifted by one number for all customers: their order stays as it is."""

    def __init__(self, model: Any, shift: float = 0.0) -> None:
        self.model = model
        self.shift = shift

    @classmethod
    def of_fitted(cls, model: Any, shift: float) -> Self:
        """The same of a model that is fitted already."""
        made = cls(unfitted_copies([model])[0], float(shift))
        made.model_, made.classes_ = model, np.array([0, 1])
        return made

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.model_ = refitted(self.model, X, y, sample_weight)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        probability = self.levelled(self.model_.predict_proba(X)[:, 1])
        return np.column_stack([1 - probability, probability])

    def levelled(self, forecast: np.ndarray) -> np.ndarray:
        """The model's probabilities at the level."""
        return 1 / (1 + np.exp(-log_odds(forecast) - self.shift))

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype("int64")]


class LevelledDemand(RegressorMixin, BaseEstimator):
    """The predictions of `model` times one factor for all customers."""

    def __init__(self, model: Any, factor: float = 1.0) -> None:
        self.model = model
        self.factor = factor

    @classmethod
    def of_fitted(cls, model: Any, factor: float) -> Self:
        """The same of a model that is fitted already."""
        made = cls(unfitted_copies([model])[0], float(factor))
        made.model_ = model
        return made

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.model_ = refitted(self.model, X, y, sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        return self.levelled(np.asarray(self.model_.predict(X), dtype="float64"))

    def levelled(self, forecast: np.ndarray) -> np.ndarray:
        """The model's forecasts at the level."""
        return forecast * self.factor


def shift_of(probability: np.ndarray, level: Level | None) -> float:
    """The shift of log odds that draws unlevelled probabilities to the level; 0 without one."""
    return 0.0 if level is None or not len(probability) else shift_to(probability, level.total)


def factor_of(forecast: np.ndarray, level: Level | None) -> float:
    """The factor that draws unlevelled forecasts to the level; 1 without one."""
    total = float(np.sum(forecast))
    return 1.0 if level is None or total <= 0 else level.total / total
