"""Demand by segment, category and location adds up to the whole, to the cent."""

import random
from decimal import Decimal

from custana_pipeline.applications.contracts import DemandTotals
from custana_pipeline_tests.applications.shop import Shop


def _totals(shop: Shop, dimension: str) -> dict[str, tuple[int, float]]:
    query = f"select member, customers, expected_amount from applications.demand_totals where dimension = '{dimension}'"
    return {member: (customers, amount) for member, customers, amount in shop.rows(query)}


def _crowd(shop: Shop, count: int) -> None:
    draw = random.Random(3)
    for product, category in (("tea", "Drinks"), ("coffee", "Drinks"), ("soap", "Care"), ("nail", None)):
        shop.sells(product, product, category)
    for number in range(count):
        customer = f"c{number}"
        shop.puts_into(number % 3, f"segment {number % 3}", customer)
        shop.knows(customer, location=draw.choice(["Oslo", "Bergen", None]))
        for product in draw.sample(["tea", "coffee", "soap", "nail"], draw.randint(1, 4)):
            shop.buys(customer, product, draw.randint(1, 500), amount=draw.randint(1, 9999) / 100)
        amount = draw.randint(0, 99999) / 100
        shop.expects(customer, draw.randint(0, 3000000) / 1e6, amount, round(amount * 0.93, 2))


def test_every_dimension_adds_up_to_the_whole_to_the_cent(shop: Shop) -> None:
    _crowd(shop, 90)
    shop.build("demand_by_category", "demand_totals")
    sums = shop.rows("""select dimension, sum(cast(expected_purchases as decimal(18, 6))),
            sum(cast(expected_amount as decimal(18, 2))), sum(cast(expected_net_amount as decimal(18, 2)))
        from applications.demand_totals group by dimension""")
    listed = shop.rows("""select sum(cast(expected_purchases as decimal(18, 6))),
            sum(cast(expected_amount as decimal(18, 2))), sum(cast(expected_net_amount as decimal(18, 2)))
        from applications.demand_forecast""")[0]
    assert {row[0] for row in sums} == {"all", "segment", "category", "location"}
    assert {row[1:] for row in sums} == {listed}
    assert listed[1] > Decimal(0)


def test_a_customers_demand_is_split_by_what_she_bought_in_the_last_year(shop: Shop) -> None:
    shop.sells("tea", "Tea", "Drinks")
    shop.sells("soap", "Soap", "Care")
    for number in range(10):
        shop.buys(f"c{number}", "tea", 10, amount=75)
        shop.buys(f"c{number}", "soap", 20, amount=25)
        shop.buys(f"c{number}", "soap", 400, amount=900)
        shop.expects(f"c{number}", 2.0, 10.0)
    shop.build("demand_by_category", "demand_totals")
    assert _totals(shop, "category") == {"Drinks": (10, 75.0), "Care": (10, 25.0)}


def test_a_customer_without_a_purchase_in_the_last_year_counts_as_not_stated(shop: Shop) -> None:
    shop.sells("tea", "Tea", "Drinks")
    for number in range(20):
        shop.buys(f"c{number}", "tea", 10 if number < 10 else 500)
        shop.expects(f"c{number}", 1.0, 3.0)
    shop.build("demand_by_category", "demand_totals")
    assert _totals(shop, "category") == {"Drinks": (10, 30.0), "not stated": (10, 30.0)}


def test_places_of_fewer_than_ten_customers_are_shown_as_one_of_ten_or_more(shop: Shop) -> None:
    for place, count in (("Oslo", 30), ("Bergen", 12), ("Voss", 2), ("Hamar", 1)):
        for number in range(count):
            shop.buys(f"{place}{number}", "tea", 10)
            shop.knows(f"{place}{number}", location=place)
            shop.expects(f"{place}{number}", 1.0, 2.0)
    shop.build("demand_by_category", "demand_totals")
    assert _totals(shop, "location") == {"Oslo": (30, 60.0), "all others": (15, 30.0)}


def test_a_source_without_categories_or_places_has_no_such_dimension(shop: Shop) -> None:
    shop.buys("anna", None, 10)
    shop.expects("anna", 1.0, 2.0)
    shop.build("demand_by_category", "demand_totals")
    assert {row[0] for row in shop.rows("select distinct dimension from applications.demand_totals")} == {
        "all",
        "segment",
    }


def test_a_source_without_money_splits_its_purchases(shop: Shop) -> None:
    shop.sells("tea", "Tea", "Drinks")
    for number in range(10):
        shop.buys(f"c{number}", "tea", 10)
        shop.expects(f"c{number}", 0.5, None)
    shop.rows("update cleaned.transactions set amount = null")
    shop.build("demand_by_category", "demand_totals")
    totals = DemandTotals.validate(shop.frame("applications.demand_totals"))
    assert set(totals["expected_purchases"]) == {5.0}
    assert totals["expected_amount"].isna().all()


def test_the_same_few_customers_in_several_categories_are_still_few(shop: Shop) -> None:
    for category in ("Drinks", "Care", "Tools"):
        shop.sells(category.lower(), category, category)
    for number in range(40):
        shop.buys(f"c{number}", "drinks", 10, amount=50)
        shop.expects(f"c{number}", 1.0, 2.0)
    for number in range(6):
        shop.buys(f"c{number}", "care", 10, amount=25)
        shop.buys(f"c{number}", "tools", 10, amount=25)
    shop.build("demand_by_category", "demand_totals")
    assert _totals(shop, "category") == {"all others": (40, 80.0)}


def test_segments_of_fewer_than_ten_customers_are_shown_as_one_of_ten_or_more(shop: Shop) -> None:
    for number, (name, count) in enumerate((("Loyal", 30), ("New", 12), ("Lost", 5))):
        customers = [f"{name}{place}" for place in range(count)]
        shop.puts_into(number, name, *customers)
        for customer in customers:
            shop.buys(customer, "tea", 10)
            shop.expects(customer, 1.0, 2.0)
    shop.build("demand_by_category", "demand_totals")
    assert _totals(shop, "segment") == {"Loyal": (30, 60.0), "all others": (17, 34.0)}
