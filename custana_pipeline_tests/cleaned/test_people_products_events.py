"""Which records of customers, products and events are kept, and what their values become."""

import datetime as dt

import pytest

KEPT = ("kept", None)
SUPERSEDED = ("set_aside", "superseded")
DUPLICATE = ("set_aside", "exact_duplicate")


def customer(clean, **values):
    """The one kept customer's columns, by name."""
    clean(customers=[values])
    columns = ("birth_year", "age", "gender", "location", "signed_up_at")
    (found,) = clean.rows(f"select {', '.join(columns)} from cleaned.customers")
    return dict(zip(columns, found, strict=True))


def repairs(clean):
    return clean.rows("select column_name, rule, line_count from cleaned.repairs order by all")


def test_a_record_without_id_is_rejected(clean):
    clean(customers=[{"customer_id": " "}, {"customer_id": "nan"}], products=[{"product_id": None}])
    assert clean.verdicts("customers") == [("rejected", "missing_id")] * 2
    assert clean.verdicts("products") == [("rejected", "missing_id")]


def test_of_two_records_of_a_customer_the_later_sign_up_holds(clean):
    clean(customers=[{"signed_up_at": "2024-02-01"}, {"signed_up_at": "2024-01-01"}, {"signed_up_at": None}])
    assert clean.verdicts("customers") == [KEPT, SUPERSEDED, SUPERSEDED]


def test_of_two_records_with_the_same_sign_up_the_last_line_holds(clean):
    clean(
        customers=[{"location": "Bonn"}, {"location": "Ulm am See"}],
        products=[{"name": "old"}, {"name": "new"}, {"product_id": "p2"}],
    )
    assert clean.verdicts("customers") == [SUPERSEDED, KEPT]
    assert clean.verdicts("products") == [SUPERSEDED, KEPT, KEPT]


def test_a_repeated_record_is_a_duplicate_and_supersedes_nothing(clean):
    clean(customers=[{}, {}], products=[{}, {}], events=[{}, {}])
    assert clean.verdicts("events") == [KEPT, DUPLICATE]
    for table in ("customers", "products"):
        assert clean.verdicts(table) == [DUPLICATE, KEPT]


def test_a_record_that_becomes_again_what_it_was_holds(clean):
    clean(customers=[{"location": town} for town in ("Bonn", "Ulm", "Bonn")], products=[{"name": n} for n in "aba"])
    for table in ("customers", "products"):
        assert clean.verdicts(table) == [DUPLICATE, SUPERSEDED, KEPT]


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        *[(word, "female") for word in ("F", "female", " Woman ", "w")],
        *[(word, "male") for word in ("M", "MALE", "man")],
        *[(word, "other") for word in ("Other", "non-binary", "diverse")],
        *[(word, None) for word in ("", " ", "?", "unknown")],
    ],
)
def test_genders_have_three_spellings_and_else_are_unknown(clean, given, normal):
    assert customer(clean, gender=given)["gender"] == normal


@pytest.mark.parametrize("given", ["Port Linna", " port  linna", "PORT LINNA ", "pORT lINNA"])
def test_spellings_of_a_place_become_one(clean, given):
    assert customer(clean, location=given)["location"] == "Port Linna"


@pytest.mark.parametrize("given", ["uk", "UK", " Uk"])
def test_a_place_of_three_letters_or_fewer_is_an_abbreviation(clean, given):
    assert customer(clean, location=given)["location"] == "UK"


@pytest.mark.parametrize("year", ["1850", "2035", "0", "19", "unknown", "2019"])
def test_an_impossible_birth_year_becomes_unknown_and_is_counted(clean, year):
    assert customer(clean, birth_year=year, signed_up_at="2024-01-01")["birth_year"] is None
    assert [(column, count) for column, _, count in repairs(clean)] == [("birth_year", 1)]


@pytest.mark.parametrize("age", ["9", "111", "-5", "old", "nan"])
def test_an_impossible_age_becomes_unknown_and_is_counted(clean, age):
    assert customer(clean, age=age)["age"] is None
    assert [(column, count) for column, _, count in repairs(clean)] == [("age", 1)]


def test_possible_values_are_kept_and_no_repair_is_counted(clean):
    found = customer(clean, age="34.0", birth_year="1990", gender="female", location="Bonn", signed_up_at="2024-01-01")
    assert (found["age"], found["birth_year"]) == (34, 1990)
    assert found["signed_up_at"] == dt.date(2024, 1, 1)
    assert repairs(clean) == []


def test_a_sign_up_that_cannot_be_read_becomes_unknown_and_is_counted(clean):
    customer(clean, signed_up_at="01/02/2024")
    assert repairs(clean) == [("signed_up_at", "unparsable_date", 1)]


def test_repairs_of_lines_that_are_not_kept_are_not_counted(clean):
    clean(customers=[{"gender": "F"}, {"gender": "M"}])
    assert repairs(clean) == [("gender", "normal_spelling", 1)]


def test_an_event_of_a_customer_known_by_record_or_purchase_is_kept(clean):
    clean(
        customers=[{"customer_id": "c1"}],
        transactions=[{"customer_id": "c2"}],
        events=[{"customer_id": name} for name in ("c1", " c2 ", "c3", None)],
    )
    assert clean.verdicts("events") == [KEPT, KEPT, ("set_aside", "unknown_customer"), ("set_aside", "no_customer")]


def test_an_event_without_readable_time_or_type_is_rejected(clean):
    events = [{"happened_at": "x"}, {"happened_at": "1900-01-01 00:00:00"}, {"event_type": " "}]
    clean(customers=[{}], events=events)
    assert [reason for _, reason in clean.verdicts("events")] == [
        "unparsable_date",
        "date_out_of_range",
        "missing_event_type",
    ]


@pytest.mark.parametrize("given", [{"customer_id": "c\x01"}, {"product_id": "p\u200b"}])
def test_an_event_with_an_id_that_cannot_be_read_is_rejected_whether_or_not_its_customer_is_known(clean, given):
    clean(customers=[{}], events=[given, {"product_id": "p é", "happened_at": "2024-01-05 09:00:01"}])
    assert clean.verdicts("events") == [("rejected", "unreadable_id"), KEPT]


def test_event_types_are_lower_case_words(clean):
    clean(customers=[{}], events=[{"event_type": " View "}])
    assert clean.rows("select event_type, happened_date from cleaned.events") == [("view", dt.date(2024, 1, 5))]
