"""Gamma-Gamma: what a purchase is worth, drawn from each customer's own mean, which is drawn from a gamma's inverse.

P. Fader, B. Hardie, The Gamma-Gamma Model of Monetary Value (2013); equation numbers are those of the note.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from custana_pipeline.errors import NoMeanSpend, NotTrainable
from custana_pipeline.features.btyd.fitting import maximise
from custana_pipeline.features.btyd.histories import compressed

_STARTS = ((2.0, 3.0, 1.0), (1.0, 2.0, 1.0), (5.0, 2.0, 0.5))
_FAR_FROM_SEEN = 5.0
"""A mean of all customers this many times the observed one is taken for none: q is too near 1 to be told from it."""


@dataclass(frozen=True)
class GammaGamma:
    """Fitted parameters; `v` is in the unit of the money, the others have none."""

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """What a purchase of a customer is worth of whom nothing is known; NoMeanSpend where q <= 1."""
        if self.q <= 1:
            raise NoMeanSpend("The spread of spend is so wide that it has no mean (Gamma-Gamma with q <= 1).")
        return self.p * self.v / (self.q - 1)

    def mean_value(self, count: np.ndarray, mean_amount: np.ndarray) -> np.ndarray:
        """What the next purchase is worth, equation 5, given `count` purchases of `mean_amount` money each.

        Customers without a purchase, or whose mean is missing or not positive, get the mean of all.
        Raises NoMeanSpend where q <= 1.
        """
        everybody = self.mean
        count, amount = (np.asarray(each, dtype="float64") for each in (count, mean_amount))
        known = np.isfinite(amount) & (amount > 0) & (count > 0)
        n, m = np.where(known, count, 0.0), np.where(known, amount, 0.0)
        own_share = self.p * n / (self.p * n + self.q - 1)
        return own_share * m + (1 - own_share) * everybody


def fit_gamma_gamma(count: np.ndarray, mean_amount: np.ndarray, penalty: float = 0.0) -> GammaGamma:
    """The most likely parameters, from customers with a purchase and a positive mean amount.

    Raises NotTrainable when there is no such customer, and NoMeanSpend when the fit has no mean, or one that is
    far from what was seen.
    """
    n, m = _known(count, mean_amount)
    if not len(n):
        raise NotTrainable("No customer has a purchase with a positive amount: there is no spend to learn from.")
    (n, m), weight = compressed([n, m])
    unit = float(np.average(m, weights=weight))
    p, q, v = maximise(_Likelihood(n, m / unit, weight), _STARTS, float(weight.sum()), penalty)
    fitted = GammaGamma(float(p), float(q), float(v * unit))
    if fitted.mean > _FAR_FROM_SEEN * unit:
        raise NoMeanSpend("The spread of spend is so wide that its mean is far above what was seen (q is hardly 1).")
    return fitted


def log_likelihood(model: GammaGamma, count: np.ndarray, mean_amount: np.ndarray) -> float:
    """The log likelihood of the mean amounts, equation 1a, summed over the customers that `fit_gamma_gamma` takes."""
    n, m = _known(count, mean_amount)
    value, _ = _Likelihood(n, m, np.ones(len(n)))(np.array([model.p, model.q, model.v]))
    return value


def _known(count: np.ndarray, mean_amount: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n, m = np.asarray(count, dtype="float64"), np.asarray(mean_amount, dtype="float64")
    known = np.isfinite(n) & np.isfinite(m) & (n > 0) & (m > 0)
    return n[known], m[known]


class _Likelihood:
    """Summed log likelihood of mean amounts m over n purchases, with its gradient."""

    def __init__(self, n: np.ndarray, m: np.ndarray, weight: np.ndarray) -> None:
        self.n, self.m, self.weight = n, m, weight
        self.log_total = np.log(n) + np.log(m)
        self.by_count, self.place = np.unique(n, return_inverse=True)

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, v = parameters
        n, w, counts = self.n, self.weight, self.by_count
        whole = np.log(v + n * self.m)
        by_count = gammaln(p * counts + q) - gammaln(p * counts) - gammaln(q) + q * np.log(v)
        value = by_count[self.place] + p * n * self.log_total - np.log(self.m) - (p * n + q) * whole
        steep = digamma(p * counts + q)
        by_p = (counts * (steep - digamma(p * counts)))[self.place] + n * (self.log_total - whole)
        by_q = (steep - digamma(q) + np.log(v))[self.place] - whole
        by_v = q / v - (p * n + q) / (v + n * self.m)
        return float(w @ value), np.array([float(w @ each) for each in (by_p, by_q, by_v)])
