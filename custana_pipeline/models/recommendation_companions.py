"""Which of a customer's habits speaks most for an entry of their lists, found among packed customers and places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from custana_pipeline.models.recommendation_history import AGE_BITS, MILLION, PLACE_BITS, Floats, Integers, half_up
from custana_pipeline.models.recommendation_neighbours import BASKET_NEIGHBOURS
from custana_pipeline.models.recommendation_ranking import Ranked, row_of

BILLION = 1_000_000_000
MARK_BITS = 10
LAST_MARK = 2**MARK_BITS - 1
LARGEST_KEY = 900 * BILLION


@dataclass(frozen=True, eq=False)
class Asked:
    """Entries of lists whose companions are asked for."""

    lists: Ranked
    entries: Integers
    """Where they lie in the lists."""
    habits: Floats
    """How much each habit counts for these lists."""


def packed(customer: Integers, place: Integers, age: Integers | None = None) -> Integers:
    """One integer for customer and place, and for days ago where they are given; its order is theirs."""
    pair = (customer.astype(np.int64) << PLACE_BITS) | place
    return pair if age is None else (pair << AGE_BITS) | np.minimum(age, 2**AGE_BITS - 1)


def unpacked(codes: Integers) -> tuple[Integers, Integers, Integers]:
    """Customer, place and days ago."""
    return codes >> (PLACE_BITS + AGE_BITS), (codes >> AGE_BITS) & (2**PLACE_BITS - 1), codes & (2**AGE_BITS - 1)


def companions_of(
    several: Sequence[Asked], own: Any, weights: tuple[Integers, Floats]
) -> list[tuple[Integers, Integers]]:
    """For each entry of each of the lists: affinity in billionths, and the place of the habit that speaks most for it.

    Of equals the one that is sold more; both are 0 for what is not asked for. The entries of `own`, customer x place,
    are the habits.
    """
    near = _near(several, own, weights)
    return [_companions(each, near.of(number)) for number, each in enumerate(several)]


@dataclass(frozen=True, eq=False)
class _Near:
    """Habits that may speak for an entry of some list."""

    habit: Integers
    product: Integers
    weight: Floats
    codes: Integers
    """Row and place that they speak for, packed."""
    marks: Integers
    """For which lists that may be, a bit for each."""

    def of(self, number: int) -> "_Near":
        """Those for the list of that number."""
        at = np.flatnonzero(self.marks & (1 << number))
        return _Near(*(each[at] for each in (self.habit, self.product, self.weight, self.codes, self.marks)))


def _near(several: Sequence[Asked], own: Any, weights: tuple[Integers, Floats]) -> _Near:
    """Which neighbours of habits may be on some list.

    Nearly all of them are on none: the last bits of the place, marked for each row, tell so without a search.
    """
    neighbour, weight = weights
    marked = np.zeros(own.shape[0] << MARK_BITS, dtype=np.uint8)
    for number, each in enumerate(several):
        row, place = each.lists.row[each.entries], each.lists.place[each.entries]
        marked[(row << MARK_BITS) + (place & LAST_MARK)] |= 1 << number
    rows = row_of(own)
    within = (neighbour & LAST_MARK).astype(np.int64)[own.indices]
    within += rows[:, None] << MARK_BITS
    marks = marked.take(within).ravel()
    near = np.flatnonzero(marks != 0)
    habit = near // BASKET_NEIGHBOURS
    product = own.indices[habit]
    at = product * BASKET_NEIGHBOURS + near - habit * BASKET_NEIGHBOURS
    return _Near(habit, product, weight.take(at), packed(rows[habit], neighbour.take(at)), marks[near])


def _companions(asked: Asked, near: _Near) -> tuple[Integers, Integers]:
    count = len(asked.lists.row)
    affinity, best = np.zeros(count, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    codes = packed(asked.lists.row[asked.entries], asked.lists.place[asked.entries])
    order = np.argsort(codes)
    found, is_found = where_in(codes[order], near.codes)
    entry = asked.entries[order[found]]
    parts = half_up(BILLION * asked.habits[near.habit] * near.weight, 0).astype(np.int64)
    entry, parts, product = entry[is_found], parts[is_found], near.product[is_found]
    np.add.at(affinity, entry, parts)
    strength = np.minimum(parts, LARGEST_KEY) * MILLION * 10 + MILLION * 10 - 1 - product
    np.maximum.at(best, entry, strength)
    return affinity, np.where(best < 0, 0, MILLION * 10 - 1 - best % (MILLION * 10))


def where_in(codes: Integers, asked: Integers) -> tuple[Integers, np.ndarray]:
    """Where in the ordered `codes` each one asked for is, and whether it is there at all."""
    at = np.minimum(np.searchsorted(codes, asked), max(len(codes) - 1, 0))
    return at, codes[at] == asked if len(codes) else np.zeros(len(asked), dtype=bool)
