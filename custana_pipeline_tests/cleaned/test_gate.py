"""What the contracts let pass, and what the gate says of what they do not."""

import pandas as pd
import pytest
from pandera.config import ValidationDepth, config_context

from custana_pipeline.cleaned.contracts import CONTRACTS, CleanedCustomers, CleanedTransactions
from custana_pipeline.cleaned.gate import conservation, describe, judge, judging_query, rejected_share
from custana_pipeline.errors import WrongUse

TRANSACTION = {
    "source_file": "f.csv",
    "source_line": 2,
    "order_id": "o1",
    "customer_id": "c1",
    "product_id": "p1",
    "ordered_at": pd.Timestamp("2024-01-05 10:00:00").as_unit("us"),
    "ordered_date": pd.Timestamp("2024-01-05").as_unit("us"),
    "quantity": 2.0,
    "unit_price": 1.5,
    "amount": 3.0,
    "is_return": False,
}


def breaches(*changes: dict) -> list[tuple[str, str, int]]:
    """(column, check, rows) for order lines that are the good one with these changes."""
    verdict = judge(CleanedTransactions, [pd.DataFrame([TRANSACTION | change for change in changes])])
    return [(breach.column, breach.check, breach.row_count) for breach in verdict.breaches]


def counts(*rows: tuple) -> pd.DataFrame:
    names = ["table_name", "source_file", "status", "reason", "line_count", "is_derived"]
    return pd.DataFrame(rows, columns=names)


def files(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["raw_set", "source_file", "record_count", "malformed_line_count"])


def test_what_the_models_make_keeps_every_contract(clean):
    clean(
        transactions=[{}, {"quantity": "-1"}, {"product_id": None}, {"quantity": "x"}],
        customers=[{"age": "34", "gender": "F", "location": "bonn"}, {"customer_id": "c2"}],
        products=[{"name": "Mug"}],
        events=[{}],
    )
    with clean.warehouse.reading() as session:
        for table, contract in CONTRACTS.items():
            verdict = judge(contract, session.batches(judging_query(contract, table)))
            assert (verdict.passed, verdict.row_count > 0) == (True, True), describe(verdict)


def test_an_empty_table_keeps_its_contract(clean):
    clean()
    with clean.warehouse.reading() as session:
        for table, contract in CONTRACTS.items():
            assert judge(contract, session.batches(judging_query(contract, table))).passed


def test_a_good_line_passes():
    assert breaches({}) == []


def test_a_return_has_a_negative_amount():
    assert breaches({"is_return": True, "quantity": -2.0}) == [("", "a_return_has_a_negative_amount", 1)]


def test_a_sale_has_a_positive_quantity():
    assert breaches({"quantity": -2.0}) == [("", "a_return_has_a_negative_quantity", 1)]


def test_an_infinite_amount_is_refused():
    assert breaches({"amount": float("inf")}, {"unit_price": float("inf")}) == [("", "numbers_are_finite", 2)]


def test_the_day_is_the_day_of_the_moment():
    day = pd.Timestamp("2024-01-06").as_unit("us")
    assert breaches({"ordered_date": day}) == [("", "ordered_date_is_the_day_of_ordered_at", 1)]


def test_a_missing_value_is_counted_by_column_and_check():
    assert breaches({"customer_id": None}, {"customer_id": None}, {}) == [("customer_id", "not_nullable", 2)]


def test_a_missing_and_a_strange_column_are_named():
    frame = pd.DataFrame([TRANSACTION]).drop(columns="amount").assign(till=1)
    verdict = judge(CleanedTransactions, [frame])
    assert {(breach.column, breach.check) for breach in verdict.breaches} >= {
        ("amount", "column_in_dataframe"),
        ("till", "column_in_schema"),
    }


def test_a_description_holds_no_value():
    frame = pd.DataFrame([TRANSACTION | {"order_id": "", "customer_id": "secret@example.org", "quantity": 0.0}])
    told = describe(judge(CleanedTransactions, [frame]))
    assert "secret" not in told
    assert "order_id" in told


def test_a_customer_in_two_batches_is_found_and_found_again():
    row = {"customer_id": "c1", "source_file": "f", "source_line": 1}
    row |= {"birth_year": 1990.0, "age": None, "gender": "male", "location": "Bonn"}
    frame = pd.DataFrame([row | {"signed_up_at": TRANSACTION["ordered_date"]}]).astype({"age": float})
    for _ in range(2):
        verdict = judge(CleanedCustomers, iter([frame, frame]))
        assert [(breach.column, breach.check, breach.row_count) for breach in verdict.breaches] == [
            ("customer_id", "unique", 1)
        ]


@pytest.mark.parametrize("switch", [{"validation_enabled": False}, {"validation_depth": ValidationDepth.SCHEMA_ONLY}])
def test_switched_off_checks_are_refused(switch):
    with config_context(**switch), pytest.raises(WrongUse, match="PANDERA_VALIDATION"):
        breaches({"quantity": 0.0})


def test_lines_that_add_up_are_no_fault():
    told = counts(
        ("transactions", "f.csv", "kept", None, 7, False),
        ("transactions", "f.csv", "rejected", "too_few_fields", 1, False),
        ("products", "f.csv", "kept", None, 3, True),
    )
    assert conservation(told, files(("orders", "f.csv", 7, 1), ("rates", "rates.csv", 5, 0))) == []


def test_a_lost_line_is_a_fault_that_names_the_file():
    told = counts(("transactions", "f.csv", "kept", None, 6, False))
    assert conservation(told, files(("orders", "f.csv", 7, 0))) == [
        "f.csv: 7 lines were read, 6 are accounted for in transactions"
    ]


def test_a_file_of_which_no_line_arrives_is_a_fault_where_its_set_is_read():
    told = counts(("transactions", "f.csv", "kept", None, 7, False))
    (fault,) = conservation(told, files(("orders", "f.csv", 7, 0), ("orders", "g.csv", 2, 0)))
    assert fault.startswith("g.csv: 2 lines were read, 0 are accounted for")


def test_a_file_that_feeds_two_tables_has_all_its_records_in_both():
    told = counts(
        ("transactions", "f.csv", "kept", None, 7, False),
        ("transactions", "f.csv", "rejected", "too_few_fields", 1, False),
        ("customers", "f.csv", "kept", None, 2, False),
        ("customers", "f.csv", "set_aside", "superseded", 5, False),
    )
    assert conservation(told, files(("orders", "f.csv", 7, 1))) == []


def test_few_rejected_lines_pass_and_many_trip_with_their_top_reasons():
    told = counts(
        ("events", "e.csv", "kept", None, 96, False),
        ("events", "e.csv", "rejected", "unparsable_date", 4, False),
        ("transactions", "f.csv", "kept", None, 90, False),
        ("transactions", "f.csv", "set_aside", "no_customer", 4, False),
        ("transactions", "f.csv", "rejected", "zero_quantity", 1, False),
        ("transactions", "f.csv", "rejected", "unparsable_date", 5, False),
    )
    (fault,) = rejected_share(told)
    assert fault.startswith("transactions: 6.0% of 100 lines are rejected, 5.0% is the limit")
    assert "unparsable_date 5, zero_quantity 1" in fault
