"""What was known of purchases as of an earlier day, as arrays: the ground that lists are tried on.

Customers, products and days are integers. Customers are numbered in the order of a hash of their id, so that the
first n of them are a sample that stays the same from night to night; products in the order of their id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

IN_STOCK_DAYS = 90
"""A product without a sale for longer is taken to be out of stock and is never offered."""
TREND_DAYS = 14
THOUSAND = 1_000
MILLION = 1_000_000
PLACE_BITS = 20
"""Products and places on the shelf are below 2 to this power."""
AGE_BITS = 16
"""Days ago are below 2 to this power."""
DAY_BITS = 17
"""Days since 1970-01-01 are below 2 to this power."""

Integers = np.ndarray
Floats = np.ndarray


def half_up(values: Floats, digits: int) -> Floats:
    """Rounded to so many digits as SQL rounds them: a positive half goes up.

    >>> half_up(np.array([0.125, 2.5]), 2).tolist()
    [0.13, 2.5]
    """
    unit = 10.0**digits
    return np.floor(values * unit + 0.5) / unit


@dataclass(frozen=True, eq=False)
class History:
    """One entry per customer, product and day on which the product was bought or sent back, ordered by these."""

    customer: Integers
    product: Integers
    day: Integers
    net_quantity: Floats
    """Bought less sent back on that day."""
    is_purchase: np.ndarray

    @classmethod
    def of(cls, lines: Mapping[str, Any]) -> "History":
        """From customer, product, day, net_quantity and is_purchase of order lines or of whole days, in any order."""
        customer, product, day = (np.asarray(lines[name]).astype(np.int64) for name in ("customer", "product", "day"))
        return cls.of_lines({**lines, "code": (((customer << PLACE_BITS) | product) << DAY_BITS) | day})

    @classmethod
    def of_lines(cls, lines: Mapping[str, Any]) -> "History":
        """The same with customer, product and day packed into one `code`."""
        codes, is_purchase = lines["code"], np.asarray(lines["is_purchase"]).astype(bool)
        order = np.argsort(codes)
        codes = codes[order]
        first = np.flatnonzero(np.r_[True, np.diff(codes) != 0][: len(codes)])
        # whole thousandths, which add up to the same in whatever order lines of a day are
        quantity = np.rint(np.asarray(lines["net_quantity"]).astype(float) * THOUSAND)[order]
        is_purchase = is_purchase[order]
        each = codes[first]
        return cls(
            each >> (PLACE_BITS + DAY_BITS),
            (each >> DAY_BITS) & (2**PLACE_BITS - 1),
            each & (2**DAY_BITS - 1),
            np.add.reduceat(quantity, first) / THOUSAND if len(first) else quantity,
            np.logical_or.reduceat(is_purchase, first) if len(first) else is_purchase,
        )

    @classmethod
    def of_purchases(cls, customer: Integers, product: Integers, day: Integers) -> "History":
        """From lines that were bought and kept, one piece a line."""
        return cls.of_codes((((customer.astype(np.int64) << PLACE_BITS) | product) << DAY_BITS) | day)

    @classmethod
    def of_codes(cls, codes: Integers) -> "History":
        """The same from customer, product and day of each line, packed."""
        codes = np.sort(codes)
        codes = codes[np.r_[True, np.diff(codes) != 0][: len(codes)]]
        pairs, ones = codes >> DAY_BITS, np.ones(len(codes), dtype=bool)
        days = codes & (2**DAY_BITS - 1)
        return cls(pairs >> PLACE_BITS, pairs & (2**PLACE_BITS - 1), days, ones.astype(float), ones)

    def where(self, chosen: np.ndarray) -> "History":
        """The entries for which `chosen` is true, or at the places that it names."""
        at = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return History(self.customer[at], self.product[at], self.day[at], self.net_quantity[at], self.is_purchase[at])

    def between(self, first: int, end: int) -> "History":
        """The entries from day `first` on and before day `end`."""
        return self.where((self.day >= first) & (self.day < end))

    def before(self, day: int) -> "History":
        """What was known at the midnight that begins `day`."""
        is_before = self.day < day
        return self if is_before.all() else self.where(is_before)

    def pairs(self) -> tuple[Integers, Integers]:
        """Where each customer and product begins, and which of these every entry belongs to."""
        is_first = np.ones(len(self.day), dtype=bool)
        is_first[1:] = (np.diff(self.customer) != 0) | (np.diff(self.product) != 0)
        return np.flatnonzero(is_first), np.cumsum(is_first) - 1

    def kept_purchases(self) -> tuple[Integers, Integers]:
        """Customer and product of all that was bought and not sent back whole."""
        first, pair = self.pairs()
        bought = np.bincount(pair, self.is_purchase, minlength=len(first)) > 0
        kept = first[bought & (np.bincount(pair, self.net_quantity, minlength=len(first)) > 0)]
        return self.customer[kept], self.product[kept]


@dataclass(frozen=True, eq=False)
class Sales:
    """On how many purchase days of customers each product was sold, an entry per product and day or finer."""

    product: Integers
    day: Integers
    count: Floats

    @classmethod
    def of(cls, history: History) -> "Sales":
        """The sales to all customers of a history."""
        bought = history.is_purchase
        return cls(history.product[bought], history.day[bought], np.ones(int(bought.sum())))


@dataclass(frozen=True, eq=False)
class Shelf:
    """The products that may be offered as of a day: those sold in the 90 days before, most sold first.

    A product's place here, from 0, stands for it everywhere else and settles ties; it counts purchase days of
    customers, and where these are equal the lower product number comes first.
    """

    day: int
    products: Integers
    """Place -> product."""
    places: Integers
    """Product -> place, -1 for one that is not offered."""
    sold: "Sales"
    """What was sold in the 90 days."""

    def sales(self, days: int) -> Floats:
        """Purchase days of each place within the last `days`, at most 90."""
        return self._running[days - 1]

    @cached_property
    def _running(self) -> Floats:
        """Age in days, from 1 on, x place: purchase days of that age or younger."""
        width, age = len(self.products), self.day - self.sold.day
        cells = (age - 1) * width + self.places[self.sold.product]
        counts = np.bincount(cells, self.sold.count, minlength=IN_STOCK_DAYS * width)
        return np.cumsum(counts.reshape(IN_STOCK_DAYS, width), axis=0)

    def popularity(self, days: int) -> Floats:
        """The same as a share of the most sold product's."""
        sales = self.sales(days)
        return sales / max(sales.max(initial=0), 1)

    def trend(self) -> Floats:
        """Purchase days of the last 14 days over 14/90 of those of the 90, each two higher: above 1 it sells better."""
        return (self.sales(TREND_DAYS) + 2) / (self.sales(IN_STOCK_DAYS) * TREND_DAYS / IN_STOCK_DAYS + 2)


def shelf_of(known: "History | Sales", day: int, product_count: int) -> Shelf:
    """What may be offered on `day`, from what was sold before it."""
    sold = known if isinstance(known, Sales) else Sales.of(known)
    recent = (sold.day >= day - IN_STOCK_DAYS) & (sold.day < day)
    sold = Sales(sold.product[recent], sold.day[recent], sold.count[recent])
    counts = np.bincount(sold.product, sold.count, minlength=product_count)
    order = np.argsort(-counts, kind="stable")
    products = order[counts[order] > 0]
    places = np.full(product_count, -1)
    places[products] = np.arange(len(products))
    return Shelf(day, products, places, sold)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What is known of some customers as of the shelf's day; they are numbered from 0 in the order of `customers`."""

    shelf: Shelf
    customers: Integers
    pair_customer: Integers
    pair_place: Integers
    """One entry per customer and product that they ever bought or sent back and that may be offered."""
    pair_is_kept: np.ndarray
    """Whether it was bought and not sent back whole."""
    purchase_pair: Integers
    purchase_age: Integers
    """Pair and days ago of every purchase day."""

    def purchase_days(self) -> Floats:
        """Purchase days of each pair."""
        return np.bincount(self.purchase_pair, minlength=len(self.pair_place)).astype(float)

    def decayed(self, half_life_days: float) -> Floats:
        """The same, each purchase day counting half after every half-life; in millionths, as in the SQL."""
        ages = np.arange(int(self.purchase_age.max(initial=0)) + 1)
        weights = half_up(MILLION * 0.5 ** (ages / half_life_days), 0)[self.purchase_age]
        return np.bincount(self.purchase_pair, weights, minlength=len(self.pair_place)) / MILLION


def snapshot_of(known: History, shelf: Shelf, customers: Integers) -> Snapshot:
    """What `known` tells of `customers`, given in ascending order."""
    is_asked = np.zeros(int(max(known.customer.max(initial=-1), customers.max(initial=-1))) + 1, dtype=bool)
    is_asked[customers] = True
    own = known.where(is_asked[known.customer])
    own = own.where(shelf.places[own.product] >= 0)
    first, pair = own.pairs()
    bought = np.bincount(pair, own.is_purchase, minlength=len(first)) > 0
    net = np.bincount(pair, own.net_quantity, minlength=len(first))
    return Snapshot(
        shelf=shelf,
        customers=customers,
        pair_customer=np.searchsorted(customers, own.customer[first]),
        pair_place=shelf.places[own.product[first]],
        pair_is_kept=bought & (net > 0),
        purchase_pair=pair[own.is_purchase],
        purchase_age=shelf.day - own.day[own.is_purchase],
    )
