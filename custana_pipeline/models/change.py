"""How far two samples of one column lie apart: population stability index and Kolmogorov-Smirnov distance.

The limits say what chance alone may do. Without any change PSI is about (1/n + 1/m) times a chi-square variable with
one degree of freedom less than there are bins (Yurdakul and Naranjo 2020, "Statistical properties of the population
stability index", Journal of Risk Model Validation 14(4)). The Kolmogorov-Smirnov distance exceeds
sqrt(-ln(p / 2) / 2) sqrt((n + m) / (n m)) with a chance of about p (Smirnov 1948).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from custana_pipeline.models.encoding import UNKNOWN_TEXT, as_floats, as_text, is_numeric

BIN_COUNT = 10
MOST_TEXTS = 20
LEAST_KNOWN = 20
"""Fewer known numbers on a side have no Kolmogorov-Smirnov distance."""


@dataclass(frozen=True)
class Change:
    """One column of two samples; `ks` and its limit are NaN for texts and where hardly anything is known."""

    psi: float
    psi_by_chance: float
    """What PSI stays below without any change, but for the tolerated chance."""
    ks: float
    ks_by_chance: float


NO_CHANGE = Change(0.0, 0.0, 0.0, 0.0)


def change_between(before: Any, now: Any, tolerated: float) -> Change:
    """How far `now` lies from `before`; `tolerated` is the chance of exceeding a limit that one column is allowed.

    Numbers are binned by the quantiles of `before`, missing and infinite ones in a bin of their own; texts by their
    MOST_TEXTS most frequent values in `before`, with one bin for all others.
    """
    scale = 1 / max(len(before), 1) + 1 / max(len(now), 1)
    if not is_number(before, now):
        counts = _text_counts(before, now)
        return Change(psi(*counts), scale * _chi_square_limit(counts, tolerated), np.nan, np.nan)
    sorted_numbers = [_sorted_numbers(each) for each in (before, now)]
    counts = _number_counts(sorted_numbers, [len(before), len(now)])
    distance = _distance(sorted_numbers, tolerated)
    return Change(psi(*counts), scale * _chi_square_limit(counts, tolerated), *distance)


def psi(before: np.ndarray, now: np.ndarray) -> float:
    """The population stability index of two arrays of counts by bin; half a row is added to each bin.

    >>> round(psi(np.array([50, 50]), np.array([50, 50])), 3), round(psi(np.array([50, 50]), np.array([80, 20])), 3)
    (0.0, 0.406)
    """
    shares = [(each + 0.5) / (each.sum() + 0.5 * len(each)) for each in (before, now)]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def ks(before: np.ndarray, now: np.ndarray) -> float:
    """The largest gap between the empirical distribution functions of two samples in order.

    It is what scipy.stats.ks_2samp tells, in a tenth of its time.

    >>> ks(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0, 5.0]))
    0.5
    """
    places = np.concatenate([before, now])  # in order, each search begins in what the one before has read
    reached = [np.searchsorted(each, places, side="right") / len(each) for each in (before, now)]
    return float(np.abs(reached[0] - reached[1]).max())


def is_number(before: Any, now: Any) -> bool:
    """Whether a column is compared as numbers: neither side holds texts."""
    return is_numeric(before) and is_numeric(now)


def _sorted_numbers(values: Any) -> np.ndarray:
    """The finite ones in order; binning and distance both ask for it."""
    numbers = as_floats(values).to_numpy()
    return np.sort(numbers[np.isfinite(numbers)])


def _number_counts(ordered: list[np.ndarray], row_counts: list[int]) -> np.ndarray:
    before = ordered[0]
    inner = np.linspace(0, 1, BIN_COUNT + 1)[1:-1]
    edges = np.unique(np.quantile(before, inner, method="inverted_cdf")) if len(before) else np.empty(0)
    return _used(np.array([_binned(each, edges, rows) for each, rows in zip(ordered, row_counts, strict=True)]))


def _binned(ordered: np.ndarray, edges: np.ndarray, row_count: int) -> np.ndarray:
    """How many numbers lie in each bin, an edge in the bin below it; the last bin holds the rows without a number."""
    reached = np.searchsorted(ordered, edges, side="right")
    return np.diff([0, *reached, len(ordered), row_count])


def _text_counts(before: Any, now: Any) -> np.ndarray:
    sides = [as_text(each) for each in (before, now)]
    frequent = [name for name in sides[0].value_counts().index if name != UNKNOWN_TEXT][:MOST_TEXTS]
    places = {name: number for number, name in enumerate([*frequent, UNKNOWN_TEXT])}
    bins = [each.map(places).fillna(len(places)).to_numpy(dtype="int64") for each in sides]
    return _used(np.array([np.bincount(each, minlength=len(places) + 1) for each in bins]))


def _used(counts: np.ndarray) -> np.ndarray:
    """The bins that hold a row on either side; a bin without any would count as one degree of freedom."""
    return counts[:, counts.sum(axis=0) > 0]


def _chi_square_limit(counts: np.ndarray, tolerated: float) -> float:
    return _chi_square_quantile(1 - tolerated, max(counts.shape[1] - 1, 1))


@lru_cache(maxsize=256)
def _chi_square_quantile(share: float, degrees: int) -> float:
    from scipy.stats import chi2

    return float(chi2.ppf(share, degrees))


def _distance(known: list[np.ndarray], tolerated: float) -> tuple[float, float]:
    n, m = (len(each) for each in known)
    if min(n, m) < LEAST_KNOWN:
        return float("nan"), float("nan")
    return ks(known[0], known[1]), float(np.sqrt(-np.log(tolerated / 2) / 2) * np.sqrt((n + m) / (n * m)))
