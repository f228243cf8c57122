"""Past windows on which the lists are tried: what was known when each began, and what was bought within it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from custana_pipeline.models.recommendation_history import (
    PLACE_BITS,
    History,
    Integers,
    Sales,
    Snapshot,
    shelf_of,
    snapshot_of,
)
from custana_pipeline.models.recommendation_metrics import PLACES
from custana_pipeline.models.recommendation_neighbours import THREADS, basket_neighbours, interests_of
from custana_pipeline.models.recommendation_ranking import Ranked

WINDOWS = 3
LONGEST_WINDOW_DAYS = 30
MOST_JUDGED = 3_000
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

    def scores(self, lists: Ranked) -> pd.DataFrame:
        """recall_10 and ndcg_10 of every judged customer, as `score_list` has them."""
        asked = (lists.row << PLACE_BITS) | lists.place
        at = np.minimum(np.searchsorted(self.codes, asked), max(len(self.codes) - 1, 0))
        is_hit = self.codes[at] == asked if len(self.codes) else np.zeros(len(asked), dtype=bool)
        rows, count = lists.row[is_hit], int(self.row.max(initial=-1)) + 1
        hits = np.bincount(rows, minlength=count)[self.row]
        gain = np.bincount(rows, 1 / np.log2(1 + lists.rank[is_hit]), minlength=count)[self.row]
        perfect = np.cumsum(1 / np.log2(np.arange(2, PLACES + 2)))[np.minimum(self.bought, PLACES) - 1]
        return pd.DataFrame({"recall_10": hits / self.bought, "ndcg_10": gain / perfect}, index=self.row)


@dataclass(frozen=True, eq=False)
class Window:
    """One past window of `days` days from the snapshot's day on; products and customers are numbers."""

    known: History
    snapshot: Snapshot
    bought: Truth
    bought_new: Truth
    """The same for products that the customer had never bought or sent back."""
    neighbours: sparse.csr_matrix
    interests: sparse.csr_matrix

    @property
    def popularity(self) -> pd.Series:
        """Place -> purchase days in the 90 days before the window."""
        return pd.Series(self.snapshot.shelf.sales(90))

    def bought_for(self, which: str) -> Truth:
        """What a list of that name is judged by."""
        return self.bought if which == "buy_again" else self.bought_new


def windows_before(
    history: History, events: pd.DataFrame, span: tuple[int, int], everybody: Everybody | None = None
) -> list[Window]:
    """The last three windows of `span` (as_of, days) that were over at day as_of, the newest first.

    Those with under 50 customers are left out. Of the customers of a window the first 3,000 by number are judged.
    """
    as_of, days = span
    known = history.before(as_of)
    all_known = everybody or Everybody(Sales.of(known), known)

    def window(number: int) -> Window:
        return _window(known, events, (as_of - days * (number + 1), days), all_known)

    with ThreadPoolExecutor(THREADS) as threads:
        made = list(threads.map(window, range(WINDOWS)))
    return [window for window in made if len(window.snapshot.customers) >= LEAST_JUDGED]


def _window(history: History, events: pd.DataFrame, span: tuple[int, int], everybody: Everybody) -> Window:
    start, days = span
    product_count = 1 + max(int(each.product.max(initial=-1)) for each in (history, everybody.sales))
    known = history.before(start)
    shelf = shelf_of(everybody.sales, start, product_count)
    customers, products = history.between(start, start + days).kept_purchases()
    has_bought = np.bincount(known.customer[known.is_purchase], minlength=int(customers.max(initial=-1)) + 1) > 0
    judged = np.unique(customers[has_bought[customers]])[:MOST_JUDGED]
    is_judged = np.isin(customers, judged)
    customers, products = customers[is_judged], products[is_judged]
    snapshot = snapshot_of(known, shelf, judged)
    earlier = known.where(known.customer <= judged.max(initial=-1))
    is_new = ~np.isin(customers * product_count + products, earlier.customer * product_count + earlier.product)
    rows = np.searchsorted(judged, customers)
    return Window(
        known=known,
        snapshot=snapshot,
        bought=_truth(rows, shelf.places[products]),
        bought_new=_truth(rows[is_new], shelf.places[products[is_new]]),
        neighbours=basket_neighbours(everybody.baskets, shelf),
        interests=interests_of(events, snapshot),
    )


def _truth(row: Integers, place: Integers) -> Truth:
    judged, bought = np.unique(row, return_counts=True)
    return Truth(judged, bought, np.sort((row[place >= 0] << PLACE_BITS) | place[place >= 0]))
