"""The bins that histogram boosting tells numbers apart by: their edges, and the place of each number among them."""

import numpy as np

COUNTED_EDGES = 24
"""Up to so many edges are all compared with all values, which is cheaper than that each looks at places of its own."""
STRIDE = 8
"""Else every so manieth is, and what lies between two of them is searched."""


def bins_of(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many edges lie below each value; NaN where it is missing, or nothing was known in training.

    All values take the same steps. np.searchsorted guesses at each step which half it will be, and guesses wrong every
    other time, which takes four times as long.
    """
    if len(edges) <= COUNTED_EDGES:
        found = _counted(edges, values).astype("float32")
    else:
        found = _searched(edges, values).astype("float32")
    if len(edges):
        found[np.isnan(values)] = np.nan
    return found


def _counted(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    count = np.zeros(len(values), dtype=np.min_scalar_type(len(edges)))
    for edge in edges:
        count += (values > edge).view("uint8")
    return count


def _searched(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    places = _counted(edges[STRIDE - 1 :: STRIDE], values) * np.int64(STRIDE)
    padded = np.append(edges, np.full(STRIDE, np.inf))
    step = STRIDE // 2
    while step:
        places += step * (padded[step - 1 :].take(places) < values)
        step //= 2
    return places


def edges_of(ordered: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """The distinct quantiles, each a value of the column; `ordered` has its missing values last."""
    known = ordered[: len(ordered) - int(np.isnan(ordered).sum())]
    return np.unique(known[np.floor(inner * (len(known) - 1)).astype("int64")]) if len(known) else np.empty(0)
