"""Pareto/NBD: purchases at a gamma rate, until a departure that comes at a gamma rate of its own.

D. Schmittlein, D. Morrison, R. Colombo, Counting Your Customers, Management Science 33 (1987); P. Fader, B. Hardie,
A Note on Deriving the Pareto/NBD Model and Related Expressions (2005). Their difference of two 2F1 is the integral
`_log_integral` here: the same number, without overflow for busy customers, and with a plain gradient.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, expit, gammaln

from custana_pipeline.features.btyd.fitting import maximise
from custana_pipeline.features.btyd.histories import Histories, histories, tidy

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_FAR = 45.0
_STARTS = ((0.5, 0.5, 0.5, 0.5), (1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.1, 1.0))


@dataclass(frozen=True)
class ParetoNbd:
    """Fitted parameters; `alpha` and `beta` are in the unit of the times, the others have none."""

    r: float
    alpha: float
    s: float
    beta: float

    def p_alive(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """The probability that the customer has not left at T."""
        x, t_x, T = tidy(x, t_x, T)
        stays, left, _ = _stays_or_left((self.r, self.alpha, self.s, self.beta), x, t_x, T)
        return expit(stays - left)

    def p_buy(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, horizon: float) -> np.ndarray:
        """The probability of a purchase in (T, T + horizon]: the first one comes before the departure."""
        x, t_x, T = tidy(x, t_x, T)
        bounds = (T, T + horizon)
        total, _, _ = _log_integral((self.alpha, self.beta), self.r + x + 1, np.full(len(x), self.s), bounds)
        scale = (self.r + x) * np.log(self.alpha + T) + self.s * np.log(self.beta + T)
        buys_if_alive = np.exp(np.log(self.r + x) + scale + total).clip(max=1.0)
        return self.p_alive(x, t_x, T) * buys_if_alive

    def expected_purchases(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, horizon: float) -> np.ndarray:
        """Purchases expected in (T, T + horizon]: the mean rate times the mean time that is left of the horizon."""
        x, t_x, T = tidy(x, t_x, T)
        rate = (self.r + x) / (self.alpha + T)
        return self.p_alive(x, t_x, T) * rate * self._time_left(T, horizon)

    def _time_left(self, T: np.ndarray, horizon: float) -> np.ndarray:
        growth = np.log1p(horizon / (self.beta + T))
        less = self.s - 1
        share = growth if abs(less) < 1e-9 else -np.expm1(-less * growth) / less
        return (self.beta + T) * share


def fit_pareto_nbd(x: np.ndarray, t_x: np.ndarray, T: np.ndarray, penalty: float = 0.0) -> ParetoNbd:
    """The most likely parameters for arrays of one length; NotTrainable or NotConverged where there are none."""
    found = histories(x, t_x, T)
    unit = found.mean_age
    scaled = Histories(found.x, found.t_x / unit, found.T / unit, found.weight)
    r, alpha, s, beta = maximise(_Likelihood(scaled), _STARTS, float(found.weight.sum()), penalty)
    return ParetoNbd(float(r), float(alpha * unit), float(s), float(beta * unit))


def log_likelihood(model: ParetoNbd, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> float:
    """The log likelihood of the histories, summed over customers."""
    value, _ = _Likelihood(histories(x, t_x, T))(np.array([model.r, model.alpha, model.s, model.beta]))
    return value


def _log_integral(
    scales: tuple[float, float], p: np.ndarray, q: np.ndarray, bounds: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log of the integral of (alpha + u)^-p (beta + u)^-q over u within the bounds, with its nodes and their shares.

    Gauss-Legendre after y = (p + q - 1) log((alpha + u) / (alpha + low)), which leaves exp(-y) times
    ((alpha + u) / (beta + u))^q to be integrated: smooth, and cut at y = 45 however large p is. p + q > 1.
    An empty range gives -inf.
    """
    alpha, beta = scales
    low, high = bounds
    power, start = p + q - 1, np.log(alpha + low)
    width = np.minimum(power * (np.log(alpha + high) - start), _FAR)
    y = width[:, None] * (1 + _NODES) / 2
    log_alpha = start[:, None] + y / power[:, None]
    moments = np.exp(log_alpha) - alpha
    heights = q[:, None] * (log_alpha - np.log(beta + moments)) - y
    peak = heights.max(axis=1)
    shares = _WEIGHTS / 2 * np.exp(heights - peak[:, None])
    sums = shares.sum(axis=1)
    with np.errstate(divide="ignore"):
        total = np.log(width) + np.log(sums) + peak - power * start - np.log(power)
    return total, moments, shares / sums[:, None]


def _stays_or_left(
    parameters: tuple[float, float, float, float], x: np.ndarray, t_x: np.ndarray, T: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Logs of the two parts of the likelihood - still there at T, left between t_x and T - and the latter's nodes."""
    r, alpha, s, beta = parameters
    stays = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    total, moments, shares = _log_integral((alpha, beta), r + x, np.full(len(x), s + 1), (t_x, T))
    return stays, np.log(s) + total, (moments, shares)


class _Likelihood:
    """Summed log likelihood with its gradient; functions of x alone are taken once for each different x."""

    def __init__(self, rows: Histories) -> None:
        self.rows = rows
        self.counts, self.place = np.unique(rows.x, return_inverse=True)
        self.count_weight = np.bincount(self.place, weights=rows.weight)

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, s, beta = parameters
        x, T, weight = self.rows.x, self.rows.T, self.rows.weight
        stays, left, (moments, shares) = _stays_or_left((r, alpha, s, beta), x, self.rows.t_x, T)
        either = np.logaddexp(stays, left)
        has_left = np.exp(left - either)
        total, n = weight.sum(), self.counts
        constant = gammaln(r + n) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        shares = shares * has_left[:, None]
        here = 1 - has_left
        ends_alpha = here * np.log(alpha + T) + (shares * np.log(alpha + moments)).sum(axis=1)
        ends_beta = here * np.log(beta + T) + (shares * np.log(beta + moments)).sum(axis=1)
        over_alpha = here / (alpha + T) + (shares / (alpha + moments)).sum(axis=1)
        over_beta = s * here / (beta + T) + (s + 1) * (shares / (beta + moments)).sum(axis=1)
        slopes = [
            self.count_weight @ (digamma(r + n) - digamma(r) + np.log(alpha)) - weight @ ends_alpha,
            total * r / alpha - weight @ ((r + x) * over_alpha),
            total * np.log(beta) - weight @ ends_beta + weight @ has_left / s,
            total * s / beta - weight @ over_beta,
        ]
        return float(self.count_weight @ constant + weight @ either), np.array([float(each) for each in slopes])
