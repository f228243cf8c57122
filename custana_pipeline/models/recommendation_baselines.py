"""What any list has to beat: popularity, personal frequency, and two classic nearest-neighbour recommenders."""

import numpy as np
from scipy import sparse

from custana_pipeline.models.recommendation_history import Snapshot
from custana_pipeline.models.recommendation_lists import discoveries, in_demand, matrix_of, order_of, stacked
from custana_pipeline.models.recommendation_metrics import PLACES
from custana_pipeline.models.recommendation_ranking import Candidates, Ranked, beside, best, pool_in, ranked

POPULARITY_DAYS = 30


def popularity(snapshot: Snapshot) -> Ranked:
    """The ten products with the most purchase days of the last 30 days, the same for every customer."""
    sales, customers = snapshot.shelf.sales(POPULARITY_DAYS), len(snapshot.customers)
    top = np.argsort(-sales, kind="stable")[:PLACES]
    place = np.tile(top, customers)
    candidates = Candidates(np.repeat(np.arange(customers), len(top)), place, np.zeros(len(place)))
    return best(candidates, sales[place], len(sales), digits=0)


def popularity_of_new(snapshot: Snapshot) -> Ranked:
    """The ten most popular products of the last 30 days that the customer never bought or sent back."""
    sales = snapshot.shelf.sales(POPULARITY_DAYS)
    fills = in_demand(snapshot, order_of(sales))
    return best(fills, sales[fills.place], len(sales), digits=0)


def personal_frequency(snapshot: Snapshot) -> Ranked:
    """P-TopFreq: what the customer bought on the most days; of equals the lower product number.

    Personal top frequency and its filled form are the baselines of Li et al. 2023, ACM TORS 1(2), 8.
    """
    own = _bought(snapshot)
    number = snapshot.shelf.products[own.place] / (1 + snapshot.shelf.products.max(initial=0))
    return best(own, own.evidence - number, len(snapshot.shelf.products))


def personal_frequency_filled(snapshot: Snapshot) -> Ranked:
    """GP-TopFreq: P-TopFreq filled with what is popular; of equals the more popular of the last 90 days."""
    return _filled(snapshot, 90)


def personal_frequency_filled_recent(snapshot: Snapshot) -> Ranked:
    """The same by the popularity of the last 30 days: the strongest rule that learns nothing."""
    return _filled(snapshot, POPULARITY_DAYS)


def neighbours_of_bought(snapshot: Snapshot, neighbours: sparse.csr_matrix, *, is_new: bool) -> Ranked:
    """What is near to what the customer bought, similarities summed; with `is_new` only what they do not know."""
    bought = _bought(snapshot)
    width = len(snapshot.shelf.products)
    own = matrix_of(Candidates(bought.customer, bought.place, np.ones(len(bought.place))), snapshot)
    if is_new:
        pool = discoveries(
            snapshot, [own], stacked(neighbours), Candidates(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
        )
    else:
        pool = pool_in(sparse.csr_matrix(own @ neighbours))
    return ranked(pool, np.ones(width), digits=6)


def _bought(snapshot: Snapshot) -> Candidates:
    counts = snapshot.purchase_days()
    bought = counts > 0
    return Candidates(snapshot.pair_customer[bought], snapshot.pair_place[bought], counts[bought])


def _filled(snapshot: Snapshot, days: int) -> Ranked:
    sales = snapshot.shelf.sales(days)
    candidates = beside(_bought(snapshot), in_demand(snapshot, order_of(sales)), len(snapshot.customers))
    return best(candidates, candidates.evidence + sales[candidates.place] / (1 + sales.max(initial=0)), len(sales))
