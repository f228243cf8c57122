"""The two lists of every customer, in blocks: places, scores, and the facts that the reasons are told from.

Customers and places on the shelf are numbers; whoever calls turns them into names. The lists are those of
recommendation_lists, and so what was tried on past windows is what is served.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from custana_pipeline.models.recommendation_companions import BILLION, companions_of, packed, where_in
from custana_pipeline.models.recommendation_history import (
    AGE_BITS,
    PLACE_BITS,
    Floats,
    Integers,
    Sales,
    Shelf,
    Snapshot,
)
from custana_pipeline.models.recommendation_lists import (
    EVIDENCE_FLOOR,
    HABIT_FLOOR,
    ListParameters,
    discoveries,
    habits,
    habits_and,
    in_demand,
    matrix_of,
    speaking_habits,
    stacked,
    strongest,
)
from custana_pipeline.models.recommendation_neighbours import BASKET_NEIGHBOURS
from custana_pipeline.models.recommendation_ranking import (
    Candidates,
    Ranked,
    beside,
    each_once,
    pool_of,
    ranked,
    row_of,
)

LISTS = ("buy_again", "discover")
POPULAR, BOUGHT, COMPANION, VIEWED, CART, TASTE = range(6)
"""What a reason tells of."""
MOST_CELLS = 2**26
"""Customers of a block times places, at most."""
MOST_IN_BLOCK = 1_280
THREADS = 2

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Offer:
    """What may be offered tonight and how the lists are made; demand by list has one value a place."""

    demand: Mapping[str, Floats]
    speaking: Mapping[str, sparse.csr_matrix]
    """Place x place, by list: what each product speaks for, 10 others at most; without the list that goes by none."""
    parameters: Mapping[str, ListParameters]

    @cached_property
    def shelf(self) -> Shelf:
        """The places alone: what sold when is already in the demand."""
        places = np.arange(len(self.demand[LISTS[0]]))
        nothing = np.zeros(0, dtype=np.int64)
        return Shelf(0, places, places, Sales(nothing, nothing, np.zeros(0)))

    @cached_property
    def weights(self) -> Mapping[str, tuple[Integers, Integers]]:
        """By list: place -> what it speaks for and how much, ten each; place 0 with no weight stands for none."""
        return {which: _side_by_side(matrix) for which, matrix in self.speaking.items()}

    @cached_property
    def stacked(self) -> Mapping[str, sparse.csr_matrix]:
        """The same as the products of matrices of each list want it."""
        return {
            which: stacked(matrix, None) if which == "discover" else stacked(None, matrix)
            for which, matrix in self.speaking.items()
        }


def _side_by_side(matrix: Any) -> tuple[Integers, Integers]:
    row = row_of(matrix)
    column = np.arange(len(row)) - matrix.indptr[row]
    neighbour = np.zeros((matrix.shape[0], BASKET_NEIGHBOURS), dtype=np.int32)
    weight = np.zeros((matrix.shape[0], BASKET_NEIGHBOURS))
    neighbour[row, column], weight[row, column] = matrix.indices, matrix.data
    return neighbour, weight


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of some customers, whose numbers are counted from the first one of them."""

    customers: int
    purchases: Integers
    """customer, place and days ago of every purchase day, packed (see `packed`), in order, each once."""
    doubtful: Integers
    """customer and place of everything of which something was sent back, packed, in order."""
    is_kept: np.ndarray
    """Whether the customer nonetheless kept some of it."""
    looked_at: Integers
    """customer and place of everything viewed or put into the cart of late, packed, in order."""
    viewed_days: Integers
    cart_days: Integers

    def block(self, first: int, end: int) -> "Known":
        """The customers from `first` on and before `end`."""
        bought = slice(*np.searchsorted(self.purchases, [each << PLACE_BITS << AGE_BITS for each in (first, end)]))
        sent = slice(*np.searchsorted(self.doubtful, [each << PLACE_BITS for each in (first, end)]))
        seen = slice(*np.searchsorted(self.looked_at, [each << PLACE_BITS for each in (first, end)]))
        return Known(
            end - first,
            self.purchases[bought] - (first << PLACE_BITS << AGE_BITS),
            self.doubtful[sent] - (first << PLACE_BITS),
            self.is_kept[sent],
            self.looked_at[seen] - (first << PLACE_BITS),
            self.viewed_days[seen],
            self.cart_days[seen],
        )


def served_lists(known: Known, offer: Offer) -> Iterator[Columns]:
    """customer, list (0 buy_again, 1 discover), rank, place, score, reason, count and other, block by block.

    `reason` is POPULAR, or BOUGHT (on `count` days, last `other` days ago), COMPANION (of the place `other`), VIEWED or
    CART (on `count` days).
    """
    width = len(offer.demand[LISTS[0]])
    if not width:
        return
    size = int(np.clip(MOST_CELLS // width, 64, MOST_IN_BLOCK))
    firsts = range(0, known.customers, size)

    def made(first: int) -> Columns:
        block = known.block(first, min(first + size, known.customers))
        return _lists_of(block, offer, first)

    with ThreadPoolExecutor(THREADS) as threads:
        yield from threads.map(made, firsts)


def _lists_of(known: Known, offer: Offer, first: int) -> Columns:
    snapshot = _snapshot(known, offer.shelf)
    both = [_buy_again(known, snapshot, offer), _discover(known, snapshot, offer)]
    order = np.lexsort((np.repeat((0, 1), [len(each["rank"]) for each in both]), _joined(both, "customer")))
    made = {name: _joined(both, name)[order] for name in both[0]}
    return made | {"customer": made["customer"] + first}


def _joined(both: list[dict[str, np.ndarray]], name: str) -> np.ndarray:
    return np.concatenate([each[name] for each in both])


def _snapshot(known: Known, shelf: Shelf) -> Snapshot:
    pair_of_day = known.purchases >> AGE_BITS
    pairs = each_once(pair_of_day, known.doubtful)
    is_kept = np.ones(len(pairs), dtype=bool)
    is_kept[np.searchsorted(pairs, known.doubtful)] = known.is_kept
    return Snapshot(
        shelf=shelf,
        customers=np.arange(known.customers),
        pair_customer=pairs >> PLACE_BITS,
        pair_place=pairs & (2**PLACE_BITS - 1),
        pair_is_kept=is_kept,
        purchase_pair=np.searchsorted(pairs, pair_of_day),
        purchase_age=known.purchases & (2**AGE_BITS - 1),
    )


def _buy_again(known: Known, snapshot: Snapshot, offer: Offer) -> dict[str, np.ndarray]:
    chosen, demand = offer.parameters["buy_again"], offer.demand["buy_again"]
    shown, fills = habits(snapshot, chosen.half_life_days), in_demand(snapshot, demand)
    line = (chosen.evidence_weight, HABIT_FLOOR)
    if "buy_again" in offer.speaking:
        own = matrix_of(strongest(shown, known.customers), snapshot)
        pool = habits_and(snapshot, shown, own, offer.stacked["buy_again"], fills)
    else:
        own, pool = None, pool_of(beside(shown, fills, known.customers), len(demand))
    lists = ranked(pool, demand, line, 6)
    pair, is_habit = where_in(packed(snapshot.pair_customer, snapshot.pair_place), packed(lists.row, lists.place))
    if own is not None:
        affinity, companion = companions_of(lists, ~is_habit, own, offer.weights["buy_again"])
    else:
        affinity = companion = np.zeros(len(lists.row), dtype=np.int64)
    days, newest = _habit_facts(snapshot, pair)
    reason = np.select([is_habit, affinity > 0], [BOUGHT, TASTE], POPULAR)
    return _columns(lists, 0) | {
        "reason": reason,
        "count": np.where(is_habit, days, 0),
        "other": np.select([is_habit, reason == TASTE], [newest, companion], 0),
    }


def _habit_facts(snapshot: Snapshot, pair: Integers) -> tuple[Integers, Integers]:
    """On how many days each of the pairs was bought, and how many days ago for the last time; 0 without any pair."""
    count = len(snapshot.pair_place)
    if not count:
        return np.zeros_like(pair), np.zeros_like(pair)
    newest = np.full(count, 2**AGE_BITS)
    newest[snapshot.purchase_pair[::-1]] = snapshot.purchase_age[::-1]  # of each pair the youngest comes first
    return snapshot.purchase_days().astype(np.int64)[pair], newest[pair]


def _discover(known: Known, snapshot: Snapshot, offer: Offer) -> dict[str, np.ndarray]:
    chosen, demand = offer.parameters["discover"], offer.demand["discover"]
    row, place = known.looked_at >> PLACE_BITS, known.looked_at & (2**PLACE_BITS - 1)
    interest = BILLION // 2 * (known.viewed_days + known.cart_days)
    viewed = matrix_of(Candidates(row, place, interest / BILLION), snapshot)
    own = speaking_habits(snapshot, chosen.half_life_days)
    pool = discoveries(snapshot, [own, viewed], offer.stacked["discover"], in_demand(snapshot, demand))
    lists = ranked(pool, demand, (chosen.evidence_weight, EVIDENCE_FLOOR), 9)
    companions = companions_of(lists, np.ones(len(lists.row), dtype=bool), own, offer.weights["discover"])
    word = TASTE if chosen.taste_weight else COMPANION
    return _columns(lists, 1) | _reasons(lists, known, interest, (*companions, word))


def _reasons(lists: Ranked, known: Known, interest: Integers, companions: tuple) -> dict[str, np.ndarray]:
    affinity, companion, word = companions
    seen, is_seen = where_in(known.looked_at, packed(lists.row, lists.place))
    if not len(interest):
        seen, interest, known_days = np.zeros_like(seen), np.zeros(1, dtype=np.int64), np.zeros((2, 1), dtype=np.int64)
    else:
        known_days = np.stack([known.viewed_days, known.cart_days])
    is_looked_at = is_seen & (interest[seen] >= affinity)
    viewed, cart = known_days[:, seen]
    is_cart = is_looked_at & (cart > 0)
    reason = np.select([is_cart, is_looked_at, affinity > 0], [CART, VIEWED, word], POPULAR)
    count = np.select([is_cart, is_looked_at], [cart, viewed], 0)
    return {"reason": reason, "count": count, "other": np.where(reason == word, companion, 0)}


def _columns(lists: Ranked, which: int) -> dict[str, np.ndarray]:
    return {
        "customer": lists.row,
        "list": np.full(len(lists.row), which),
        "rank": lists.rank,
        "place": lists.place,
        "score": lists.score,
    }
