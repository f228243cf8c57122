"""Past windows on which the lists are tried: what was known when each began, and what was bought within it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from custana_pipeline.models.recommendation_history import History, Integers, Snapshot, shelf_of, snapshot_of
from custana_pipeline.models.recommendation_neighbours import basket_neighbours, interests_of

WINDOWS = 3
LONGEST_WINDOW_DAYS = 30
MOST_JUDGED = 3_000
LEAST_JUDGED = 50


@dataclass(frozen=True, eq=False)
class Window:
    """One past window of `days` days from the snapshot's day on; products and customers are numbers."""

    known: History
    snapshot: Snapshot
    bought: pd.DataFrame
    """customer_id, product_id: what customers known at its start bought in it and did not send back."""
    bought_new: pd.DataFrame
    """The same for products that the customer had never bought or sent back."""
    neighbours: sparse.csr_matrix
    interests: sparse.csr_matrix

    @property
    def popularity(self) -> pd.Series:
        """Product -> purchase days in the 90 days before the window."""
        shelf = self.snapshot.shelf
        return pd.Series(shelf.sales(90), index=shelf.products)

    def bought_for(self, which: str) -> pd.DataFrame:
        """What a list of that name is judged by."""
        return self.bought if which == "buy_again" else self.bought_new


def windows_before(product_days: pd.DataFrame, events: pd.DataFrame, as_of: int, days: int) -> list[Window]:
    """The last three windows that were over at day `as_of`, the newest first; those with under 50 customers are left.

    Of the customers of a window the first 3,000 by number are judged.
    """
    history = History.of(product_days).before(as_of)
    product_count = int(history.product.max(initial=-1)) + 1
    made = (_window(history, events, as_of - days * (number + 1), days, product_count) for number in range(WINDOWS))
    return [window for window in made if len(window.snapshot.customers) >= LEAST_JUDGED]


def _window(history: History, events: pd.DataFrame, start: int, days: int, product_count: int) -> Window:
    known = history.before(start)
    shelf = shelf_of(known, start, product_count)
    customers, products = history.between(start, start + days).kept_purchases()
    judged = np.intersect1d(customers, known.customer[known.is_purchase])[:MOST_JUDGED]
    is_judged = np.isin(customers, judged)
    bought = pd.DataFrame({"customer_id": customers[is_judged], "product_id": products[is_judged]})
    is_new: Any = ~np.isin(_codes(bought, product_count), known.customer * product_count + known.product)
    snapshot = snapshot_of(known, shelf, judged)
    return Window(
        known=known,
        snapshot=snapshot,
        bought=bought,
        bought_new=bought.loc[is_new],
        neighbours=basket_neighbours(known, shelf),
        interests=interests_of(events, snapshot),
    )


def _codes(pairs: pd.DataFrame, product_count: int) -> Integers:
    return pairs["customer_id"].to_numpy() * product_count + pairs["product_id"].to_numpy()
