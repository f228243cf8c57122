"""Which of a customer's habits speaks most for an entry of their lists, found among packed customers and places."""

from typing import Any

import numpy as np

from custana_pipeline.models.recommendation_history import AGE_BITS, MILLION, PLACE_BITS, Integers, half_up
from custana_pipeline.models.recommendation_neighbours import BASKET_NEIGHBOURS
from custana_pipeline.models.recommendation_ranking import Ranked, row_of

BILLION = 1_000_000_000
MARK_BITS = 10
LAST_MARK = 2**MARK_BITS - 1
LARGEST_KEY = 900 * BILLION


def packed(customer: Integers, place: Integers, age: Integers | None = None) -> Integers:
    """One integer for customer and place, and for days ago where they are given; its order is theirs."""
    pair = (customer.astype(np.int64) << PLACE_BITS) | place
    return pair if age is None else (pair << AGE_BITS) | np.minimum(age, 2**AGE_BITS - 1)


def unpacked(codes: Integers) -> tuple[Integers, Integers, Integers]:
    """Customer, place and days ago."""
    return codes >> (PLACE_BITS + AGE_BITS), (codes >> AGE_BITS) & (2**PLACE_BITS - 1), codes & (2**AGE_BITS - 1)


def companions_of(
    lists: Ranked, asked: np.ndarray, own: Any, weights: tuple[Integers, Integers]
) -> tuple[Integers, Integers]:
    """For each entry of the lists: affinity in billionths, and the place of the habit that speaks most for it.

    Of equals the one that is sold more; both are 0 for what is not `asked` for.
    """
    neighbour, weight = weights
    affinity, best = np.zeros(len(lists.row), dtype=np.int64), np.full(len(lists.row), -1, dtype=np.int64)
    habit, column, entry = _hits(lists, np.flatnonzero(asked), own, neighbour)
    product = own.indices[habit]
    parts = half_up(BILLION * own.data[habit] * weight[product, column], 0).astype(np.int64)
    np.add.at(affinity, entry, parts)
    strength = np.minimum(parts, LARGEST_KEY) * MILLION * 10 + MILLION * 10 - 1 - product
    np.maximum.at(best, entry, strength)
    return affinity, np.where(best < 0, 0, MILLION * 10 - 1 - best % (MILLION * 10))


def _hits(lists: Ranked, asked: Integers, own: Any, neighbour: Integers) -> tuple[Integers, Integers, Integers]:
    """Which of the habits in `own`, by which of its neighbours, speaks for which of the entries `asked` for.

    Nearly all neighbours of habits are on no list: the last bits of the place, marked for each row, tell so without a
    search among the entries.
    """
    is_near = np.zeros(own.shape[0] << MARK_BITS, dtype=bool)
    is_near[(lists.row[asked] << MARK_BITS) + (lists.place[asked] & LAST_MARK)] = True
    row, within = row_of(own), (neighbour & LAST_MARK).astype(np.int64)
    marks = within[own.indices]
    marks += row[:, None] << MARK_BITS
    habit, column = np.divmod(np.flatnonzero(is_near[marks]), BASKET_NEIGHBOURS)
    codes = packed(lists.row[asked], lists.place[asked])
    order = np.argsort(codes)
    found, is_found = where_in(codes[order], packed(row[habit], neighbour[own.indices[habit], column]))
    return habit[is_found], column[is_found], asked[order[found[is_found]]]


def where_in(codes: Integers, asked: Integers) -> tuple[Integers, np.ndarray]:
    """Where in the ordered `codes` each one asked for is, and whether it is there at all."""
    at = np.minimum(np.searchsorted(codes, asked), max(len(codes) - 1, 0))
    return at, codes[at] == asked if len(codes) else np.zeros(len(asked), dtype=bool)
