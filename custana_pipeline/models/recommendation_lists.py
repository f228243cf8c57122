"""The buy-again and the discover list as of an earlier day: the rules of the SQL models, on arrays.

`dbt_like_sql/applications/buy_again.sql` and `discover.sql` make the lists that are published; these make the same
lists from a Snapshot, fast enough to try many parameters on past windows. A test holds the two to equal scores.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from custana_pipeline.models.recommendation_history import Floats, Integers, Shelf, Snapshot
from custana_pipeline.models.recommendation_metrics import PLACES

POPULARITY_FLOOR = 0.05
"""Added to every popularity, a share of the most popular product's, so that a rare product keeps a chance."""
HABIT_FLOOR = 0.1
"""What a product that the customer never bought counts, in purchase days."""
EVIDENCE_FLOOR = 0.001
"""What a product without any evidence counts on the discover list."""
MOST_HABITS = 100
SCORE_UNITS = 1e9
"""Scores are compared to so many parts of one."""


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

    def told(self) -> dict[str, float]:
        """The parameters by name."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Products that may stand on the lists of a snapshot's customers, one entry each."""

    customer: Integers
    place: Integers
    evidence: Floats
    """Habit, or affinity and interest; 0 for what is only popular."""


@dataclass(frozen=True)
class Rule:
    """How a list scores: what a product without any evidence counts, and the digits of a score."""

    floor: float
    digits: int


def best(candidates: Candidates, score: Floats, snapshot: Snapshot) -> pd.DataFrame:
    """customer_id, rank and product_id (numbers) of the ten highest scores of each customer; ties by shelf place.

    The candidates are ordered by customer.
    """
    likely = np.flatnonzero(_may_be_listed(candidates.customer, score))
    order = likely[np.lexsort((candidates.place[likely], -score[likely], candidates.customer[likely]))]
    customer = candidates.customer[order]
    rank = place_within(customer)
    kept = rank <= PLACES
    return pd.DataFrame(
        {
            "customer_id": snapshot.customers[customer[kept]],
            "rank": rank[kept],
            "product_id": snapshot.shelf.products[candidates.place[order][kept]],
            "score": score[order][kept],
        }
    )


def _may_be_listed(customer: Integers, score: Floats) -> np.ndarray:
    """Whether an entry is at or above the tenth highest score of its customer.

    Sorting plain integers is many times faster than sorting all candidates by three keys.
    """
    if not len(score):
        return np.zeros(0, dtype=bool)
    below_best = np.round(SCORE_UNITS * (score.max() - score)).astype(np.int64)
    keys = customer * (int(below_best.max()) + 1) + below_best
    starts = np.flatnonzero(np.r_[True, np.diff(customer) != 0])
    ends = np.r_[starts[1:], len(customer)]
    tenth = np.sort(keys)[np.minimum(starts + PLACES, ends) - 1]
    return keys <= np.repeat(tenth, ends - starts)


def place_within(group: Integers) -> Integers:
    """1, 2, 3, ... within each run of equal values.

    >>> place_within(np.array([4, 4, 7, 7, 7])).tolist()
    [1, 2, 1, 2, 3]
    """
    starts = np.flatnonzero(np.r_[True, np.diff(group) != 0]) if len(group) else np.zeros(0, dtype=int)
    lengths = np.diff(np.r_[starts, len(group)])
    return np.arange(len(group)) - np.repeat(starts, lengths) + 1


def in_demand(snapshot: Snapshot, demand: Floats) -> Candidates:
    """The ten products highest in `demand`, one value a place, that each customer never bought or sent back.

    They stand among the first (10 + what the customer knows), so that is how far down the shelf is looked.
    """
    order = np.argsort(-demand, kind="stable")
    known = np.bincount(snapshot.pair_customer, minlength=len(snapshot.customers))
    depth = np.minimum(known + PLACES, len(order))
    customer = np.repeat(np.arange(len(snapshot.customers)), depth)
    place = order[place_within(customer) - 1]
    is_new = ~snapshot.is_known(customer, place)
    customer, place = customer[is_new], place[is_new]
    kept = place_within(customer) <= PLACES
    return Candidates(customer[kept], place[kept], np.zeros(int(kept.sum())))


def demand_of(shelf: Shelf, parameters: ListParameters) -> Floats:
    """(popularity + 0.05) ^ power x trend ^ trend power of each place, to nine digits."""
    popularity = (shelf.popularity(parameters.popularity_days) + POPULARITY_FLOOR) ** parameters.popularity_power
    return np.round(popularity * shelf.trend() ** parameters.trend_power, 9)


def habits(snapshot: Snapshot, half_life_days: float) -> Candidates:
    """What each customer bought and kept, with its decayed purchase days."""
    kept = snapshot.pair_is_kept
    decayed = snapshot.decayed(half_life_days)[kept]
    return Candidates(snapshot.pair_customer[kept], snapshot.pair_place[kept], decayed)


def affinities(snapshot: Snapshot, neighbours: sparse.csr_matrix, half_life_days: float) -> sparse.csr_matrix:
    """Customer x place: the decayed purchase days of the 100 strongest habits times squared similarity, summed."""
    own = habits(snapshot, half_life_days)
    order = np.lexsort((own.place, -own.evidence, own.customer))
    order = order[place_within(own.customer[order]) <= MOST_HABITS]
    shape = (len(snapshot.customers), len(snapshot.shelf.products))
    weights = sparse.csr_matrix((own.evidence[order], (own.customer[order], own.place[order])), shape=shape)
    return sparse.csr_matrix(weights @ neighbours.multiply(neighbours))


def unknown_evidence(snapshot: Snapshot, evidence: sparse.csr_matrix) -> Candidates:
    """The entries of `evidence`, customer x place, for products that the customer never bought or sent back."""
    entries = sparse.coo_matrix(evidence)
    customer, place = entries.row.astype(np.int64), entries.col.astype(np.int64)
    is_new = ~snapshot.is_known(customer, place)
    return Candidates(customer[is_new], place[is_new], np.asarray(entries.data, dtype=float)[is_new])


def together(evidence: Candidates, fills: Candidates, width: int) -> Candidates:
    """Both, each product once a customer."""
    customer = np.concatenate([evidence.customer, fills.customer])
    place = np.concatenate([evidence.place, fills.place])
    codes, entry = np.unique(customer * width + place, return_inverse=True)
    summed = np.bincount(entry, np.concatenate([evidence.evidence, fills.evidence]), minlength=len(codes))
    return Candidates(codes // max(width, 1), codes % max(width, 1), summed)


def buy_again_lists(snapshot: Snapshot, variants: Mapping[str, ListParameters]) -> dict[str, pd.DataFrame]:
    """The buy-again list by each of the variants: (weight x decayed purchase days + 0.1) x demand, to six digits."""
    shown = {days: habits(snapshot, days) for days in {each.half_life_days for each in variants.values()}}
    return _lists(snapshot, variants, shown, Rule(HABIT_FLOOR, 6))


def discover_lists(
    snapshot: Snapshot,
    variants: Mapping[str, ListParameters],
    neighbours: sparse.csr_matrix,
    interests: sparse.csr_matrix,
) -> dict[str, pd.DataFrame]:
    """The discover list by each of the variants: (weight x (affinity + interest) + 0.001) x demand, to nine digits."""
    shown = {
        days: unknown_evidence(snapshot, sparse.csr_matrix(affinities(snapshot, neighbours, days) + interests))
        for days in {each.half_life_days for each in variants.values()}
    }
    return _lists(snapshot, variants, shown, Rule(EVIDENCE_FLOOR, 9))


def _lists(
    snapshot: Snapshot,
    variants: Mapping[str, ListParameters],
    shown: Mapping[float, Candidates],
    rule: Rule,
) -> dict[str, pd.DataFrame]:
    """The list by each of the variants, from half-life -> what speaks for the products, filled with what is in demand.

    The power of popularity changes no order of what is in demand, so that variants share their candidates.
    """
    fills: dict[tuple[float, float], Candidates] = {}
    pools: dict[tuple[float, tuple[float, float]], Candidates] = {}
    lists = {}
    for name, each in variants.items():
        order, demand = (each.popularity_days, each.trend_power), demand_of(snapshot.shelf, each)
        if order not in fills:
            fills[order] = in_demand(snapshot, demand)
        key = (each.half_life_days, order)
        if key not in pools:
            pools[key] = together(shown[each.half_life_days], fills[order], len(snapshot.shelf.products))
        score = (each.evidence_weight * pools[key].evidence + rule.floor) * demand[pools[key].place]
        lists[name] = best(pools[key], np.round(score, rule.digits), snapshot)
    return lists
