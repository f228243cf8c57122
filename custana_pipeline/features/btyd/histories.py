"""Purchase histories as (x, t_x, T): what the models need to know of a customer, checked and compressed.

x counts the repeat purchases, t_x is the time from the first to the last purchase, T the time from the first purchase
to as_of, both in any unit as long as it is one. A purchase is a day with a purchase.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from custana_pipeline.errors import NotTrainable

MOST_ROWS = 200_000
"""More different histories than these are fitted on every k-th of them, in the order of (x, t_x, T)."""

_EXACT = 2.0**53
"""Whole numbers below it are exact as float64."""


@dataclass(frozen=True)
class Histories:
    """Different histories with the number of customers who have each; arrays of one length."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    weight: np.ndarray

    @property
    def mean_age(self) -> float:
        """The mean T, in the unit that came in: the models measure time in it while they are fitted."""
        return float(np.average(self.T, weights=self.weight))


def tidy(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three as float64 within 0 <= t_x <= T and x >= 0; whatever is missing or infinite is taken for zero."""
    count, last, age = (np.nan_to_num(np.asarray(each, dtype="float64"), posinf=0, neginf=0) for each in (x, t_x, T))
    count, age = np.maximum(count, 0.0), np.maximum(age, 0.0)
    return count, np.where(count > 0, np.clip(last, 0.0, age), 0.0), age


def compressed(columns: Sequence[np.ndarray], most_rows: int = MOST_ROWS) -> tuple[list[np.ndarray], np.ndarray]:
    """The different rows of the columns, sorted, with how often each occurs; at most `most_rows`, evenly taken.

    >>> compressed([np.array([1, 0, 1]), np.array([5, 2, 5])])
    ([array([0, 1]), array([2, 5])], array([1., 2.]))
    """
    rows, weights, _, _ = _told_apart(columns)
    step = -(-len(weights) // most_rows)
    return [each[::step] for each in rows], weights[::step]


def _told_apart(columns: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """The different rows, sorted, how often each occurs, the order of all rows, and which of these differ anew."""
    order = _order(columns)
    ordered = [np.asarray(each)[order] for each in columns]
    is_first = np.append(True, np.any([each[1:] != each[:-1] for each in ordered], axis=0))
    starts = np.flatnonzero(is_first)
    weights = np.diff(np.append(starts, len(order))).astype("float64")
    return [each[starts] for each in ordered], weights, order, is_first


def _order(columns: Sequence[np.ndarray]) -> np.ndarray:
    """The order of the rows; columns of small whole numbers are sorted as one number, in a quarter of the time."""
    radices = [float(np.max(each, initial=0)) + 1 for each in columns]
    if np.prod(radices) >= _EXACT or not all(np.all((each >= 0) & (each == np.floor(each))) for each in columns):
        return np.lexsort(tuple(columns)[::-1])
    key = np.zeros(len(columns[0]), dtype="int64")
    for each, radix in zip(columns, radices, strict=True):
        key = key * int(radix) + np.asarray(each).astype("int64")
    return np.argsort(key)  # rows of one key are equal: it does not matter which of them comes first


def thinned(weight: np.ndarray, most_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `most_rows` places among sorted rows, evenly taken by weight, with the weight that each now stands for.

    The weights add up to what they did; where there are no more rows than that, all are there with their own.

    >>> places, weights = thinned(np.array([8.0, 1.0, 1.0, 6.0]), 2)
    >>> places.tolist(), weights.tolist()
    ([0, 3], [8.0, 8.0])
    """
    if len(weight) <= most_rows:
        return np.arange(len(weight)), weight
    reached = np.cumsum(weight)
    middles = (np.arange(most_rows) + 0.5) * (reached[-1] / most_rows)
    places, count = np.unique(np.searchsorted(reached, middles), return_counts=True)
    return places, count * (reached[-1] / most_rows)


def histories(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> Histories:
    """Compressed histories; NotTrainable when there are none, or when nobody was known for any time."""
    (count, last, age), weight = compressed(_with_time(tidy(x, t_x, T)))
    return Histories(count, last, age, weight)


def placed(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> tuple[Histories, Histories, np.ndarray]:
    """The same, then all different histories, and the place of each customer's among these.

    What a model foresees hangs on the history alone, and one-time buyers have few different ones.
    """
    columns = _with_time(tidy(x, t_x, T))
    rows, weight, order, is_first = _told_apart(columns)
    place = np.empty(len(order), dtype="int32")
    place[order] = np.cumsum(is_first, dtype="int32") - 1
    different = Histories(rows[0], rows[1], rows[2], weight)
    return _at_most(different, MOST_ROWS), different, place


def _at_most(found: Histories, most_rows: int) -> Histories:
    step = -(-len(found.weight) // most_rows)
    return Histories(found.x[::step], found.t_x[::step], found.T[::step], found.weight[::step])


def _with_time(columns: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    age = columns[2]
    if not len(age):
        raise NotTrainable("There is no customer to learn purchase rates from: load earlier transactions.")
    if not (age > 0).any():
        raise NotTrainable("Every customer bought for the first time at as_of: choose a later day.")
    return columns
