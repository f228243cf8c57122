"""The facts that the reasons of the two lists are told from."""

from typing import TYPE_CHECKING

import numpy as np

from custana_pipeline.models.recommendation_companions import packed, where_in
from custana_pipeline.models.recommendation_history import AGE_BITS, Integers, Snapshot
from custana_pipeline.models.recommendation_ranking import Ranked

if TYPE_CHECKING:
    from custana_pipeline.models.recommendation_serving import Known

POPULAR, BOUGHT, COMPANION, VIEWED, CART, TASTE = range(6)
"""What a reason tells of."""

Companions = tuple[Integers, Integers]
"""By entry of a list: how much its companions speak for it, and which of them does most."""


def habit_reasons(
    snapshot: Snapshot, pair: Integers, is_habit: np.ndarray, companions: Companions
) -> dict[str, np.ndarray]:
    """reason, count and other of a buy-again list, of whose entries `is_habit` are the snapshot's `pair`."""
    affinity, companion = companions
    days, newest = _habit_facts(snapshot, pair)
    reason = np.select([is_habit, affinity > 0], [BOUGHT, TASTE], POPULAR)
    return {
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


def discover_reasons(lists: Ranked, known: "Known", companions: Companions, word: int) -> dict[str, np.ndarray]:
    """The same of a discover list; `word` is what its companions are told as."""
    (affinity, companion), interest = companions, known.interest
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
