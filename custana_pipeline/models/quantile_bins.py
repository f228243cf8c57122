"""The bins that histogram boosting tells numbers apart by: their edges, and the place of each number among them."""

import numpy as np


def bins_of(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many edges lie below each value; NaN where it is missing, or nothing was known in training.

    The search is np.searchsorted's, step by step for all values at once: that one guesses at each step which half it
    will be, and guesses wrong every other time, which takes twice as long.
    """
    if not len(edges):
        return np.zeros(len(values), dtype="float32")
    places = np.zeros(len(values), dtype="int64")
    step = 1 << (len(edges).bit_length() - 1)
    padded = np.concatenate([edges, np.full(2 * step, np.inf)])
    while step:
        places += step * (padded[places + (step - 1)] < values)
        step //= 2
    found = places.astype("float32")
    found[np.isnan(values)] = np.nan
    return found


def edges_of(ordered: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """The distinct quantiles, each a value of the column; `ordered` has its missing values last."""
    known = ordered[: len(ordered) - int(np.isnan(ordered).sum())]
    return np.unique(known[np.floor(inner * (len(known) - 1)).astype("int64")]) if len(known) else np.empty(0)
