"""Both lists from one product of matrices, where both go by what the same products speak for.

Real parts are of the discover list and imaginary ones of buy-again: a sum of complex numbers is two sums that do not
touch each other, and most of what a product of sparse matrices takes is finding the places to add to.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from custana_pipeline.models.recommendation_history import Floats, Snapshot
from custana_pipeline.models.recommendation_lists import (
    NEXT_TO_NOTHING,
    habits,
    is_strong,
    matrix_of,
)
from custana_pipeline.models.recommendation_ranking import RULED_OUT, Candidates, Pool


@dataclass(frozen=True, eq=False)
class Claims:
    """How fast habits fade for a list, and what it is filled with."""

    half_life_days: float
    fills: Candidates


def both_stacked(speaking: Any) -> Any:
    """What places speak for, below each place for itself, and above three more such, as `both_pools` wants it."""
    itself = sparse.identity(speaking.shape[1], format="csr")
    return sparse.vstack([itself, speaking, itself, itself, itself], format="csr")


def both_pools(
    snapshot: Snapshot, discover: Claims, buy_again: Claims, viewed: sparse.csr_matrix, stacked: Any
) -> tuple[Pool, Pool, Any]:
    """The pools of discover and of buy-again, and the habits that speak for what is near to them.

    The pools are those of `discoveries` and `habits_and`: each list adds up the same in the same order.
    """
    shown = habits(snapshot, buy_again.half_life_days)
    own = _speaking(snapshot, shown, habits(snapshot, discover.half_life_days).evidence)
    parts = [
        _known(snapshot, shown),
        own,
        viewed,
        _filled(discover.fills, 1, snapshot),
        _filled(buy_again.fills, 1j, snapshot),
    ]
    added: Any = sparse.hstack(parts, format="csr") @ stacked
    row = np.flatnonzero(np.diff(added.indptr))

    def pool(evidence: Floats) -> Pool:
        # what has no evidence is on the other list's pool alone
        return Pool(added.shape[1], row, added.indptr[row], added.indices, evidence, np.flatnonzero(evidence <= 0))

    return pool(added.data.real.copy()), pool(added.data.imag.copy()), own


def _known(snapshot: Snapshot, shown: Candidates) -> sparse.csr_matrix:
    """What is known is no discovery, and what was sent back whole is not shown again."""
    evidence: Any = np.full(len(snapshot.pair_place), 2 * RULED_OUT * (1 + 1j))
    evidence.imag[snapshot.pair_is_kept] = shown.evidence
    return matrix_of(Candidates(snapshot.pair_customer, snapshot.pair_place, evidence), snapshot)


def _speaking(snapshot: Snapshot, shown: Candidates, fading: Floats) -> sparse.csr_matrix:
    """The strongest habits of either list; by the one they count `fading`, by the other as they are shown."""
    rows = len(snapshot.customers)
    counts: Any = np.where(is_strong(Candidates(shown.customer, shown.place, fading), rows), fading, 0) + 0j
    counts.imag = np.where(is_strong(shown, rows), shown.evidence, 0)
    at = np.flatnonzero(counts)
    return matrix_of(Candidates(shown.customer[at], shown.place[at], counts[at]), snapshot)


def _filled(fills: Candidates, unit: complex, snapshot: Snapshot) -> sparse.csr_matrix:
    next_to_nothing = np.full(len(fills.place), unit * NEXT_TO_NOTHING)
    return matrix_of(Candidates(fills.customer, fills.place, next_to_nothing), snapshot)
