"""Which products are bought together: the neighbours of the discover list, and those of its two classic rivals."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy import sparse

from custana_pipeline.models.recommendation_history import (
    PLACE_BITS,
    Floats,
    History,
    Integers,
    Shelf,
    Snapshot,
    half_up,
)
from custana_pipeline.models.recommendation_ranking import contenders, is_first, place_within, row_of

BASKET_NEIGHBOURS = 10
RIVAL_NEIGHBOURS = 20
BASKET_DAYS = 365
BASKET_SIZES = (2, 100)
LEAST_SHARED = 2
CUSTOMER_BITS = 27
"""Customers are below 2 to this power."""
MOST_PAIRS = 30_000_000
"""Pairs of products in baskets that are counted at most, those of the newest baskets first."""
MOST_PRODUCTS_A_CUSTOMER = 200
"""What tastes are learned from at most: of each customer the products bought last."""
ROWS_AT_ONCE = 128
"""So few that what is made of them lies in memory that is at hand; fresh memory costs more than the sums."""
THREADS = 2
BM25_K1, BM25_B = 1.2, 0.75


def nearest(similarities: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """The `count` highest entries of each row of a square, without the diagonal; those furthest left of equals."""
    rows: Any = sparse.csr_matrix(similarities)
    row = row_of(rows)
    off = rows.indices != row
    return _highest((row[off], rows.indices[off], rows.data[off]), count, rows.shape)


def _highest(entries: tuple[Integers, Integers, np.ndarray], count: int, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Of row, column and value, by row, the `count` highest of each row; of equals those furthest to the left."""
    row, column, value = entries
    order = _best_of(entries, count)
    return sparse.csr_matrix((value[order], (row[order], column[order])), shape=shape)


def _best_of(entries: tuple[Integers, Integers, np.ndarray], count: int) -> Integers:
    """Where these lie, row by row and the highest first."""
    row, column, value = entries
    likely = contenders(row, value, count)
    order = likely[np.lexsort((column[likely], -value[likely], row[likely]))]
    return order[place_within(row[order]) <= count]


def basket_neighbours(known: History, shelf: Shelf) -> sparse.csr_matrix:
    """Place x place: what `neighbours_in` finds in the baskets of the 365 days before the shelf's day."""
    at = np.flatnonzero(known.is_purchase & (known.day >= shelf.day - BASKET_DAYS) & (known.day < shelf.day))
    place = shelf.places[known.product[at]]
    at, place = at[place >= 0], place[place >= 0]
    return neighbours_in(basket_codes(known.customer[at], place, shelf.day - known.day[at]), len(shelf.products))


def basket_codes(customer: Integers, place: Integers, age: Integers) -> Integers:
    """Basket and place packed, so that the newest baskets come first in order; a basket is a customer's on a day."""
    codes = age.astype(np.int64) << CUSTOMER_BITS
    codes |= customer
    codes <<= PLACE_BITS
    codes |= place
    return codes


def neighbours_in(codes: Integers, width: int) -> sparse.csr_matrix:
    """Place x place: cosine over baskets, the 10 nearest of each, from `basket_codes`, which it puts in order.

    Baskets of 2 to 100 products count, each product once, and pairs found twice.
    """
    codes.sort()
    codes = codes[is_first(codes)]
    basket = codes >> PLACE_BITS
    starts = np.flatnonzero(is_first(basket))
    sizes = np.diff(np.r_[starts, len(codes)])
    is_usual = (sizes >= BASKET_SIZES[0]) & (sizes <= BASKET_SIZES[1])
    is_usual &= np.cumsum(np.where(is_usual, sizes**2, 0)) <= MOST_PAIRS
    place = (codes[np.repeat(is_usual, sizes)] & (2**PLACE_BITS - 1)).astype(np.int32)
    return _nearest_in(sizes[is_usual], place, width)


def _nearest_in(sizes: Integers, place: Integers, width: int) -> sparse.csr_matrix:
    """From baskets of these sizes one after the other, each in the order of its places."""
    pairs = _pairs(sizes, place, width)
    starts = np.flatnonzero(is_first(pairs))
    shared = np.diff(np.r_[starts, len(pairs)])
    starts, shared = starts[shared >= LEAST_SHARED], shared[shared >= LEAST_SHARED].astype(float)
    one, other = (each.astype(np.int64) for each in np.divmod(pairs[starts], width))
    both = sparse.csr_matrix((np.r_[shared, shared], (np.r_[one, other], np.r_[other, one])), shape=(width, width))
    return nearest(scaled(both, np.maximum(np.bincount(place, minlength=width), 1).astype(float)), BASKET_NEIGHBOURS)


def _pairs(sizes: Integers, place: Integers, width: int) -> Integers:
    """First place x width + second place of every pair within a basket, in order.

    Pairs are each place with the next one, with the one after it, and so on: no join, and one sort of plain integers.
    """
    packed = place if width**2 < 2**31 else place.astype(np.int64)
    ends = np.cumsum(sizes)
    after = (np.repeat(ends, sizes) - np.arange(1, len(place) + 1)).astype(np.int16)  # places after it in its basket
    at, found = np.flatnonzero(after), [packed[:0]]
    for step in range(1, BASKET_SIZES[1]):
        if not len(at):
            break
        found.append(packed[at] * packed.dtype.type(width) + packed[at + step])
        at = at[after[at] > step]
    pairs = np.concatenate(found)
    pairs.sort()
    return pairs


def scaled(shared: Any, counts: np.ndarray) -> sparse.csr_matrix:
    """Cosines to six digits, from a square of shared counts and the counts of its rows and columns."""
    lengths = np.sqrt(counts[row_of(shared)] * counts[shared.indices])
    cosines = half_up(shared.data.astype(float) / lengths, 6)
    return sparse.csr_matrix((cosines, shared.indices, shared.indptr), shape=shared.shape)


def speaking(baskets: sparse.csr_matrix, tastes: sparse.csr_matrix | None, weight: float) -> sparse.csr_matrix:
    """Place x place: what each product speaks for, the squared cosine over baskets.

    With a `weight` above 0 so much of the cosine over customers is added, and the 10 highest stay.
    """
    squared = sparse.csr_matrix(baskets.multiply(baskets))
    if not weight or tastes is None:
        return squared
    return nearest(sparse.csr_matrix(squared + weight * tastes), BASKET_NEIGHBOURS)


def buyers(known: History, shelf: Shelf) -> sparse.csr_matrix:
    """Customer x place, 1 where bought before the shelf's day; of each customer the 200 products bought last."""
    bought = known.where(known.is_purchase & (known.day < shelf.day) & (shelf.places[known.product] >= 0))
    pair = np.r_[np.diff(bought.customer) | np.diff(bought.product), 1][: len(bought.day)] != 0
    newest = bought.where(pair)  # the last entry of a customer and product is the newest one
    return buyers_of(newest.customer, shelf.places[newest.product], shelf.day - newest.day, len(shelf.products))


def buyers_of(customer: Integers, place: Integers, age: Integers, width: int) -> sparse.csr_matrix:
    """The same from customers in order, each with every product once and how many days ago it was last bought."""
    row = np.cumsum(np.r_[False, np.diff(customer) != 0][: len(customer)])
    often = np.bincount(row)[row] > MOST_PRODUCTS_A_CUSTOMER if len(row) else np.zeros(0, dtype=bool)
    at = np.flatnonzero(often)
    at = at[np.lexsort((place[at], age[at], row[at]))]
    is_kept = ~often
    is_kept[at[place_within(row[at]) <= MOST_PRODUCTS_A_CUSTOMER]] = True
    row, place = row[is_kept], place[is_kept]
    shape = (int(row.max(initial=-1)) + 1, width)
    return sparse.csr_matrix((np.ones(len(row), dtype=np.float32), (row, place)), shape=shape)


def cosine_neighbours(bought: Any) -> sparse.csr_matrix:
    """Item-item cosine over customers (Sarwar et al. 2001, WWW), the 20 nearest of each.

    A single customer in common is chance and counts for nothing.
    """
    counts = np.maximum(np.asarray(bought.sum(axis=0)).ravel(), 1).astype(float)

    def cosine(shared: np.ndarray, row: Integers, column: Integers) -> Floats:
        return half_up(shared / np.sqrt(counts[row] * counts[column]), 6)

    return _nearest_of(bought, cosine, LEAST_SHARED)


def moved(near: sparse.csr_matrix, shelf: Shelf, to: Shelf) -> sparse.csr_matrix:
    """The matrix of one shelf's places by those of another; what is not on both is left out."""
    places = to.places[shelf.products]
    row, column = places[row_of(near)], places[near.indices]
    on_both = (row >= 0) & (column >= 0)
    width = len(to.products)
    return sparse.csr_matrix((near.data[on_both], (row[on_both], column[on_both])), shape=(width, width))


def bm25_neighbours(bought: Any) -> sparse.csr_matrix:
    """Dot products of BM25-weighted purchases, the 20 nearest of each.

    A customer is a document and a product a term, with k1 1.2 and b 0.75 (Robertson and Zaragoza 2009), as in the
    BM25Recommender of the library implicit.
    """
    frequency = np.asarray(bought.sum(axis=0)).ravel()
    rarity = np.log(max(bought.shape[0], 1)) - np.log1p(frequency)
    length = np.asarray(bought.sum(axis=1)).ravel()
    relative = 1 - BM25_B + BM25_B * length / max(length.mean() if len(length) else 0, 1)
    weights = (BM25_K1 + 1) / (BM25_K1 * relative[row_of(bought)] + 1) * rarity[bought.indices]
    weighted = sparse.csr_matrix((weights.astype(np.float32), bought.indices, bought.indptr), shape=bought.shape)
    return _nearest_of(weighted, lambda products, *_: products)


def _nearest_of(columns: Any, similarity: Callable[..., np.ndarray], least: float = -np.inf) -> sparse.csr_matrix:
    """The nearest of each column by the dot products of columns, some rows at a time, so that memory stays level.

    `similarity` is told dot products of at least `least` with their row and column.
    """
    rows = sparse.csr_matrix(columns.T)

    def found(first: int) -> sparse.csr_matrix:
        dots: Any = sparse.csr_matrix(rows[first : first + ROWS_AT_ONCE] @ columns)
        kept = slice(None) if np.isneginf(least) else np.flatnonzero(dots.data >= least)
        starts = dots.indptr if isinstance(kept, slice) else np.searchsorted(kept, dots.indptr)
        row, column = np.repeat(np.arange(dots.shape[0]), np.diff(starts)), dots.indices[kept]
        values = similarity(dots.data[kept], row + first, column)
        # each is near to itself: that goes last, among a few, and not among all
        near = _best_of((row, column, values), RIVAL_NEIGHBOURS + 1)
        near = near[column[near] != row[near] + first]
        near = near[place_within(row[near]) <= RIVAL_NEIGHBOURS]
        return sparse.csr_matrix((values[near], (row[near], column[near])), shape=dots.shape)

    with ThreadPoolExecutor(THREADS) as threads:
        parts = list(threads.map(found, range(0, columns.shape[1], ROWS_AT_ONCE)))
    return sparse.csr_matrix(sparse.vstack(parts)) if parts else sparse.csr_matrix((0, 0))


def interests_of(events: Mapping[str, Any], snapshot: Snapshot) -> sparse.csr_matrix:
    """Customer x place: half a point for each of the last 30 days with a view, another half for one with a cart.

    `events` has one entry per customer, product and day, with is_cart.
    """
    shelf, customers = snapshot.shelf, snapshot.customers
    day, product, customer = (np.asarray(events[name]).astype(np.int64) for name in ("day", "product", "customer"))
    recent = np.flatnonzero((day >= shelf.day - 30) & (day < shelf.day))
    row_of_customer = np.full(int(max(customers.max(initial=-1), customer.max(initial=-1))) + 1, -1)
    row_of_customer[customers] = np.arange(len(customers))
    row, place = row_of_customer[customer[recent]], shelf.places[product[recent]]
    seen = (row >= 0) & (place >= 0)
    points = 0.5 * (1 + np.asarray(events["is_cart"]).astype(float)[recent[seen]])
    return sparse.csr_matrix((points, (row[seen], place[seen])), shape=(len(customers), len(shelf.products)))
