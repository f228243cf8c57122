"""From lists to the facts of the report, without a customer in them."""

import pandas as pd
import pytest

from custana_pipeline.applications import report_evidence as evidence


def test_the_headline_counts_people_and_money() -> None:
    recommended = pd.DataFrame(
        {"p_buy": [0.9, 0.5, 0.1], "is_recommended": [True, True, False], "is_control": [True, False, False]}
    )
    forecast = pd.DataFrame(
        {
            "expected_purchases": [2.0, 1.0, 0.5],
            "expected_amount": [30.0, 20.0, 10.0],
            "expected_net_amount": [27.0, 18.0, 9.0],
        }
    )
    top = evidence.headline(recommended, forecast)
    assert (top.customers, top.audience, top.control) == (3, 2, 1)
    assert (top.expected_buyers, top.audience_buyers) == pytest.approx((1.5, 1.4))
    assert (top.expected_amount, top.expected_net_amount, top.lower_amount) == (60, 54, None)


def test_without_amounts_the_headline_has_no_money() -> None:
    recommended = pd.DataFrame({"p_buy": [0.9], "is_recommended": [True], "is_control": [False]})
    nothing = float("nan")
    forecast = pd.DataFrame(
        {"expected_purchases": [2.0], "expected_amount": [nothing], "expected_net_amount": [nothing]}
    )
    assert evidence.headline(recommended, forecast).expected_amount is None


def test_a_holdout_whose_total_was_a_tenth_off_makes_the_range_at_least_a_tenth_wide() -> None:
    holdout = pd.DataFrame({"actual": [11.0] * 500, "predicted": [10.0] * 500})
    lower, upper = evidence.total_interval(1000.0, 500, holdout)
    assert (lower, upper) == pytest.approx((900, 1100))


def test_the_range_narrows_with_more_customers() -> None:
    holdout = pd.DataFrame({"actual": [0.0, 20.0] * 50, "predicted": [10.0] * 100})
    widths = []
    for customers in (100, 10_000):
        lower, upper = evidence.total_interval(10.0 * customers, customers, holdout)
        assert lower is not None
        assert upper is not None
        widths.append((upper - lower) / customers)
    assert widths[1] == pytest.approx(widths[0] / 10)


def test_without_a_holdout_there_is_no_range() -> None:
    assert evidence.total_interval(100.0, 10, None) == (None, None)


def test_deciles_hold_what_was_foreseen_and_what_came() -> None:
    holdout = pd.DataFrame({"actual": [1.0, 0.0] * 10, "predicted": [n / 20 for n in range(20)]})
    tenths = evidence.deciles(holdout)
    assert [tenth.customers for tenth in tenths] == [2] * 10
    assert tenths[0].predicted == pytest.approx(0.925)
    assert tenths[0].actual == 0.5


def test_line_counts_become_what_became_of_each_tables_lines() -> None:
    counts = pd.DataFrame(
        {
            "table_name": ["transactions"] * 4,
            "status": ["kept", "kept", "rejected", "set_aside"],
            "reason": [None, None, "negative_price", "no_customer"],
            "line_count": [50, 40, 3, 7],
        }
    )
    (facts,) = evidence.tables(counts)
    assert (facts.lines, facts.kept, facts.set_aside, facts.rejected) == (100, 90, 7, 3)
    assert [(fact.reason, fact.lines) for fact in facts.reasons] == [("no_customer", 7), ("negative_price", 3)]


def test_the_products_on_most_lists_come_first() -> None:
    listed = pd.DataFrame(
        {
            "list": ["buy_again"] * 3 + ["discover"],
            "product_id": ["tea", "hat", "cup", "pot"],
            "shown": ["Tea", "Hat", "Cup", "pot"],
            "customers": [1, 2, 2, 1],
            "first_places": [1, 0, 1, 1],
        }
    )
    found = evidence.products(listed, count=2)
    assert [(fact.product, fact.customers, fact.first_places) for fact in found["buy_again"]] == [
        ("Cup", 2, 1),
        ("Hat", 2, 0),
    ]
    assert found["discover"][0].product == "pot"


def test_totals_put_the_rest_last() -> None:
    totals = pd.DataFrame(
        {
            "dimension": ["all", "location", "location", "location"],
            "member": ["all", "all others", "Oslo", "Bergen"],
            "customers": [40, 30, 10, 10],
            "expected_purchases": [4.0, 3.0, 1.0, 1.0],
            "expected_amount": [90.0, 70.0, 8.0, 12.0],
            "expected_net_amount": [90.0, 70.0, 8.0, 12.0],
        }
    )
    found = evidence.totals(totals)
    assert list(found) == ["location"]
    assert [fact.member for fact in found["location"]] == ["Bergen", "Oslo", "all others"]
