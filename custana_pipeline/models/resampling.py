"""Bootstrap intervals over customers (Efron 1979): the same draws for every model, so that gains are paired."""

from functools import lru_cache

import numpy as np

RESAMPLES = 200
MOST_CUSTOMERS = 20_000
"""Customers that are drawn from, evenly taken, where there are more."""
LOWER, UPPER = 0.025, 0.975


@lru_cache(maxsize=2)
def draws(customer_count: int, resample_count: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """How often each customer is drawn: resamples x customers; every row adds up to customer_count.

    The same draws are asked for again and again, by intervals and by the gate; whoever gets them must not change them.
    """
    random = np.random.default_rng(seed)
    counts = np.empty((resample_count, customer_count), dtype="float32")
    for number in range(resample_count):
        counts[number] = np.bincount(random.integers(0, customer_count, customer_count), minlength=customer_count)
    counts.setflags(write=False)
    return counts


def thinned(customer_count: int) -> np.ndarray:
    """Positions of at most MOST_CUSTOMERS customers, evenly taken."""
    return np.unique(np.linspace(0, customer_count - 1, min(customer_count, MOST_CUSTOMERS)).astype("int64"))


def mean_interval(losses: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the mean loss."""
    means = counts @ losses.astype("float32") / counts.shape[1]
    lower, upper = np.quantile(means, [LOWER, UPPER])
    return float(lower), float(upper)


def auc_interval(actual: np.ndarray, score: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the area under the ROC curve, ties counted half."""
    bought = actual > 0
    others = np.flatnonzero(~bought)[np.argsort(score[~bought], kind="stable")]
    below = np.zeros((len(counts), len(others) + 1), dtype="float32")
    np.cumsum(counts[:, others], axis=1, out=below[:, 1:])
    yes, ordered = counts[:, bought], score[others]
    lower, upper = (np.searchsorted(ordered, score[bought], side=side) for side in ("left", "right"))
    beaten = below[:, lower] if (lower == upper).all() else 0.5 * (below[:, lower] + below[:, upper])
    totals = yes.sum(axis=1, dtype="float64") * below[:, -1]
    areas = (yes * beaten).sum(axis=1, dtype="float64")[totals > 0] / totals[totals > 0]
    if not len(areas):
        return float("nan"), float("nan")
    lower, upper = np.quantile(areas, [LOWER, UPPER])
    return float(lower), float(upper)


def relative_gain(
    losses: np.ndarray, others: np.ndarray, resample_count: int = 400, seed: int = 0
) -> tuple[float, float, float]:
    """1 - mean loss / mean of the other losses over the same customers, with its paired 95 % interval."""
    gain = 1 - losses.mean() / others.mean()
    kept = thinned(len(losses))
    counts = draws(len(kept), resample_count, seed)
    gains = 1 - (counts @ losses[kept].astype("float32")) / (counts @ others[kept].astype("float32"))
    lower, upper = np.quantile(gains, [LOWER, UPPER])
    return float(gain), float(lower), float(upper)
