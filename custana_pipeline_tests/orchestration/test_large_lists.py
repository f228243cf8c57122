"""Lists of very many customers: judged in the database, scored in batches, and the same as those of a few."""

import datetime as dt
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from custana_pipeline.applications import contracts
from custana_pipeline.errors import DataFault
from custana_pipeline.orchestration import customer_rows, day_judging
from custana_pipeline.orchestration.customer_rows import scored
from custana_pipeline.orchestration.publication import judged_list
from custana_pipeline.stores.session import Session

AS_OF = dt.date(2024, 7, 1)
GOOD = {"list": "discover", "rank": 3, "product_id": "p1", "product_name": "Pot", "score": 0.5, "reason": "popular"}


GOOD_BY_LIST: dict[str, dict[str, Any]] = {
    "product_recommendations": GOOD,
    "recommended_customers": {
        "p_buy": 0.2,
        "score_decile": 3,
        "is_recommended": True,
        "is_control": False,
        "reasons": "",
        "model_version": "m1",
    },
    "demand_forecast": {
        **{"expected_purchases": 1.5, "expected_amount": 20.0, "expected_net_amount": 18.0, "lower_amount": 5.0},
        **{"upper_amount": 40.0, "return_share": 0.1, "model_version": "m1"},
    },
    "customer_value": {
        **{"horizon_value": 18.0, "horizon_lower": 5.0, "horizon_upper": 40.0, "year_purchases": 3.0},
        **{"year_value": 60.0, "year_lower": 20.0, "year_upper": 99.0, "value_decile": 4, "note": ""},
        "model_version": "m1",
    },
    "customer_segments": {"segment_id": 1, "segment_name": "loyal", "model_version": "m1"},
}
CHANGES: dict[str, list[dict[str, Any]]] = {
    "product_recommendations": [
        *({"customer_id": ""}, {"customer_id": None}, {"customer_id": "c007"}, {"list": "other"}, {"list": None}),
        *({"rank": 0}, {"rank": 11}, {"product_id": ""}, {"product_id": None}),
        *({"score": -0.1}, {"score": None}, {"score": float("nan")}, {"reason": ""}, {"reason": None}),
    ],
    "recommended_customers": [
        *({"customer_id": ""}, {"customer_id": "c007"}, {"p_buy": 1.1}, {"p_buy": None}, {"p_buy": float("nan")}),
        *({"score_decile": 0}, {"is_recommended": False, "is_control": True}, {"reasons": None}),
        {"model_version": ""},
    ],
    "demand_forecast": [
        *({"customer_id": "c007"}, {"lower_amount": 20.5}, {"lower_amount": None}, {"upper_amount": 19.0}),
        *({"upper_amount": float("nan")}, {"expected_net_amount": 20.5}, {"expected_net_amount": None}),
        *({"return_share": 1.5}, {"expected_purchases": -1.0}),
    ],
    "customer_value": [
        *({"customer_id": "c007"}, {"horizon_lower": 18.5}, {"horizon_upper": 17.0}, {"year_lower": 60.5}),
        *({"year_upper": 59.0}, {"year_upper": None}, {"year_value": float("nan")}, {"value_decile": 11}),
    ],
    "customer_segments": [{"customer_id": "c007"}, {"customer_id": None}, {"segment_name": ""}],
}
"""Rows that a list may not have, each beside what its columns are in good ones."""
ALLOWED: dict[str, list[dict[str, Any]]] = {
    "product_recommendations": [{"product_name": None}],
    "demand_forecast": [
        {"return_share": None},
        dict.fromkeys(("expected_amount", "expected_net_amount", "lower_amount", "upper_amount")),
    ],
}


def lists(name: str, *changed: dict) -> Session:
    """A hundred good rows of as many customers and one row a change, with a row of another day."""
    good = GOOD_BY_LIST[name]
    rows = [{"as_of": AS_OF, "customer_id": f"c{number:03d}", **good} for number in range(100)]
    rows += [{"as_of": AS_OF, "customer_id": f"d{number}", **good, **each} for number, each in enumerate(changed)]
    rows.append({"as_of": dt.date(2024, 6, 1), "customer_id": "", **good})
    session = Session(duckdb.connect())
    session.prepare()
    session.replace_day(f"applications.{name}", pd.DataFrame(rows), AS_OF)
    return session


def told_of(changes: dict[str, list[dict]]) -> list[tuple[str, dict]]:
    return [(name, each) for name, several in changes.items() for each in several]


@pytest.mark.parametrize(
    ("name", "change", "passes"),
    [
        *((name, {}, True) for name in GOOD_BY_LIST),
        *((name, change, True) for name, change in told_of(ALLOWED)),
        *((name, change, False) for name, change in told_of(CHANGES)),
    ],
)
def test_a_long_list_is_judged_as_a_short_one_wherever_the_bad_row_lies(
    monkeypatch: pytest.MonkeyPatch, name: str, change: dict, passes: bool
) -> None:
    session = lists(name, *([change] if change else []))
    short = judged_list(session, name, AS_OF)
    monkeypatch.setattr(day_judging, "MOST_FETCHED", 10)
    monkeypatch.setattr(day_judging, "SAMPLED", 2)
    fetched: list[str] = []
    batches = Session.batches
    monkeypatch.setattr(
        Session, "batches", lambda self, query, **given: fetched.append(query) or batches(self, query, **given)
    )
    found = judged_list(session, name, AS_OF)
    assert (found.row_count, set(found.breaches)) == (short.row_count, set(short.breaches))
    assert found.passed == passes
    assert all("rowid between" in query for query in fetched)  # the bad row is in no sample: SQL has counted it


def test_a_customer_who_comes_twice_is_found_in_whichever_batches_the_rows_are() -> None:
    for contract in contracts.CONTRACTS.values():  # of one column pandera would ask each batch by itself
        schema = contract.to_schema()
        assert schema.strict
        assert schema.unique
        assert not any(column.unique for column in schema.columns.values())


def customers(count: int) -> Session:
    session = Session(duckdb.connect())
    session.prepare()
    random = np.random.default_rng(2).permutation(count)
    rows = pd.DataFrame({"as_of": AS_OF, "customer_id": [f"c{number:03d}" for number in random], "x": random / 7})
    session.replace_day("features.behavior", rows, AS_OF)
    return session


@pytest.mark.parametrize("piece_rows", [1, 3, 1000])
@pytest.mark.parametrize("batch_rows", [2, 7, 50, 99, 100, 1000])
def test_scores_in_pieces_are_those_of_all_at_once(
    monkeypatch: pytest.MonkeyPatch, batch_rows: int, piece_rows: int
) -> None:
    session, sizes = customers(100), []

    def score(rows: pd.DataFrame) -> pd.DataFrame:
        sizes.append(len(rows))
        return rows.assign(score=rows["x"] * 2)

    monkeypatch.setattr(customer_rows, "BATCH_ROWS", batch_rows)
    monkeypatch.setattr(customer_rows, "PIECE_ROWS", piece_rows)
    found = pd.concat(scored(session, "behavior", AS_OF, ["x"], score), ignore_index=True)
    assert found["customer_id"].tolist() == [f"c{number:03d}" for number in range(100)]
    assert found["score"].tolist() == [number / 7 * 2 for number in range(100)]
    assert (max(sizes), sum(sizes)) == (min(batch_rows, piece_rows, 100), 100)


def test_a_day_without_customers_says_so() -> None:
    with pytest.raises(DataFault, match="no customer as of 2024-08-01"):
        scored(customers(5), "behavior", dt.date(2024, 8, 1), ["x"], len)


@pytest.mark.parametrize("batch_rows", [7, 100])
def test_columns_read_from_their_tables_are_those_of_the_view(monkeypatch: pytest.MonkeyPatch, batch_rows: int) -> None:
    session = customers(100)
    for made in (
        "table features.ages as select as_of, customer_id, x * 3 as age from features.behavior",
        "view features.demand as select b.*, age from features.behavior as b join features.ages using (customer_id)",
    ):
        session.connection.execute(f"create {made}")
    monkeypatch.setattr(customer_rows, "BATCH_ROWS", batch_rows)
    stored = {"x": "features.behavior", "age": "features.ages"}

    def read(told: dict[str, str]) -> Any:
        found = scored(session, "demand", AS_OF, ["age", "x"], lambda rows: rows[["customer_id", "x", "age"]], told)
        return pd.concat(found, ignore_index=True)

    pd.testing.assert_frame_equal(read(stored), read({}), check_exact=True)
    session.connection.execute("delete from features.ages where customer_id in ('c003', 'c050')")
    pd.testing.assert_frame_equal(read(stored), read({}), check_exact=True)
    assert len(read(stored)) == 98
