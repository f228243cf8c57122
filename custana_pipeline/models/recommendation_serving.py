"""The two lists of every customer, in blocks: places, scores, and the facts that the reasons are told from.

Customers and places on the shelf are numbers; whoever calls turns them into names. The lists are those of
recommendation_lists, and so what was tried on past windows is what is served.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from custana_pipeline.models.recommendation_both import Claims, both_pools
from custana_pipeline.models.recommendation_companions import BILLION, Asked, companions_of, packed, where_in
from custana_pipeline.models.recommendation_history import AGE_BITS, PLACE_BITS, Floats, Integers, Shelf, Snapshot
from custana_pipeline.models.recommendation_lists import (
    discoveries,
    habits,
    habits_and,
    in_demand,
    matrix_of,
    speaking_habits,
    strongest,
)
from custana_pipeline.models.recommendation_offer import LISTS, Offer
from custana_pipeline.models.recommendation_ranking import (
    Candidates,
    Pool,
    Ranked,
    beside,
    each_once,
    is_first,
    pool_of,
    ranked,
)
from custana_pipeline.models.recommendation_reasons import (
    COMPANION,
    TASTE,
    Companions,
    discover_reasons,
    habit_reasons,
)

MOST_CELLS = 2**26
"""Customers of a block times places, at most."""
MOST_IN_BLOCK = 1_280
THREADS = 2
AHEAD = 48
"""Blocks that are made, or being made, before they are asked for: more would only fill memory where storing is slow."""

Columns = Mapping[str, np.ndarray]


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

    @property
    def interest(self) -> Integers:
        """In billionths: half a point for each day with a view, another half for one with a cart."""
        return BILLION // 2 * (self.viewed_days + self.cart_days)

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
        waiting: deque[Future[Columns]] = deque()
        for first in firsts:
            waiting.append(threads.submit(made, first))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What may stand on a list, and which habits speak for it."""

    pool: Pool
    own: Any
    """Customer x place, None where no habit speaks for others."""
    counts: Floats
    """How much each entry of `own` counts for this list."""


def _lists_of(known: Known, offer: Offer, first: int) -> Columns:
    snapshot = _snapshot(known, offer.shelf)
    drawn = (_together if offer.is_shared else _apart)(known, snapshot, offer)
    lists = {which: ranked(drawn[which].pool, offer.demand[which], *offer.scoring(which)) for which in LISTS}
    shown = lists["buy_again"]
    pair, is_habit = where_in(packed(snapshot.pair_customer, snapshot.pair_place), packed(shown.row, shown.place))
    entries = {"buy_again": np.flatnonzero(~is_habit), "discover": np.arange(len(lists["discover"].row))}
    asked = {which: Asked(lists[which], entries[which], drawn[which].counts) for which in LISTS}
    companions = _companions(asked, drawn, offer)
    word = TASTE if offer.parameters["discover"].taste_weight else COMPANION
    both = [
        _columns(shown, 0) | habit_reasons(snapshot, pair, is_habit, companions["buy_again"]),
        _columns(lists["discover"], 1) | discover_reasons(lists["discover"], known, companions["discover"], word),
    ]
    order = np.argsort(_joined(both, "customer"), kind="stable")  # what is of one customer stays as it was
    made = {name: _joined(both, name)[order] for name in both[0]}
    return made | {"customer": made["customer"] + first}


def _joined(both: list[dict[str, np.ndarray]], name: str) -> np.ndarray:
    return np.concatenate([each[name] for each in both])


def _snapshot(known: Known, shelf: Shelf) -> Snapshot:
    pair_of_day = known.purchases >> AGE_BITS
    begins = is_first(pair_of_day)
    bought = pair_of_day[begins]
    _, is_bought = where_in(bought, known.doubtful)
    pairs = bought if is_bought.all() else each_once(bought, known.doubtful)
    pair = np.cumsum(begins) - 1
    is_kept = np.ones(len(pairs), dtype=bool)
    is_kept[np.searchsorted(pairs, known.doubtful)] = known.is_kept
    return Snapshot(
        shelf=shelf,
        customers=np.arange(known.customers),
        pair_customer=pairs >> PLACE_BITS,
        pair_place=pairs & (2**PLACE_BITS - 1),
        pair_is_kept=is_kept,
        purchase_pair=pair if is_bought.all() else np.searchsorted(pairs, bought)[pair],
        purchase_age=known.purchases & (2**AGE_BITS - 1),
    )


def _together(known: Known, snapshot: Snapshot, offer: Offer) -> dict[str, _Drawn]:
    """Both lists from one product of matrices."""
    claims = {which: Claims(offer.parameters[which].half_life_days, _fills(snapshot, offer, which)) for which in LISTS}
    discover, buy_again, own = both_pools(
        snapshot, claims["discover"], claims["buy_again"], _viewed(known, snapshot), offer.both_stacked
    )
    return {"buy_again": _Drawn(buy_again, own, own.data.imag), "discover": _Drawn(discover, own, own.data.real)}


def _apart(known: Known, snapshot: Snapshot, offer: Offer) -> dict[str, _Drawn]:
    """Each list by itself."""
    own = speaking_habits(snapshot, offer.parameters["discover"].half_life_days)
    evidence, fills = [own, _viewed(known, snapshot)], _fills(snapshot, offer, "discover")
    pool = discoveries(snapshot, evidence, offer.stacked["discover"], fills)
    return {"buy_again": _buy_again(snapshot, offer), "discover": _Drawn(pool, own, own.data)}


def _buy_again(snapshot: Snapshot, offer: Offer) -> _Drawn:
    rows, fills = len(snapshot.customers), _fills(snapshot, offer, "buy_again")
    shown = habits(snapshot, offer.parameters["buy_again"].half_life_days)
    if "buy_again" not in offer.speaking:
        return _Drawn(pool_of(beside(shown, fills, rows), len(offer.shelf.products)), None, shown.evidence)
    own = matrix_of(strongest(shown, rows), snapshot)
    return _Drawn(habits_and(snapshot, shown, own, offer.stacked["buy_again"], fills), own, own.data)


def _fills(snapshot: Snapshot, offer: Offer, which: str) -> Candidates:
    return in_demand(snapshot, offer.orders[which])


def _viewed(known: Known, snapshot: Snapshot) -> sparse.csr_matrix:
    row, place = known.looked_at >> PLACE_BITS, known.looked_at & (2**PLACE_BITS - 1)
    return matrix_of(Candidates(row, place, known.interest / BILLION), snapshot)


def _companions(asked: Mapping[str, Asked], drawn: Mapping[str, _Drawn], offer: Offer) -> Mapping[str, Companions]:
    """By list; lists that go by the same habits are asked for at once."""
    if offer.is_shared:
        both = companions_of([asked[which] for which in LISTS], drawn["discover"].own, offer.weights["discover"])
        return dict(zip(LISTS, both, strict=True))
    found = {}
    for which in LISTS:
        nothing = np.zeros(len(asked[which].lists.row), dtype=np.int64)
        own = drawn[which].own
        found[which] = (
            (nothing, nothing) if own is None else companions_of([asked[which]], own, offer.weights[which])[0]
        )
    return found


def _columns(lists: Ranked, which: int) -> dict[str, np.ndarray]:
    return {
        "customer": lists.row,
        "list": np.full(len(lists.row), which),
        "rank": lists.rank,
        "place": lists.place,
        "score": lists.score,
    }
