"""Nothing at or after as_of is used: whatever is changed, added or deleted there leaves every feature as it was."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from custana_pipeline_tests.features.tiny_shop import SNAPSHOTS, TinyShop

AS_OF = "2020-06-01"
HISTORIES = ("purchase_days", "browsing_days")
CUSTOMERS = st.sampled_from(["ann", "bob", "eve", "kim"])
PRODUCTS = st.sampled_from(["cup", "pen", "hat", None])
BEFORE = st.dates(dt.date(2019, 3, 1), dt.date(2020, 5, 31)).map(str)
# the day itself is where a leak is likeliest
FROM_AS_OF = st.one_of(st.just(AS_OF), st.dates(dt.date(2020, 6, 1), dt.date(2020, 12, 31)).map(str))
CLOCK = st.sampled_from(["00:00", "00:20", "09:00", "09:29", "23:59"])
Row = dict[str, Any]


def purchases(days: st.SearchStrategy[str]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {
            "customer": CUSTOMERS,
            "on": days,
            "amount": st.integers(0, 5000).map(lambda cents: cents / 100),
            "product": PRODUCTS,
            "units": st.integers(1, 9),
            "returned": st.booleans(),
            "at": CLOCK,
        }
    )


def events(days: st.SearchStrategy[str]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {
            "customer": CUSTOMERS,
            "at": st.tuples(days, CLOCK).map(" ".join),
            "event": st.sampled_from(["view", "cart", "search"]),
            "product": PRODUCTS,
        }
    )


PAST = st.tuples(st.lists(purchases(BEFORE), min_size=4, max_size=25), st.lists(events(BEFORE), max_size=15))
FUTURE = st.tuples(
    st.lists(purchases(FROM_AS_OF), max_size=12),
    st.lists(events(FROM_AS_OF), max_size=8),
    st.dictionaries(st.sampled_from(["eve", "kim", "new"]), FROM_AS_OF, max_size=3),
)


def built(past: tuple, future: tuple) -> TinyShop:
    shop = TinyShop()
    for product, category in (("cup", "Kitchen"), ("pen", "Desk"), ("hat", "Desk")):
        shop.sells(product, category)
    shop.knows("ann", birth_year=1980, gender="female", location="Oslo", signed_up_at="2019-01-01")
    shop.knows("bob", age=50, location="Rome")
    for customer, signed_up_at in future[2].items():
        shop.knows(customer, birth_year=1990, gender="other", location="Bern", signed_up_at=signed_up_at)
    for row in (*past[0], *future[0]):
        shop.buys(**row)
    for row in (*past[1], *future[1]):
        shop.browses(**row)
    if "new" in future[2]:  # a visitor whose past events are kept because she is known by now
        shop.browses("new", "2019-02-01 10:00", product="cup")
    return shop.build("2020-03-03", AS_OF, outcomes_until=AS_OF)


def known_bytes(shop: TinyShop) -> dict[str, bytes]:
    known = shop.bytes_of((*SNAPSHOTS, "outcomes", "histories"))
    known |= shop.bytes_of(["purchase_days"], f"ordered_date < date '{AS_OF}'")
    return known | shop.bytes_of(["browsing_days"], f"happened_date < date '{AS_OF}' and customer_id <> 'new'")


# without shrinking: each example builds two warehouses
@settings(max_examples=8, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(past=PAST, one_future=FUTURE, other_future=FUTURE)
def test_the_future_changes_no_feature_and_no_known_outcome(
    past: tuple, one_future: tuple, other_future: tuple
) -> None:
    with_one, with_other = built(past, one_future), built(past, other_future)
    assert known_bytes(with_one) == known_bytes(with_other)
    assert set(known_bytes(with_one)) == {*SNAPSHOTS, *HISTORIES, "outcomes", "histories"}


@pytest.mark.parametrize(
    "happen",
    [
        lambda shop: shop.buys("ann", AS_OF, 99, product="cup", at="00:00"),
        lambda shop: shop.buys("ann", AS_OF, 99, product="cup", returned=True),
        lambda shop: shop.buys("zoe", AS_OF, 99),
        lambda shop: shop.browses("ann", f"{AS_OF} 00:00", "cart", "cup"),
        lambda shop: shop.knows("ann", age=44, signed_up_at=AS_OF),
    ],
    ids=["purchase", "return", "new customer", "event", "sign-up"],
)
def test_midnight_of_as_of_is_the_future(shop: TinyShop, happen: Callable[[TinyShop], None]) -> None:
    shop.buys("ann", "2020-01-01", product="cup")
    shop.browses("ann", "2020-05-31 23:59", product="cup")
    before = shop.build(AS_OF).bytes_of(SNAPSHOTS)
    happen(shop)
    assert shop.build(AS_OF).bytes_of(SNAPSHOTS) == before


def test_the_last_minute_before_as_of_is_the_past(shop: TinyShop) -> None:
    shop.buys("ann", "2020-01-01", product="cup")
    before = shop.build(AS_OF).bytes_of(SNAPSHOTS)
    shop.buys("ann", "2020-05-31", product="pen", at="23:59")
    after = shop.build(AS_OF).bytes_of(SNAPSHOTS)
    changed = {table for table in SNAPSHOTS if before[table] != after[table]}
    assert changed == set(SNAPSHOTS) - {"browsing", "demographics"}
