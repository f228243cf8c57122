"""BG/NBD: purchases at a gamma rate, a beta chance of leaving after each repeat purchase.

P. Fader, B. Hardie, K. L. Lee, "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
Marketing Science 24 (2005). Equation numbers are those of the paper.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, digamma, expit, gammaln, hyp2f1

from custana_pipeline.features.btyd.fitting import maximise
from custana_pipeline.features.btyd.histories import Histories, histories, tidy

_NEAR_ONE = 1e-6
_NODES = 64
_STARTS = ((0.5, 0.5, 0.5, 2.0), (1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.1, 1.0))


@dataclass(frozen=True)
class BgNbd:
    """Fitted parameters; `alpha` is in the unit of the times, the others have none."""

    r: float
    alpha: float
    a: float
    b: float

    def p_alive(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """The probability that the customer has not left at T; it is 1 for one without a repeat purchase."""
        x, t_x, T = tidy(x, t_x, T)
        again = np.maximum(x, 1.0)
        odds = np.log(self.a) - np.log(self.b + again - 1)
        odds = odds + (self.r + x) * (np.log(self.alpha + T) - np.log(self.alpha + t_x))
        return np.where(x > 0, expit(-odds), 1.0)

    def p_buy(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, horizon: float) -> np.ndarray:
        """The probability of a purchase in (T, T + horizon]: one who is there stays until the next purchase."""
        x, t_x, T = tidy(x, t_x, T)
        buys_if_alive = -np.expm1(-(self.r + x) * np.log1p(horizon / (self.alpha + T)))
        return self.p_alive(x, t_x, T) * buys_if_alive

    def expected_purchases(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, horizon: float) -> np.ndarray:
        """Purchases expected in (T, T + horizon], equation 10, by Euler's transformation of its 2F1.

        Where the closed form leaves the range 0 ... E(rate) * horizon, the integral over the chance of leaving is
        taken numerically.
        """
        x, t_x, T = tidy(x, t_x, T)
        ceiling = (self.r + x) / (self.alpha + T) * horizon
        purchases = self._closed(x, T, horizon)
        sound = np.isfinite(purchases) & (purchases >= 0) & (purchases <= ceiling * (1 + 1e-9))
        if not sound.all():
            purchases[~sound] = self._integrated(x[~sound], T[~sound], horizon)
        return self.p_alive(x, t_x, T) * np.clip(purchases, 0.0, ceiling)

    def _closed(self, x: np.ndarray, T: np.ndarray, horizon: float) -> np.ndarray:
        """Purchases expected of one who is there at T."""
        less = self.a - 1 if abs(self.a - 1) > _NEAR_ONE else _NEAR_ONE
        z = horizon / (self.alpha + T + horizon)
        third = less + self.b + x
        with np.errstate(all="ignore"):
            series = hyp2f1(less + self.b - self.r, less, third, z)
            return third / less * (1 - np.exp(less * np.log1p(-z)) * series)

    def _integrated(self, x: np.ndarray, T: np.ndarray, horizon: float) -> np.ndarray:
        """The same by Gauss-Legendre over the quantiles of the chance p of leaving, beta(a, b + x)."""
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        leaves = betaincinv(self.a, (self.b + x)[:, None], (1 + nodes) / 2).clip(min=1e-12)
        rate = np.log1p(leaves * horizon / (self.alpha + T)[:, None])
        return (-np.expm1(-(self.r + x)[:, None] * rate) / leaves) @ weights / 2


def fit_bg_nbd(x: np.ndarray, t_x: np.ndarray, T: np.ndarray, penalty: float = 0.0) -> BgNbd:
    """The most likely parameters for arrays of one length; NotTrainable or NotConverged where there are none."""
    return fit_bg_nbd_to(histories(x, t_x, T), penalty)


def fit_bg_nbd_to(found: Histories, penalty: float = 0.0) -> BgNbd:
    """The same for histories that are compressed already."""
    unit = found.mean_age
    scaled = Histories(found.x, found.t_x / unit, found.T / unit, found.weight)
    likelihood = _Likelihood(scaled)
    r, alpha, a, b = maximise(likelihood, _STARTS, float(found.weight.sum()), penalty)
    return BgNbd(float(r), float(alpha * unit), float(a), float(b))


def log_likelihood(model: BgNbd, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> float:
    """The log likelihood of the histories, equation 6, summed over customers."""
    value, _ = _Likelihood(histories(x, t_x, T))(np.array([model.r, model.alpha, model.a, model.b]))
    return value


class _Likelihood:
    """Summed log likelihood with its gradient; functions of x alone are taken once for each different x."""

    def __init__(self, rows: Histories) -> None:
        self.rows = rows
        self.counts, self.place = np.unique(rows.x, return_inverse=True)
        self.count_weight = np.bincount(self.place, weights=rows.weight)

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = parameters
        x, weight = self.rows.x, self.rows.weight
        to_end, to_last = np.log(alpha + self.rows.T), np.log(alpha + self.rows.t_x)
        stays = -(r + x) * to_end
        again = np.maximum(x, 1.0)
        left = np.where(x > 0, np.log(a / (b + again - 1)) - (r + x) * to_last, -np.inf)
        either = np.logaddexp(stays, left)
        has_left = np.exp(left - either)
        by_count, gradient = self._by_count(r, alpha, a, b)
        slope = (1 - has_left) / (alpha + self.rows.T) + has_left / (alpha + self.rows.t_x)
        gradient[0] -= weight @ ((1 - has_left) * to_end + has_left * to_last)
        gradient[1] -= weight @ ((r + x) * slope)
        gradient[2] += weight @ has_left / a
        gradient[3] -= weight @ (has_left / (b + again - 1))
        return by_count + float(weight @ either), gradient

    def _by_count(self, r: float, alpha: float, a: float, b: float) -> tuple[float, np.ndarray]:
        n, w = self.counts, self.count_weight
        value = gammaln(r + n) - gammaln(r) + r * np.log(alpha)
        value = value + gammaln(a + b) + gammaln(b + n) - gammaln(b) - gammaln(a + b + n)
        both = digamma(a + b) - digamma(a + b + n)
        slopes = (digamma(r + n) - digamma(r) + np.log(alpha), r / alpha, both, both + digamma(b + n) - digamma(b))
        return float(w @ value), np.array([float(np.sum(w * each)) for each in slopes])
