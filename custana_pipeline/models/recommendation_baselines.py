"""What any list has to beat: popularity, personal frequency, and two classic nearest-neighbour recommenders."""

import numpy as np
import pandas as pd
from scipy import sparse

from custana_pipeline.models.recommendation_history import Snapshot
from custana_pipeline.models.recommendation_lists import (
    Candidates,
    best,
    in_demand,
    together,
    unknown_evidence,
)
from custana_pipeline.models.recommendation_metrics import PLACES

POPULARITY_DAYS = 30


def popularity(snapshot: Snapshot) -> pd.DataFrame:
    """The ten products with the most purchase days of the last 30 days, the same for every customer."""
    sales, customers = snapshot.shelf.sales(POPULARITY_DAYS), len(snapshot.customers)
    top = np.argsort(-sales, kind="stable")[:PLACES]
    place = np.tile(top, customers)
    candidates = Candidates(np.repeat(np.arange(customers), len(top)), place, np.zeros(len(place)))
    return best(candidates, sales[place], snapshot)


def popularity_of_new(snapshot: Snapshot) -> pd.DataFrame:
    """The ten most popular products of the last 30 days that the customer never bought or sent back."""
    sales = snapshot.shelf.sales(POPULARITY_DAYS)
    fills = in_demand(snapshot, sales)
    return best(fills, sales[fills.place], snapshot)


def personal_frequency(snapshot: Snapshot) -> pd.DataFrame:
    """P-TopFreq: what the customer bought on the most days; of equals the lower product number.

    Personal top frequency and its filled form are the baselines of Li et al. 2023, ACM TORS 1(2), 8.
    """
    own = _bought(snapshot)
    number = snapshot.shelf.products[own.place] / (1 + snapshot.shelf.products.max(initial=0))
    return best(own, own.evidence - number, snapshot)


def personal_frequency_filled(snapshot: Snapshot) -> pd.DataFrame:
    """GP-TopFreq: P-TopFreq filled with what is popular; of equals the more popular of the last 90 days."""
    return best(*_filled(snapshot, 90), snapshot)


def personal_frequency_filled_recent(snapshot: Snapshot) -> pd.DataFrame:
    """The same by the popularity of the last 30 days: the strongest rule that learns nothing."""
    return best(*_filled(snapshot, POPULARITY_DAYS), snapshot)


def neighbours_of_bought(snapshot: Snapshot, neighbours: sparse.csr_matrix, *, is_new: bool) -> pd.DataFrame:
    """What is near to what the customer bought, similarities summed; with `is_new` only what they do not know."""
    own = _bought(snapshot)
    shape = (len(snapshot.customers), len(snapshot.shelf.products))
    ones = sparse.csr_matrix((np.ones(len(own.place)), (own.customer, own.place)), shape=shape)
    near = sparse.csr_matrix(ones @ neighbours)
    if is_new:
        candidates = unknown_evidence(snapshot, near)
    else:
        entries = sparse.coo_matrix(near)
        candidates = Candidates(entries.row.astype(np.int64), entries.col.astype(np.int64), entries.data)
    return best(candidates, np.round(candidates.evidence, 6), snapshot)


def _bought(snapshot: Snapshot) -> Candidates:
    counts = snapshot.purchase_days()
    bought = counts > 0
    return Candidates(snapshot.pair_customer[bought], snapshot.pair_place[bought], counts[bought])


def _filled(snapshot: Snapshot, days: int) -> tuple[Candidates, np.ndarray]:
    sales = snapshot.shelf.sales(days)
    candidates = together(_bought(snapshot), in_demand(snapshot, sales), len(snapshot.shelf.products))
    return candidates, candidates.evidence + sales[candidates.place] / (1 + sales.max(initial=0))
