"""Which order lines are kept, set aside or rejected, and what their values become."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEPT = ("kept", None)
BAD_NUMBERS = ["1,234.56", "1.234,56", "$5", "abc", "NaN", "inf", "-inf", "1e309", "1e30", "--1", "1x"]


def judged(clean, *lines, **parameters):
    return clean(parameters, transactions=lines).verdicts("transactions")


def test_a_good_line_is_kept_with_its_types(clean):
    clean(transactions=[{"quantity": "2.5", "unit_price": "1.1"}])
    assert clean.rows("select * from cleaned.transactions") == [
        (
            *("o1", "c1", "p1", dt.datetime.fromisoformat("2024-01-05 10:00"), dt.date(2024, 1, 5)),
            *(Decimal("2.500"), Decimal("1.1000"), Decimal("2.75"), False, "f.csv", 1),
        )
    ]


@pytest.mark.parametrize("date", [None, " ", "05/01/2024 10:00:00", "2024-02-30 10:00:00", "2024-01-05", "yesterday"])
def test_a_date_that_is_not_of_the_declared_format_rejects_the_line(clean, date):
    assert judged(clean, {"ordered_at": date}) == [("rejected", "unparsable_date")]


@pytest.mark.parametrize("date", ["1989-12-31 23:59:59", "2100-01-01 00:00:00", "24-01-05 10:00:00", "infinity"])
def test_a_date_that_no_shop_has_seen_rejects_the_line(clean, date):
    assert judged(clean, {"ordered_at": date}) == [("rejected", "date_out_of_range")]


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_a_number_that_is_not_plain_rejects_the_line(clean, number):
    lines = [{"quantity": number}, {"unit_price": number}, {"amount": number}]
    assert judged(clean, *lines) == [
        ("rejected", "unparsable_quantity"),
        ("rejected", "unparsable_price"),
        ("rejected", "unparsable_amount"),
    ]


def test_a_missing_quantity_rejects_the_line_where_others_have_one(clean):
    assert judged(clean, {"quantity": " "}, {}) == [("rejected", "missing_quantity"), KEPT]


def test_where_no_line_has_a_quantity_each_is_one_unit(clean):
    clean(transactions=[{"quantity": None}])
    assert clean.rows("select quantity, amount from cleaned.transactions") == [(Decimal("1.000"), Decimal("1.50"))]


@pytest.mark.parametrize("quantity", ["0", "0.0", "-0", "0.0004"])
def test_a_quantity_of_nothing_rejects_the_line(clean, quantity):
    assert judged(clean, {"quantity": quantity}) == [("rejected", "zero_quantity")]


def test_a_negative_price_of_something_sold_rejects_the_line(clean):
    assert judged(clean, {"unit_price": "-1"}) == [("rejected", "negative_price")]


def test_a_line_without_money_is_rejected_where_others_have_some(clean):
    assert judged(clean, {"unit_price": None}, {}) == [("rejected", "missing_amount"), KEPT]


def test_where_no_line_has_money_the_amount_is_unknown_and_not_zero(clean):
    clean(transactions=[{"unit_price": None}])
    assert clean.rows("select amount, unit_price from cleaned.transactions") == [(None, None)]


def test_an_amount_that_no_account_can_hold_rejects_the_line(clean):
    assert judged(clean, {"quantity": "1e14", "unit_price": "1e13"}) == [("rejected", "unparsable_amount")]


def test_a_given_amount_goes_before_quantity_times_price(clean):
    clean(transactions=[{"amount": "2.99"}])
    assert clean.rows("select amount from cleaned.transactions") == [(Decimal("2.99"),)]


def test_an_amount_is_rounded_to_cents_half_up(clean):
    clean(transactions=[{"quantity": "3", "unit_price": "0.335"}])
    assert clean.rows("select amount from cleaned.transactions") == [(Decimal("1.01"),)]


@pytest.mark.parametrize(
    "line",
    [
        {"quantity": "-2", "unit_price": "1.50"},
        {"quantity": "-2", "unit_price": None, "amount": "3"},
        {"quantity": "2", "unit_price": None, "amount": "-3"},
        {"quantity": "-2", "unit_price": "-1.50"},
    ],
)
def test_a_return_has_a_negative_quantity_and_amount_however_it_is_written(clean, line):
    clean(transactions=[line])
    found = clean.rows("select quantity, amount, is_return from cleaned.transactions")
    assert found == [(Decimal("-2.000"), Decimal("-3.00"), True)]


@pytest.mark.parametrize("customer", [None, "", "  ", "null", "NULL", "NaN", "None", "n/a", "Unknown"])
def test_a_line_without_customer_is_set_aside(clean, customer):
    assert judged(clean, {"customer_id": customer}) == [("set_aside", "no_customer")]


def test_ids_are_text_and_trimmed(clean):
    clean(transactions=[{"customer_id": " 007 ", "product_id": " 01 ", "order_id": " 1 "}])
    assert clean.rows("select order_id, customer_id, product_id from cleaned.transactions") == [("1", "007", "01")]


def test_a_line_without_product_is_kept_because_its_money_is_real(clean):
    assert judged(clean, {"product_id": " "}) == [KEPT]


def test_lines_without_order_are_one_order_per_customer_and_day(clean):
    clean(
        transactions=[{"order_id": None}, {"order_id": "", "product_id": "p2"}, {"order_id": "o9", "product_id": "p3"}]
    )
    made = "select distinct order_id from cleaned.transactions order by order_id"
    assert clean.rows(made) == [("c1@2024-01-05",), ("o9",)]
    assert clean.rows("select column_name, rule, line_count from cleaned.repairs") == [
        ("order_id", "customer_and_day", 2)
    ]


def test_a_source_without_any_order_id_has_none_to_repair(clean):
    clean(transactions=[{"order_id": None}, {"order_id": None, "product_id": "p2"}])
    assert clean.rows("select distinct order_id from cleaned.transactions") == [("c1@2024-01-05",)]
    assert clean.rows("select rule from cleaned.repairs") == []


def test_of_exact_duplicates_the_first_line_is_kept(clean):
    assert judged(clean, {}, {}, {"quantity": "3"}, {}) == [
        KEPT,
        ("set_aside", "exact_duplicate"),
        KEPT,
        ("set_aside", "exact_duplicate"),
    ]


def test_a_duplicate_in_another_file_is_set_aside_in_the_later_one(clean):
    clean(transactions=[{"source_file": "b.csv", "line_text": "same"}, {"source_file": "a.csv", "line_text": "same"}])
    assert clean.rows("select source_file from cleaned.transactions") == [("a.csv",)]


def test_identical_lines_are_separate_purchases_where_the_pack_says_so(clean):
    assert judged(clean, {}, {}, keep_identical_lines=True) == [KEPT, KEPT]


def test_lines_without_their_text_are_never_duplicates(clean):
    assert judged(clean, {"line_text": None}, {"line_text": None}) == [KEPT, KEPT]


def test_what_the_pack_sets_aside_is_set_aside_with_its_reason(clean):
    assert judged(clean, {"set_aside_reason": "not_a_product"}) == [("set_aside", "not_a_product")]


def test_the_first_reason_wins(clean):
    everything = {"ordered_at": "x", "quantity": "x", "customer_id": ""}
    duplicate = ("set_aside", "exact_duplicate")
    postage = {**everything, "set_aside_reason": "postage"}
    assert judged(clean, everything, everything) == [("rejected", "unparsable_date"), duplicate]
    assert judged(clean, postage, postage) == [("set_aside", "postage"), duplicate]
    assert judged(clean, {"quantity": "x", "customer_id": ""}) == [("rejected", "unparsable_quantity")]


def test_another_declared_format_is_followed(clean):
    clean({"timestamp_format": "%d/%m/%Y"}, transactions=[{"ordered_at": "03/04/2024"}])
    assert clean.rows("select ordered_date from cleaned.transactions") == [(dt.date(2024, 4, 3),)]


FIELDS = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["c1", " c2", None, "nan"]),
        "order_id": st.sampled_from(["o1", None]),
        "ordered_at": st.sampled_from(["2024-01-05 10:00:00", "x", "1900-01-01 00:00:00"]),
        "quantity": st.sampled_from(["1", "-2", "0", "x", None, "0.5"]),
        "unit_price": st.sampled_from(["1.25", "-1", "nan", None, "0"]),
        "amount": st.sampled_from([None, "4", "-4", "inf"]),
    }
)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FIELDS, max_size=12))
def test_kept_and_set_aside_and_rejected_are_what_was_read_and_cleaning_twice_changes_nothing(clean, lines):
    clean(transactions=lines)
    once = clean.rows("select * exclude (source_line) from cleaned.transactions order by all")
    assert clean.rows("select coalesce(sum(line_count), 0) from cleaned.line_counts") == [(len(lines),)]
    again = clean.rows(
        """select order_id, customer_id, product_id, cast(ordered_at as varchar) as ordered_at,
            cast(quantity as varchar) as quantity, cast(unit_price as varchar) as unit_price,
            cast(amount as varchar) as amount from cleaned.transactions"""
    )
    names = ("order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price", "amount")
    clean({"keep_identical_lines": True}, transactions=[dict(zip(names, line, strict=True)) for line in again])
    assert clean.rows("select * exclude (source_line) from cleaned.transactions order by all") == once
