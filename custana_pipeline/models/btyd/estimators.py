"""BG/NBD and Gamma-Gamma as estimators, so that they are judged, stored and served exactly as the candidates are.

They learn from the histories in X and leave y alone, so they need no label window. Where X stacks several origins
(column as_of), they learn from the newest one. Row weights are ignored: every customer is one history.
"""
# ruff: noqa: ARG002, D102 - fit and predict keep to the contract of scikit-learn

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from custana_pipeline.models.btyd.bg_nbd import BgNbd
from custana_pipeline.models.btyd.columns import Spend, fit_purchases, fit_spend, history
from custana_pipeline.models.btyd.fitting import SERVING_PENALTY
from custana_pipeline.models.btyd.gamma_gamma import GammaGamma


class _Histories(BaseEstimator):
    """The fitted BG/NBD as plain attributes: r_, alpha_ (days), a_, b_."""

    def __init__(self, horizon_days: float = 90, penalty: float = SERVING_PENALTY) -> None:
        self.horizon_days = horizon_days
        self.penalty = penalty

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        found = fit_purchases(X, self.penalty)
        self.r_, self.alpha_, self.a_, self.b_ = found.r, found.alpha, found.a, found.b
        return self

    def _purchases(self) -> BgNbd:
        check_is_fitted(self, "r_")
        return BgNbd(self.r_, self.alpha_, self.a_, self.b_)


class BgNbdBuyers(ClassifierMixin, _Histories):
    """The probability of a purchase within the horizon, P(alive) (1 - ((alpha + T) / (alpha + T + H)) ^ (r + x))."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        super().fit(X)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        probability = self._purchases().p_buy(*history(X), self.horizon_days)
        return np.column_stack([1 - probability, probability])

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype("int64")]


class BgNbdPurchases(RegressorMixin, _Histories):
    """The purchases expected within the horizon."""

    def predict(self, X: Any) -> np.ndarray:
        return self._purchases().expected_purchases(*history(X), self.horizon_days)


class BtydAmount(RegressorMixin, _Histories):
    """The money expected within the horizon: expected purchases times the expected value of one.

    spend_state_ tells where that value comes from: gamma_gamma, or the customer's own mean, shrunken, where
    Gamma-Gamma has none (no_mean_spend, too_few_purchases). With first_counts = False, Gamma-Gamma looks at repeat
    purchases only, as published.
    """

    def __init__(self, horizon_days: float = 90, penalty: float = SERVING_PENALTY, first_counts: bool = True) -> None:
        super().__init__(horizon_days, penalty)
        self.first_counts = first_counts

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        super().fit(X)
        spend = fit_spend(X, self.penalty, self.first_counts)
        self.spend_state_, self.overall_amount_ = spend.state, spend.overall
        found = spend.gamma_gamma
        self.p_, self.q_, self.v_ = (found.p, found.q, found.v) if found else (0.0, 0.0, 0.0)
        return self

    def predict(self, X: Any) -> np.ndarray:
        purchases = self._purchases().expected_purchases(*history(X), self.horizon_days)
        fitted = GammaGamma(self.p_, self.q_, self.v_) if self.q_ else None
        spend = Spend(self.spend_state_, self.overall_amount_, fitted, self.first_counts)
        return purchases * spend.mean_value(X)
