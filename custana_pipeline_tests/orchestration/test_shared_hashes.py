"""Hashes that lines share: those of a plain count, whatever the lines, and however many are sorted at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custana_pipeline.orchestration import shared_hashes
from custana_pipeline.orchestration.shared_hashes import SHARED_TABLE, drop_shared, find_shared, repeated
from custana_pipeline.stores.warehouse import Warehouse

PLAIN = "select hash(line_text) from sources.events where line_text is not null group by all having count(*) > 1"


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9)))
def test_what_is_there_more_than_once_is_told_once(values: list[int]) -> None:
    found = repeated(np.array(values, dtype=np.uint64)).tolist()
    assert found == sorted({value for value in values if values.count(value) > 1})


@pytest.mark.parametrize("most", [1_000_000, 700, 20])
def test_shared_hashes_are_those_that_sql_counts(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    with warehouse.transaction() as session:
        session.prepare()
        monkeypatch.setattr(shared_hashes, "SORTED_SHARE", 8 * most / session.memory_limit_bytes)
        texts = "case when i % 7 > 0 then {'word': (i * i % 1500)::varchar, 'none': null} end"
        session.rows(f"create table sources.events as select {texts} as line_text from range(2000) as numbers (i)")
        find_shared(session, "events")
        found = session.rows(f"select text_hash from {SHARED_TABLE} order by all")
        assert len(found) > 100
        assert found == session.rows(f"{PLAIN} order by all")
        find_shared(session, "events", compared=False)
        assert session.count(SHARED_TABLE) == 0
        drop_shared(session)
        assert not session.exists(SHARED_TABLE)
