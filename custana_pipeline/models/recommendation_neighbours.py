"""Which products are bought together: the neighbours of the discover list, and those of its two classic rivals."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from custana_pipeline.models.recommendation_history import PLACE_BITS, History, Integers, Shelf, Snapshot, half_up
from custana_pipeline.models.recommendation_ranking import contenders, place_within, row_of

BASKET_NEIGHBOURS = 10
RIVAL_NEIGHBOURS = 20
BASKET_DAYS = 365
BASKET_SIZES = (2, 100)
LEAST_SHARED = 2
MOST_PAIRS = 30_000_000
"""Pairs of products in baskets that are counted at most, those of the newest baskets first."""
MOST_CUSTOMERS = 10_000
MOST_PRODUCTS_A_CUSTOMER = 200
"""What the rivals learn from at most: customers first by number, and of each the products bought last."""
BM25_K1, BM25_B = 1.2, 0.75


def nearest(similarities: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """The `count` highest entries of each row, without the diagonal; of equals those furthest to the left."""
    rows: Any = sparse.csr_matrix(similarities)
    row = row_of(rows)
    off = rows.indices != row
    row, column, value = row[off], rows.indices[off].astype(np.int64), rows.data[off]
    likely = contenders(row, value, count)
    order = likely[np.lexsort((column[likely], -value[likely], row[likely]))]
    order = order[place_within(row[order]) <= count]
    return sparse.csr_matrix((value[order], (row[order], column[order])), shape=rows.shape)


def basket_neighbours(known: History, shelf: Shelf) -> sparse.csr_matrix:
    """Place x place: what `neighbours_in` finds in the baskets of the 365 days before the shelf's day."""
    is_recent = known.is_purchase & (known.day >= shelf.day - BASKET_DAYS) & (known.day < shelf.day)
    recent = known.where(is_recent)
    recent = recent.where(shelf.places[recent.product] >= 0)
    return neighbours_in(recent.customer, shelf.places[recent.product], shelf.day - recent.day, len(shelf.products))


def neighbours_in(customer: Integers, place: Integers, age: Integers, width: int) -> sparse.csr_matrix:
    """Place x place: cosine over baskets, the 10 nearest of each, from who bought what how many days ago.

    A basket is what one customer bought on one day; those of 2 to 100 products count, and pairs found twice.
    """
    codes = _each_once(customer, place, age)
    basket = np.cumsum(np.r_[False, np.diff(codes >> PLACE_BITS) != 0][: len(codes)])
    sizes = np.bincount(basket)
    is_usual = (sizes >= BASKET_SIZES[0]) & (sizes <= BASKET_SIZES[1])
    is_usual &= np.cumsum(np.where(is_usual, sizes**2, 0)) <= MOST_PAIRS
    places = (codes & (2**PLACE_BITS - 1))[is_usual[basket]]
    ends = np.r_[0, np.cumsum(sizes[is_usual])]
    ones = np.ones(len(places), dtype=np.float32)
    baskets = sparse.csr_matrix((ones, places, ends), shape=(len(ends) - 1, width))
    shared = sparse.csr_matrix(baskets.T @ baskets)
    counts = np.maximum(shared.diagonal(), 1).astype(float)
    shared.data[shared.data < LEAST_SHARED] = 0
    shared.eliminate_zeros()
    return nearest(scaled(shared, counts), BASKET_NEIGHBOURS)


def _each_once(customer: Integers, place: Integers, age: Integers) -> Integers:
    """Basket and place packed, the newest baskets first, each product once a basket."""
    customers = int(customer.max(initial=0)) + 1
    codes = np.sort(((age.astype(np.int64) * customers + customer) << PLACE_BITS) | place)
    return codes[np.r_[True, np.diff(codes) != 0][: len(codes)]]


def scaled(shared: Any, counts: np.ndarray) -> sparse.csr_matrix:
    """Cosines to six digits, from shared counts and the counts of rows and columns."""
    row_of = np.repeat(np.arange(shared.shape[0]), np.diff(shared.indptr))
    cosines = half_up(shared.data.astype(float) / np.sqrt(counts[row_of] * counts[shared.indices]), 6)
    return sparse.csr_matrix((cosines, shared.indices, shared.indptr), shape=shared.shape)


def buyers(known: History, shelf: Shelf) -> sparse.csr_matrix:
    """Customer x place, 1 where the customer bought it; of each customer the 200 products bought last."""
    sampled = known.customer < MOST_CUSTOMERS
    bought = known.where(sampled & known.is_purchase & (shelf.places[known.product] >= 0))
    newest: Any = pd.DataFrame({"customer": bought.customer, "place": shelf.places[bought.product], "day": -bought.day})
    newest = newest.groupby(["customer", "place"], as_index=False)["day"].min()
    newest = newest.sort_values(["customer", "day", "place"], kind="stable")
    newest = newest[newest.groupby("customer").cumcount() < MOST_PRODUCTS_A_CUSTOMER]
    customers, row = np.unique(newest["customer"].to_numpy(), return_inverse=True)
    ones = np.ones(len(newest), dtype=np.float32)
    return sparse.csr_matrix((ones, (row, newest["place"].to_numpy())), shape=(len(customers), len(shelf.products)))


def cosine_neighbours(bought: Any) -> sparse.csr_matrix:
    """Item-item cosine over customers (Sarwar et al. 2001, WWW), the 20 nearest of each."""
    shared = sparse.csr_matrix(bought.T @ bought)
    return nearest(scaled(shared, np.maximum(shared.diagonal(), 1).astype(float)), RIVAL_NEIGHBOURS)


def bm25_neighbours(bought: Any) -> sparse.csr_matrix:
    """Dot products of BM25-weighted purchases, the 20 nearest of each.

    A customer is a document and a product a term, with k1 1.2 and b 0.75 (Robertson and Zaragoza 2009), as in the
    BM25Recommender of the library implicit.
    """
    frequency = np.asarray(bought.sum(axis=0)).ravel()
    rarity = np.log(max(bought.shape[0], 1)) - np.log1p(frequency)
    length = np.asarray(bought.sum(axis=1)).ravel()
    relative = 1 - BM25_B + BM25_B * length / max(length.mean() if len(length) else 0, 1)
    row_of = np.repeat(np.arange(bought.shape[0]), np.diff(bought.indptr))
    weights = (BM25_K1 + 1) / (BM25_K1 * relative[row_of] + 1) * rarity[bought.indices]
    weighted = sparse.csr_matrix((weights.astype(np.float32), bought.indices, bought.indptr), shape=bought.shape)
    return nearest(sparse.csr_matrix(weighted.T @ weighted), RIVAL_NEIGHBOURS)


def interests_of(events: pd.DataFrame, snapshot: Snapshot) -> sparse.csr_matrix:
    """Customer x place: half a point for each of the last 30 days with a view, another half for one with a cart.

    `events` has one row per customer, product and day, with is_cart.
    """
    shelf, customers = snapshot.shelf, snapshot.customers
    day = events["day"].to_numpy(dtype=np.int64)
    product, customer = (events[name].to_numpy(dtype=np.int64) for name in ("product", "customer"))
    seen = (day >= shelf.day - 30) & (day < shelf.day)
    seen[seen] = np.isin(customer[seen], customers) & (shelf.places[product[seen]] >= 0)
    points = 0.5 * (1 + events["is_cart"].to_numpy(dtype=float)[seen])
    entries = (np.searchsorted(customers, customer[seen]), shelf.places[product[seen]])
    return sparse.csr_matrix((points, entries), shape=(len(customers), len(shelf.products)))
