"""Past windows on which the lists are tried: what was known when each began, and what was bought within it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from custana_pipeline.models.recommendation_history import (
    PLACE_BITS,
    Floats,
    History,
    Integers,
    Sales,
    Snapshot,
    shelf_of,
    snapshot_of,
)
from custana_pipeline.models.recommendation_metrics import PLACES
from custana_pipeline.models.recommendation_neighbours import (
    THREADS,
    basket_neighbours,
    buyers,
    cosine_neighbours,
    interests_of,
    moved,
    speaking,
)
from custana_pipeline.models.recommendation_ranking import Ranked

WINDOWS = 3
LONGEST_WINDOW_DAYS = 30
MOST_JUDGED = 1_000
LEAST_JUDGED = 50


@dataclass(frozen=True, eq=False)
class Everybody:
    """What is known of an even part of all customers, where lists are tried on a few of them."""

    sales: Sales
    baskets: History


@dataclass(frozen=True, eq=False)
class Truth:
    """What customers known at the start of a window bought in it and did not send back."""

    row: Integers
    """The judged customers, by their place in the snapshot, in order."""
    bought: Integers
    """How many products each of them bought."""
    codes: Integers
    """Place in the snapshot and place on the shelf of what was bought and could be offered, packed and in order."""

    def scores(self, lists: Ranked, metric: str) -> Floats:
        """recall_10 or ndcg_10 of every judged customer, as `score_list` has them."""
        asked = (lists.row << PLACE_BITS) | lists.place
        at = np.minimum(np.searchsorted(self.codes, asked), max(len(self.codes) - 1, 0))
        is_hit = self.codes[at] == asked if len(self.codes) else np.zeros(len(asked), dtype=bool)
        rows, count = lists.row[is_hit], int(self.row.max(initial=-1)) + 1
        if metric == "recall_10":
            return np.bincount(rows, minlength=count)[self.row] / self.bought
        gain = np.bincount(rows, 1 / np.log2(1 + lists.rank[is_hit]), minlength=count)[self.row]
        return gain / np.cumsum(1 / np.log2(np.arange(2, PLACES + 2)))[np.minimum(self.bought, PLACES) - 1]


@dataclass(frozen=True, eq=False)
class Window:
    """One past window of `days` days from the snapshot's day on; products and customers are numbers."""

    snapshot: Snapshot
    bought: Truth
    bought_new: Truth
    """The same for products that the customer had never bought or sent back."""
    baskets: sparse.csr_matrix | None
    """What is bought together, place x place; None where the windows share what was known when the oldest began."""
    interests: sparse.csr_matrix

    @property
    def popularity(self) -> Floats:
        """Place -> purchase days in the 90 days before the window."""
        return self.snapshot.shelf.sales(90)

    def bought_for(self, which: str) -> Truth:
        """What a list of that name is judged by."""
        return self.bought if which == "buy_again" else self.bought_new


@dataclass(frozen=True, eq=False)
class Spoken:
    """What the products on a window's shelf speak for."""

    tastes: sparse.csr_matrix
    """Place x place: bought by the same customers."""
    by_weight: Mapping[float, sparse.csr_matrix]


def windows_before(
    history: History, events: Mapping[str, Any], span: tuple[int, int], everybody: Everybody | None = None
) -> list[Window]:
    """The last three windows of `span` (as_of, days) that were over at day as_of, the newest first.

    Those with under 50 customers are left out. Of the customers of a window the first 1,000 by number are judged.
    """
    as_of, days = span
    known = history.before(as_of)
    sales = everybody.sales if everybody else Sales.of(known)

    def window(number: int) -> Window:
        made = _window(known, events, (as_of - days * (number + 1), days), sales)
        return made if everybody else replace(made, baskets=basket_neighbours(known, made.snapshot.shelf))

    with ThreadPoolExecutor(THREADS) as threads:
        made = list(threads.map(window, range(WINDOWS)))
    return [window for window in made if len(window.snapshot.customers) >= LEAST_JUDGED]


def spoken_for(
    history: History, windows: Sequence[Window], tastes: Sequence[float], everybody: Everybody | None
) -> list[Spoken]:
    """For each window, newest first: tastes, and by weight of taste what each product speaks for.

    Tastes are those known when the oldest window began, since they change slowly and cost more than all else that is
    known of a window; where lists are tried on a few of the customers, so is what is bought together.
    """
    oldest = windows[-1].snapshot.shelf
    learned = cosine_neighbours(buyers(history, oldest))
    shared = {}
    if everybody is not None:
        baskets = basket_neighbours(everybody.baskets, oldest)
        shared = {weight: speaking(baskets, learned, weight) for weight in tastes}
    found = []
    for window in windows:
        shelf = window.snapshot.shelf
        own = moved(learned, oldest, shelf)
        if window.baskets is not None:
            found.append(Spoken(own, {weight: speaking(window.baskets, own, weight) for weight in tastes}))
        else:
            found.append(Spoken(own, {weight: moved(each, oldest, shelf) for weight, each in shared.items()}))
    return found


def _window(history: History, events: Mapping[str, Any], span: tuple[int, int], sales: Sales) -> Window:
    start, days = span
    product_count = 1 + max(int(each.product.max(initial=-1)) for each in (history, sales))
    is_known = history.day < start
    shelf = shelf_of(sales, start, product_count)
    customers, products = history.between(start, start + days).kept_purchases()
    last = int(history.customer.max(initial=-1))
    has_bought = np.bincount(history.customer[is_known & history.is_purchase], minlength=last + 1) > 0
    judged = np.unique(customers[has_bought[customers]])[:MOST_JUDGED]
    row_of_customer = np.full(last + 1, -1)
    row_of_customer[judged] = np.arange(len(judged))
    is_judged = row_of_customer[customers] >= 0
    customers, products = customers[is_judged], products[is_judged]
    earlier = history.where(is_known & (row_of_customer[history.customer] >= 0))
    is_new = ~_among(customers * product_count + products, earlier.customer * product_count + earlier.product)
    rows, places = row_of_customer[customers], shelf.places[products]
    snapshot = snapshot_of(earlier, shelf, judged)
    return Window(
        snapshot=snapshot,
        bought=_truth(rows, places),
        bought_new=_truth(rows[is_new], places[is_new]),
        baskets=None,
        interests=interests_of(events, snapshot),
    )


def _among(asked: Integers, codes: Integers) -> np.ndarray:
    """Which of those asked for are among the codes, which are in order."""
    at = np.minimum(np.searchsorted(codes, asked), max(len(codes) - 1, 0))
    return codes[at] == asked if len(codes) else np.zeros(len(asked), dtype=bool)


def _truth(row: Integers, place: Integers) -> Truth:
    judged, bought = np.unique(row, return_counts=True)
    return Truth(judged, bought, np.sort((row[place >= 0] << PLACE_BITS) | place[place >= 0]))
