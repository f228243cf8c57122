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
    order = np.lexsort(tuple(columns)[::-1])
    ordered = [np.asarray(each)[order] for each in columns]
    changes = np.any([each[1:] != each[:-1] for each in ordered], axis=0)
    starts = np.flatnonzero(np.concatenate([[True], changes]))
    weights = np.diff(np.append(starts, len(order))).astype("float64")
    step = -(-len(starts) // most_rows)
    return [each[starts][::step] for each in ordered], weights[::step]


def histories(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> Histories:
    """Compressed histories; NotTrainable when there are none, or when nobody was known for any time."""
    count, last, age = tidy(x, t_x, T)
    if not len(count):
        raise NotTrainable("There is no customer to learn purchase rates from: load earlier transactions.")
    if not (age > 0).any():
        raise NotTrainable("Every customer bought for the first time at as_of: choose a later day.")
    (count, last, age), weight = compressed([count, last, age])
    return Histories(count, last, age, weight)
