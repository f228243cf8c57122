"""A contract said in SQL judges as pandera does: for every rule the same rows are counted, over the whole table."""

import duckdb
import pandas as pd
import pandera.pandas as pa
import pytest

from custana_pipeline.applications.contracts import DemandTotals
from custana_pipeline.cleaned.contract_sql import conditions, counting_query, rising_query, with_counts
from custana_pipeline.cleaned.contracts import (
    CONTRACTS,
    CleanedCustomers,
    CleanedEvents,
    CleanedProducts,
    CleanedTransactions,
)
from custana_pipeline.cleaned.gate import judge

MOMENT, DAY = pd.Timestamp("2024-01-05 10:00:00").as_unit("us"), pd.Timestamp("2024-01-05").as_unit("us")
LONG_AGO, TO_COME = pd.Timestamp("1889-12-31").as_unit("us"), pd.Timestamp("2100-01-01").as_unit("us")
ORIGIN = {"source_file": "f.csv", "source_line": 2}
GOOD = {
    CleanedTransactions: {
        **ORIGIN,
        **{"order_id": "o1", "customer_id": "c1", "product_id": "p1", "ordered_at": MOMENT, "ordered_date": DAY},
        **{"quantity": 2.0, "unit_price": 1.5, "amount": 3.0, "is_return": False},
    },
    CleanedCustomers: {
        **ORIGIN,
        **{"customer_id": "c1", "birth_year": 1980.0, "age": 34.0, "gender": "female", "location": "bonn"},
        "signed_up_at": DAY,
    },
    CleanedProducts: {**ORIGIN, "product_id": "p1", "name": "mug", "category": "home"},
    CleanedEvents: {
        **ORIGIN,
        **{"customer_id": "c1", "product_id": None, "event_type": "view", "happened_at": MOMENT, "happened_date": DAY},
    },
}
BAD = {
    CleanedTransactions: [
        *({"source_file": None}, {"source_line": 0}, {"order_id": ""}, {"order_id": None}, {"customer_id": ""}),
        *({"customer_id": None}, {"product_id": None}, {"ordered_at": None}, {"ordered_at": LONG_AGO}),
        *({"ordered_at": TO_COME}, {"ordered_date": LONG_AGO}, {"ordered_date": TO_COME}, {"ordered_date": None}),
        *({"quantity": 0.0}, {"quantity": -1.0}, {"quantity": None}, {"quantity": float("inf")}),
        *({"unit_price": None}, {"unit_price": float("-inf")}, {"amount": None}, {"amount": -3.0}),
        *({"amount": float("inf")}, {"is_return": True}, {"is_return": True, "quantity": -1.0, "amount": -1.0}),
    ],
    CleanedCustomers: [
        *(
            {},
            {"source_line": 0},
            {"customer_id": ""},
            {"customer_id": None},
            {"birth_year": 1879.0},
            {"birth_year": 2091.0},
        ),
        *({"birth_year": None}, {"age": 9.0}, {"age": 111.0}, {"age": None}, {"gender": "f"}, {"gender": None}),
        *({"location": " bonn"}, {"location": "bonn "}, {"location": "bad  bonn"}, {"location": None}),
        *({"signed_up_at": LONG_AGO}, {"signed_up_at": TO_COME}, {"signed_up_at": None}),
    ],
    CleanedProducts: [
        *({}, {"source_line": 0}, {"product_id": ""}, {"product_id": None}, {"name": None}, {"category": None}),
    ],
    CleanedEvents: [
        *({"source_line": 0}, {"customer_id": ""}, {"customer_id": None}, {"event_type": "View"}, {"event_type": ""}),
        *(
            {"event_type": None},
            {"happened_at": LONG_AGO},
            {"happened_at": TO_COME},
            {"happened_date": TO_COME},
            {"happened_date": LONG_AGO},
        ),
        *({"happened_at": None}, {"happened_date": None}),
    ],
}


def said_in_sql(contract) -> tuple[str, list[tuple[str, str]]]:
    rules = conditions(contract)
    assert rules, contract
    return counting_query(contract, "rows", rules)


def counted(contract, rows: pd.DataFrame) -> dict[tuple[str, str], int]:
    query, rules = said_in_sql(contract)
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        counts = connection.execute(query).fetchall()[0]
    assert counts[0] == len(rows)
    return {rule: count for rule, count in zip(rules, counts[1:], strict=True) if count}


def judged(contract, rows: pd.DataFrame) -> dict[tuple[str, str], int]:
    return {(breach.column, breach.check): breach.row_count for breach in judge(contract, [rows]).breaches}


@pytest.mark.parametrize("contract", GOOD)
def test_sql_counts_what_pandera_counts_for_each_single_fault(contract):
    for change in BAD[contract]:
        rows = pd.DataFrame([GOOD[contract] | change]).astype(
            {name: "str" for name, value in GOOD[contract].items() if isinstance(value, str)}
        )
        rows = rows.astype({name: "datetime64[us]" for name, value in GOOD[contract].items() if value in (MOMENT, DAY)})
        rows = rows.astype({name: "float" for name, value in GOOD[contract].items() if isinstance(value, float)})
        assert counted(contract, rows) == judged(contract, rows), change


@pytest.mark.parametrize("pattern", ["[^A-Z]*$", "[^A-Z]+$", "$"])
def test_a_pattern_that_matches_the_empty_text_is_counted_like_by_pandera(pattern):
    class Words(pa.DataFrameModel):
        word: str = pa.Field(str_matches=pattern)

    rows = pd.DataFrame({"word": ["", "view", "View", "viewA"]}, dtype="str")
    assert counted(Words, rows) == judged(Words, rows)


def test_a_key_that_comes_twice_is_counted_like_by_pandera():
    rows = pd.DataFrame([GOOD[CleanedCustomers]] * 3)
    assert counted(CleanedCustomers, rows) == judged(CleanedCustomers, rows) == {("customer_id", "unique"): 2}


class WithoutKey(pa.DataFrameModel):
    """Rows of which any may be there twice."""

    word: str


@pytest.mark.parametrize(
    ("keys", "is_rising"),
    [
        ("", True),
        ("a1", True),
        ("a1 a2 b1 b9 c0", True),
        ("a1 a2 a2 b1", False),
        ("a1 b1 b1", False),
        ("a2 a1", False),
        ("b1 a2", False),
        ("a1 -2 b1", False),
        ("a1 a- b1", False),
    ],
)
def test_rows_whose_key_rises_are_told_from_rows_that_are_equal_in_disorder_or_without_a_key(keys, is_rising):
    rows = [tuple(None if each == "-" else each for each in key) for key in keys.split()]
    with duckdb.connect() as connection:
        connection.execute("create table rows (dimension varchar, member varchar)")
        if rows:
            connection.executemany("insert into rows values (?, ?)", rows)
        found = connection.execute(rising_query(DemandTotals, "rows")).fetchall()[0][0]
        assert bool(found) == (is_rising and bool(rows))
    assert rising_query(WithoutKey, "rows") == "select false"


@pytest.mark.parametrize("contract", CONTRACTS.values())
def test_every_rule_in_use_has_its_words_in_sql_and_a_fault_that_breaks_it(contract):
    _, rules = said_in_sql(contract)
    broken = {("customer_id", "unique"), ("product_id", "unique")}
    for change in BAD[contract]:
        broken |= set(judged(contract, pd.DataFrame([GOOD[contract] | change])))
    assert {rule for rule in rules if rule[1] != "not_nullable"} <= broken


def test_the_numbers_are_those_of_the_whole_table_and_what_only_pandera_sees_stays():
    rows = pd.DataFrame([GOOD[CleanedProducts] | {"product_id": ""}]).drop(columns="name")
    verdict = with_counts(judge(CleanedProducts, [rows]), [("product_id", "str_length(1, None)")], (900, 30))
    assert verdict.row_count == 900
    found = [(breach.column, breach.check, breach.row_count) for breach in verdict.breaches]
    assert found == [("product_id", "str_length(1, None)", 30), ("name", "column_in_dataframe", 1)]
