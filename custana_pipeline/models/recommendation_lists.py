"""The rules of the buy-again and the discover list, on arrays, as of any day.

The tuning makes lists of past windows by many parameters; recommendation_serving makes tonight's by the chosen ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import sparse

from custana_pipeline.models.recommendation_history import (
    MILLION,
    PLACE_BITS,
    Floats,
    Integers,
    Shelf,
    Snapshot,
    half_up,
)
from custana_pipeline.models.recommendation_metrics import PLACES
from custana_pipeline.models.recommendation_ranking import (
    LAST_PLACE,
    RULED_OUT,
    Candidates,
    Pool,
    Ranked,
    beside,
    contenders,
    place_within,
    pool_in,
    pool_of,
    ranked,
    united,
)

POPULARITY_FLOOR = 0.05
"""Added to every popularity, a share of the most popular product's, so that a rare product keeps a chance."""
HABIT_FLOOR = 0.1
"""What a product that the customer never bought counts, in purchase days."""
EVIDENCE_FLOOR = 0.001
"""What a product without any evidence counts on the discover list."""
MOST_HABITS = 100
NEXT_TO_NOTHING = 2.0**-70
"""Stands for no evidence in matrices, which have no zeros; added to the floor it is lost."""


@dataclass(frozen=True)
class ListParameters:
    """What a list is made with: half-life and popularity window in days, two powers and a weight."""

    half_life_days: float
    popularity_days: int
    popularity_power: float
    evidence_weight: float = 1.0
    """1, or 0 for a list that goes by popularity alone."""
    trend_power: float = 0.0
    """Power of a product's trend; the buy-again list has no use for it."""
    taste_weight: float = 0.0
    """Weight of what is bought by the same customers, beside what is bought together; with 0 the buy-again list has
    neither of them."""

    def told(self) -> dict[str, float]:
        """The parameters by name."""
        return asdict(self)


@dataclass(frozen=True)
class Rule:
    """How a list scores: what a product without any evidence counts, and the digits of a score."""

    floor: float
    digits: int


def order_of(demand: Floats) -> Integers:
    """The places, the highest in `demand` first; of equals the more sold one."""
    return np.argsort(-demand, kind="stable")


def in_demand(snapshot: Snapshot, order: Integers) -> Candidates:
    """The first ten places of `order` that each customer never bought or sent back.

    Before the n-th unknown product stand n others that are unknown, and all known ones with fewer unknown before them.
    """
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    customer, known = snapshot.pair_customer, position[snapshot.pair_place]
    # further down than what a customer knows and ten more, nothing is before the tenth that they do not know
    is_early = known < PLACES + np.bincount(customer, minlength=len(snapshot.customers))[customer]
    known = np.sort((customer[is_early] << PLACE_BITS) | known[is_early])
    customer = known >> PLACE_BITS
    unknown_before = (known & (2**PLACE_BITS - 1)) - place_within(customer) + 1
    near = unknown_before < PLACES
    counts = np.bincount(customer[near] * PLACES + unknown_before[near], minlength=len(snapshot.customers) * PLACES)
    found = np.cumsum(counts.reshape(-1, PLACES), axis=1) + np.arange(PLACES)
    row, column = np.nonzero(found < len(order))
    place = order[found[row, column]]
    return Candidates(row, place, np.zeros(len(place)))


def demand_of(shelf: Shelf, parameters: ListParameters) -> Floats:
    """(popularity + 0.05) ^ power x trend ^ trend power of each place, to nine digits."""
    popularity = (shelf.popularity(parameters.popularity_days) + POPULARITY_FLOOR) ** parameters.popularity_power
    return half_up(popularity * shelf.trend() ** parameters.trend_power, 9)


def habits(snapshot: Snapshot, half_life_days: float) -> Candidates:
    """What each customer bought and kept, with its decayed purchase days."""
    kept = snapshot.pair_is_kept
    decayed = snapshot.decayed(half_life_days)[kept]
    return Candidates(snapshot.pair_customer[kept], snapshot.pair_place[kept], decayed)


def strongest(own: Candidates, rows: int) -> Candidates:
    """The habits that `is_strong` tells of."""
    chosen = is_strong(own, rows)
    return own if chosen.all() else Candidates(own.customer[chosen], own.place[chosen], own.evidence[chosen])


def is_strong(own: Candidates, rows: int) -> np.ndarray:
    """Which are the 100 habits of each row that weigh most; of equals those of the more sold products.

    Evidence is in whole millionths: with the place packed behind them no two habits of a row are equal.
    """
    is_kept = np.bincount(own.customer, minlength=rows)[own.customer] <= MOST_HABITS
    rest = np.flatnonzero(~is_kept)
    weight = half_up(own.evidence[rest] * MILLION, 0).astype(np.int64)
    keys = (weight << PLACE_BITS) | (LAST_PLACE - own.place[rest])
    is_kept[rest[contenders(own.customer[rest], keys, MOST_HABITS)]] = True
    return is_kept


def speaking_habits(snapshot: Snapshot, half_life_days: float) -> sparse.csr_matrix:
    """Customer x place: the strongest habits, which speak for what is near to them."""
    return matrix_of(strongest(habits(snapshot, half_life_days), len(snapshot.customers)), snapshot)


Speaking = Mapping[float, sparse.csr_matrix]
"""By weight of taste: place x place, what each product speaks for; 0 has what is bought together alone."""


def stacked(*speaking: Any) -> sparse.csr_matrix:
    """Matrices of what places speak for, one below the other, None where each place speaks for itself.

    Below them are two more such, for fills and for what is barred. To stack them takes as long as the lists of some
    thousand customers.
    """
    width = next(each.shape[1] for each in speaking if each is not None)
    itself = sparse.csr_matrix(sparse.identity(width))
    return sparse.csr_matrix(sparse.vstack([itself if each is None else each for each in (*speaking, None, None)]))


def united_pool(
    snapshot: Snapshot,
    evidence: Sequence[sparse.csr_matrix],
    speaking: sparse.csr_matrix,
    fills: Candidates,
    barred: np.ndarray,
) -> Pool:
    """What `evidence` and `fills` speak for, without the pairs of the snapshot that are `barred`.

    `speaking` has a matrix for each piece of evidence, `stacked`.
    """
    known = np.full(int(barred.sum()), 2 * RULED_OUT)
    next_to_nothing = np.full(len(fills.place), NEXT_TO_NOTHING)
    parts = [
        *evidence,
        matrix_of(Candidates(fills.customer, fills.place, next_to_nothing), snapshot),
        matrix_of(Candidates(snapshot.pair_customer[barred], snapshot.pair_place[barred], known), snapshot),
    ]
    # one product of matrices adds up everything without sorting it
    return pool_in(sparse.hstack(parts, format="csr") @ speaking)


def discoveries(
    snapshot: Snapshot, evidence: Sequence[sparse.csr_matrix], speaking: sparse.csr_matrix, fills: Candidates
) -> Pool:
    """What `evidence` and `fills` speak for, without what the customer knows."""
    return united_pool(snapshot, evidence, speaking, fills, np.ones(len(snapshot.pair_place), dtype=bool))


def habits_and(
    snapshot: Snapshot, shown: Candidates, own: sparse.csr_matrix, speaking: sparse.csr_matrix, fills: Candidates
) -> Pool:
    """Habits, what the strongest of them in `own` speak for besides, and `fills`, without what was sent back whole."""
    return united_pool(snapshot, [matrix_of(shown, snapshot), own], speaking, fills, ~snapshot.pair_is_kept)


def buy_again_lists(
    snapshot: Snapshot, variants: Mapping[str, ListParameters], speaking: Speaking
) -> dict[str, Ranked]:
    """The buy-again list by each of the variants: (weight x evidence + 0.1) x demand, to six digits.

    Evidence is the decayed purchase days, and with a taste what the habits speak for besides.
    """
    half_lives = {each.half_life_days for each in variants.values()}
    shown = {days: habits(snapshot, days) for days in half_lives}
    width = len(snapshot.shelf.products)

    def pooled(half_life_days: float, taste: float, fills: Candidates) -> Pool:
        if not taste:
            return pool_of(beside(shown[half_life_days], fills, len(snapshot.customers)), width)
        own = matrix_of(strongest(shown[half_life_days], len(snapshot.customers)), snapshot)
        return habits_and(snapshot, shown[half_life_days], own, stacked(None, speaking[taste]), fills)

    return _lists(snapshot, variants, pooled, Rule(HABIT_FLOOR, 6))


def discover_lists(
    snapshot: Snapshot, variants: Mapping[str, ListParameters], speaking: Speaking, interests: sparse.csr_matrix
) -> dict[str, Ranked]:
    """The discover list by each of the variants: (weight x (affinity + interest) + 0.001) x demand, to nine digits."""
    half_lives = {each.half_life_days for each in variants.values()}
    own = {days: speaking_habits(snapshot, days) for days in half_lives}

    def pooled(half_life_days: float, taste: float, fills: Candidates) -> Pool:
        return discoveries(snapshot, [own[half_life_days], interests], stacked(speaking[taste], None), fills)

    return _lists(snapshot, variants, pooled, Rule(EVIDENCE_FLOOR, 9))


def matrix_of(entries: Candidates, snapshot: Snapshot) -> sparse.csr_matrix:
    """Customer x place; the entries are ordered by customer."""
    shape = (len(snapshot.customers), len(snapshot.shelf.products))
    ends = np.cumsum(np.bincount(entries.customer, minlength=shape[0]))
    return sparse.csr_matrix((entries.evidence, entries.place, np.r_[0, ends]), shape=shape)


def _lists(
    snapshot: Snapshot,
    variants: Mapping[str, ListParameters],
    pooled: Callable[[float, float, Candidates], Pool],
    rule: Rule,
) -> dict[str, Ranked]:
    """The list by each of the variants, from what speaks for the products, filled with what is in demand.

    What is in demand by one variant may be offered by all: where it stands is for the score to say.
    """
    demands = {name: demand_of(snapshot.shelf, each) for name, each in variants.items()}
    # the power of popularity changes no order of what is in demand
    orders = {(each.popularity_days, each.trend_power): demands[name] for name, each in variants.items()}
    fills = united([in_demand(snapshot, order_of(demand)) for demand in orders.values()])
    lists = {}
    for half_life_days, taste in dict.fromkeys((each.half_life_days, each.taste_weight) for each in variants.values()):
        pool = pooled(half_life_days, taste, fills)
        for name, each in variants.items():
            if (each.half_life_days, each.taste_weight) == (half_life_days, taste):
                lists[name] = ranked(pool, demands[name], (each.evidence_weight, rule.floor), rule.digits)
    return {name: lists[name] for name in variants}
