"""Past windows on which the lists are tried: what was known when each began, and what was bought within it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
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
    Near,
    basket_neighbours,
    buyers,
    cosine_neighbours,
    interests_of,
    moved,
)
from custana_pipeline.models.recommendation_ranking import Ranked

WINDOWS = 3
LONGEST_WINDOW_DAYS = 30
MOST_JUDGED = 1_500
LEAST_JUDGED = 50


@dataclass(frozen=True, eq=False)
class Everybody:
    """What all customers bought, where the history that lists are tried on is of some of them only."""

    sales: Sales
    baskets: History
    """What was bought together; of very many customers a part."""


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

    known: History
    snapshot: Snapshot
    bought: Truth
    bought_new: Truth
    """The same for products that the customer had never bought or sent back."""
    near: Near
    interests: sparse.csr_matrix

    @property
    def popularity(self) -> pd.Series:
        """Place -> purchase days in the 90 days before the window."""
        return pd.Series(self.snapshot.shelf.sales(90))

    def bought_for(self, which: str) -> Truth:
        """What a list of that name is judged by."""
        return self.bought if which == "buy_again" else self.bought_new


def windows_before(
    history: History, events: Mapping[str, Any], span: tuple[int, int], everybody: Everybody | None = None
) -> list[Window]:
    """The last three windows of `span` (as_of, days) that were over at day as_of, the newest first.

    Those with under 50 customers are left out. Of the customers of a window the first 1,500 by number are judged.
    """
    as_of, days = span
    known = history.before(as_of)
    all_known = everybody or Everybody(Sales.of(known), known)

    def window(number: int) -> Window:
        return _window(known, events, (as_of - days * (number + 1), days), all_known)

    with ThreadPoolExecutor(THREADS) as threads:
        made = list(threads.map(window, range(WINDOWS)))
    return _with_taste([window for window in made if len(window.snapshot.customers) >= LEAST_JUDGED])


def _with_taste(windows: list[Window]) -> list[Window]:
    """The windows, with what is bought by the same customers as it was known when the oldest of them began.

    Learned once, since it changes slowly and costs more than all else that is known of a window.
    """
    if not windows:
        return []
    oldest = windows[-1].snapshot.shelf
    learned = cosine_neighbours(buyers(windows[-1].known, oldest))
    return [
        replace(each, near=Near(each.near.baskets, moved(learned, oldest, each.snapshot.shelf))) for each in windows
    ]


def _window(history: History, events: Mapping[str, Any], span: tuple[int, int], everybody: Everybody) -> Window:
    start, days = span
    product_count = 1 + max(int(each.product.max(initial=-1)) for each in (history, everybody.sales))
    known = history.before(start)
    shelf = shelf_of(everybody.sales, start, product_count)
    customers, products = history.between(start, start + days).kept_purchases()
    last = int(max(customers.max(initial=-1), known.customer.max(initial=-1)))
    has_bought = np.bincount(known.customer[known.is_purchase], minlength=last + 1) > 0
    judged = np.unique(customers[has_bought[customers]])[:MOST_JUDGED]
    row_of_customer = np.full(last + 1, -1)
    row_of_customer[judged] = np.arange(len(judged))
    is_judged = row_of_customer[customers] >= 0
    customers, products = customers[is_judged], products[is_judged]
    earlier = known.where(row_of_customer[known.customer] >= 0)
    is_new = ~_among(customers * product_count + products, earlier.customer * product_count + earlier.product)
    rows, places = row_of_customer[customers], shelf.places[products]
    snapshot = snapshot_of(earlier, shelf, judged)
    return Window(
        known=known,
        snapshot=snapshot,
        bought=_truth(rows, places),
        bought_new=_truth(rows[is_new], places[is_new]),
        near=Near(basket_neighbours(everybody.baskets, shelf)),
        interests=interests_of(events, snapshot),
    )


def _among(asked: Integers, codes: Integers) -> np.ndarray:
    """Which of those asked for are among the codes, which are in order."""
    at = np.minimum(np.searchsorted(codes, asked), max(len(codes) - 1, 0))
    return codes[at] == asked if len(codes) else np.zeros(len(asked), dtype=bool)


def _truth(row: Integers, place: Integers) -> Truth:
    judged, bought = np.unique(row, return_counts=True)
    return Truth(judged, bought, np.sort((row[place >= 0] << PLACE_BITS) | place[place >= 0]))
