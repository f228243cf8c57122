"""Everybody who is scored, and what their scores keep."""

import datetime as dt

import duckdb
import pandas as pd
import pyarrow as pa

from custana_pipeline.orchestration.customer_rows import _with_own_ids, scored
from custana_pipeline.stores.session import Session

TODAY = dt.date(2025, 6, 1)
IDS = [f"c{number:02d}" for number in range(20)]


def test_ids_that_scores_keep_hold_no_other_column_in_memory() -> None:
    rows = pa.table({"recency_days": [1, 2], "customer_id": ["a", "b"]})
    own = _with_own_ids(rows)
    assert own.equals(rows)
    texts = [each.column("customer_id").chunk(0).buffers()[2].address for each in (own, rows)]
    assert texts[0] != texts[1]


def test_everybody_is_scored_in_the_order_of_their_ids_however_they_are_stored() -> None:
    with duckdb.connect() as connection:
        session = Session(connection)
        session.prepare()
        rows = {"as_of": TODAY, "customer_id": IDS[::-1], "recency_days": range(len(IDS))}
        session.replace_day("features.behavior", pd.DataFrame(rows), TODAY)
        read = scored(session, "behavior", TODAY, ["recency_days"], lambda rows: rows)
    found = pd.concat(read, ignore_index=True)
    assert found["customer_id"].tolist() == IDS
    assert found["recency_days"].tolist() == list(reversed(range(len(IDS))))
