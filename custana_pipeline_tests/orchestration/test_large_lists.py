"""Lists of very many customers: judged in the database, scored in batches, and the same as those of a few."""

import datetime as dt
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from custana_pipeline.errors import DataFault
from custana_pipeline.orchestration import customer_rows, day_judging
from custana_pipeline.orchestration.customer_rows import scored
from custana_pipeline.orchestration.publication import judged_list
from custana_pipeline.stores.session import Session

AS_OF = dt.date(2024, 7, 1)
GOOD = {"list": "discover", "rank": 3, "product_id": "p1", "product_name": "Pot", "score": 0.5, "reason": "popular"}


def lists(*changed: dict) -> Session:
    """A hundred good rows of as many customers and one row a change, with a row of another day."""
    rows = [{"as_of": AS_OF, "customer_id": f"c{number:03d}", **GOOD} for number in range(100)]
    rows += [{"as_of": AS_OF, "customer_id": f"d{number}", **GOOD, **each} for number, each in enumerate(changed)]
    rows.append({"as_of": dt.date(2024, 6, 1), "customer_id": "", **GOOD})
    session = Session(duckdb.connect())
    session.prepare()
    session.replace_day("applications.product_recommendations", pd.DataFrame(rows), AS_OF)
    return session


@pytest.mark.parametrize(
    "change",
    [
        {},
        *({"customer_id": ""}, {"customer_id": None}, {"customer_id": "c007"}, {"list": "other"}, {"list": None}),
        *({"rank": 0}, {"rank": 11}, {"product_id": ""}, {"product_id": None}, {"product_name": None}),
        *({"score": -0.1}, {"score": None}, {"score": float("nan")}, {"reason": ""}, {"reason": None}),
    ],
)
def test_a_long_list_is_judged_as_a_short_one_wherever_the_bad_row_lies(
    monkeypatch: pytest.MonkeyPatch, change: dict
) -> None:
    session = lists(*([change] if change else []))
    short = judged_list(session, "product_recommendations", AS_OF)
    monkeypatch.setattr(day_judging, "MOST_FETCHED", 10)
    monkeypatch.setattr(day_judging, "SAMPLED", 2)
    found = judged_list(session, "product_recommendations", AS_OF)
    assert (found.row_count, set(found.breaches)) == (short.row_count, set(short.breaches))
    assert found.passed == (not change or change == {"product_name": None})


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
