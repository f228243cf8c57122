"""The contracts of feature tables said in SQL: each single fault is counted as pandera counts it."""

from typing import Any

import duckdb
import pandas as pd
import pytest

from custana_pipeline.cleaned.contract_sql import conditions, counting_query
from custana_pipeline.cleaned.gate import judge
from custana_pipeline.features import contracts
from custana_pipeline.features.contract_words import ROW_RULES, rules_left

CONTRACTS = (
    contracts.ActivityFeatures,
    contracts.AssortmentFeatures,
    contracts.BrowsingFeatures,
    contracts.BtydFeatures,
    contracts.DemographicFeatures,
    contracts.Outcomes,
    contracts.BehaviorFeatures,
    contracts.DemandFeatures,
    contracts.SegmentationFeatures,
)
DAY = pd.Timestamp("2024-07-01").as_unit("us")
OF_ROWS: list[dict[str, Any]] = [{"recency_days": 500, "tenure_days": 400}, {"purchase_days_365d": 7}]


def good_rows(contract: Any, count: int = 1) -> pd.DataFrame:
    """Rows that keep the contract: a 1, or what is allowed, in every column."""
    values: dict[str, Any] = {}
    for name, column in contract.to_schema().columns.items():
        kind = str(column.dtype)
        values[name] = 1.0 if kind.startswith("float") else 1
        values[name] = "female" if kind.startswith("str") else values[name]
        values[name] = True if kind == "boolean" else values[name]
    values |= {"as_of": DAY} | ({"age": 40.0} if "age" in values else {})
    rows = pd.DataFrame([values] * count).astype({"as_of": "datetime64[us]"})
    rows = rows.astype({name: "str" for name, value in values.items() if isinstance(value, str)})
    return rows.assign(customer_id=pd.Series([f"c{number}" for number in range(count)], dtype="str"))


def faults(contract: Any) -> list[dict[str, Any]]:
    """Single changes, each of which may break a rule: of every column what no number, text or person can be."""
    columns = contract.to_schema().columns
    found = [{name: wrong} for name, column in columns.items() for wrong in _wrong(str(column.dtype))]
    return found + [each for each in OF_ROWS if set(each) <= set(columns)]


def _wrong(kind: str) -> tuple[Any, ...]:
    if kind.startswith("float"):
        return None, -1.0, 0.5, 111.0, float("inf"), float("-inf")
    return (-1, 0) if kind.startswith("int") else ("", None, "f") if kind.startswith("str") else ()


def faulty_rows(contract: Any) -> pd.DataFrame:
    """A good row, and one a fault."""
    changes = [{}, *faults(contract)]
    rows = good_rows(contract, len(changes))
    columns = {name: rows[name].tolist() for name in rows}
    for place, change in enumerate(changes):
        for name, value in change.items():
            columns[name][place] = value
    return pd.DataFrame({name: pd.Series(values, dtype=rows[name].dtype) for name, values in columns.items()})


def counted(contract: Any, rows: pd.DataFrame, rules: Any) -> dict[tuple[str, str], int]:
    query, places = counting_query(contract, "rows", rules)
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        floats = ", ".join(f"nullif({name}, 'nan') as {name}" for name in rows.select_dtypes("float"))
        connection.execute(f"create table stored as select * {f'replace ({floats})' if floats else ''} from rows")
        counts = connection.execute(query.replace("from rows", "from stored")).fetchall()[0]
    assert counts[0] == len(rows)
    return {place: count for place, count in zip(places, counts[1:], strict=True) if count}


def judged(contract: Any, rows: pd.DataFrame) -> dict[tuple[str, str], int]:
    return {(breach.column, breach.check): breach.row_count for breach in judge(contract, [rows]).breaches}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_sql_counts_what_pandera_counts_of_every_fault_and_every_rule_has_one(contract: Any) -> None:
    rules, rows = conditions(contract, ROW_RULES), faulty_rows(contract)
    assert rules is not None
    assert counted(contract, good_rows(contract, 3), rules) == judged(contract, good_rows(contract, 3)) == {}
    broken = judged(contract, rows)
    assert counted(contract, rows, rules) == broken
    never = {("as_of", "not_nullable"), *((name, "not_nullable") for name in _whole_numbers(contract))}
    assert set(rules) - set(broken) <= never


def _whole_numbers(contract: Any) -> list[str]:
    """Columns that cannot hold null as pandas' integers; as floats their kind is what is wrong."""
    return [name for name, column in contract.to_schema().columns.items() if str(column.dtype).startswith("int")]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_missing_whole_number_and_a_customer_who_comes_twice_are_counted(contract: Any) -> None:
    rules = conditions(contract, ROW_RULES)
    rows = good_rows(contract, 3)
    assert counted(contract, rows.assign(customer_id="c"), rules) == {("as_of, customer_id", "unique"): 2}
    holed = rows.assign(**{name: pd.Series([1, None, 1], dtype="Int64") for name in _whole_numbers(contract)})
    assert counted(contract, holed, rules) == {(name, "not_nullable"): 1 for name in _whole_numbers(contract)}


def test_a_view_is_asked_for_what_no_table_behind_it_has_kept() -> None:
    behind = {"features.activity": contracts.ActivityFeatures, "features.demographics": contracts.DemographicFeatures}
    stored = {
        **dict.fromkeys(("as_of", "customer_id", "recency_days", "purchase_frequency"), "features.activity"),
        **dict.fromkeys(("age", "tenure_days"), "features.demographics"),
    }
    left = rules_left(contracts.SegmentationFeatures, stored, behind)
    every = conditions(contracts.SegmentationFeatures, ROW_RULES)
    assert left is not None
    assert every is not None
    said = set(every) - set(left)
    assert {name for name, _ in said} == {"customer_id", "as_of", "recency_days", "purchase_frequency", "age"}
    assert "last purchase not before the first" in {rule for _, rule in left}  # the two are of different tables
    assert ("tenure_days", "not_nullable") in left  # no rule of the table that it is taken from
    assert left["", "every number is finite"] == tuple(
        each for each in every["", "every number is finite"] if "(age as" not in each
    )


def test_nothing_is_asked_again_where_every_column_is_shown_as_it_was_judged() -> None:
    table = contracts.DemographicFeatures
    stored = dict.fromkeys(table.to_schema().columns, "features.demographics")
    assert rules_left(table, stored, {"features.demographics": table}) == {}
    assert rules_left(table, stored, {}) == conditions(table, ROW_RULES)
