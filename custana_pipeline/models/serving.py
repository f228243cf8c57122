"""The demand model that serves, with its interval, in one object."""
# ruff: noqa: D102 - fit, transform and predict keep to the contract of scikit-learn

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone

from custana_pipeline.models.amount_interval import AmountInterval, Bounds


class ServingDemand(RegressorMixin, BaseEstimator):
    """A fitted demand model with the interval of its predictions, in one object: one file to store and to check.

    Predictions are finite and never negative.
    """

    def __init__(self, model: Any, interval: AmountInterval | None = None) -> None:
        self.model = model
        self.interval = interval

    def fit(self, X: Any, y: Any) -> Self:
        """Refits the model; the interval stays, since it must come from rows that the model has not seen."""
        unfitted: Any = clone(self.model)
        self.model = unfitted.fit(X, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return self.plain(self.model.predict(X))

    def plain(self, forecast: np.ndarray) -> np.ndarray:
        """The model's forecasts, finite and never negative."""
        return np.maximum(np.nan_to_num(forecast, nan=0.0, posinf=0.0), 0.0)

    def bounds(self, expected: np.ndarray) -> Bounds:
        """Lower and upper bound of expected amounts; the expected amount itself where no interval was learned."""
        if self.interval is None:
            return Bounds(expected, expected)
        return self.interval.bounds(expected)

    def __sklearn_is_fitted__(self) -> bool:
        return True
