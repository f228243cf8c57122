"""What models learn from: small days as they are, and of a large one those whose ids come first by their md5."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from custana_pipeline.orchestration import customer_samples
from custana_pipeline.orchestration.customer_samples import learned_from, snapshots
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.warehouse import Warehouse

PAST, TODAY = dt.date(2025, 3, 1), dt.date(2025, 6, 1)
IDS = [f"c{number:02d}" for number in range(20)]


def by_md5(ids: list[str], most: int) -> list[str]:
    return sorted(sorted(ids, key=lambda customer: hashlib.md5(customer.encode()).hexdigest())[:most])


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Warehouse(tmp_path / "shop.duckdb").transaction() as opened:
        opened.prepare()
        opened.connection.execute("create table features.stored (as_of date, customer_id varchar, recency_days bigint)")
        for place, customer in enumerate(reversed(IDS)):
            for day in (TODAY, PAST):
                opened.rows(f"insert into features.stored values ('{day}', '{customer}', {place})")
        opened.connection.execute("create view features.behavior as select * from features.stored")
        yield opened


def test_small_past_days_come_whole_and_in_the_order_of_the_grain(session: Session) -> None:
    rows = learned_from(session, "features.behavior", [PAST, TODAY], TODAY)
    assert rows["customer_id"].tolist() == IDS + IDS
    assert rows["as_of"].dt.date.tolist() == [PAST] * len(IDS) + [TODAY] * len(IDS)


@pytest.mark.parametrize("most", [7, 15])
def test_a_bounded_day_has_the_customers_whose_ids_come_first_by_their_md5(session: Session, most: int) -> None:
    first = by_md5(IDS, most)
    rows = snapshots(session, "features.behavior", [PAST, TODAY], most)
    assert rows["customer_id"].tolist() == first + first
    assert rows["as_of"].dt.date.tolist() == [PAST] * most + [TODAY] * most
    assert rows.index.tolist() == list(range(2 * most))
    assert [IDS[-1 - place] for place in rows["recency_days"]] == first + first
    assert len(snapshots(session, "features.behavior", [TODAY], len(IDS))) == len(IDS)


@pytest.mark.parametrize("beyond", ["0", "7", "c", "g"])
def test_who_is_drawn_does_not_depend_on_how_many_are_looked_at(
    session: Session, beyond: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_samples, "_beyond", lambda *_: beyond)
    rows = snapshots(session, "features.behavior", [PAST, TODAY], 7)
    assert rows["customer_id"].tolist() == by_md5(IDS, 7) * 2


def test_more_ids_than_may_be_drawn_lie_below_the_bound() -> None:
    ids = [f"customer {number}" for number in range(20_000)]
    for limit in (1, 40, 2_000, 9_000):
        below = sum(hashlib.md5(each.encode()).hexdigest() < customer_samples._beyond(limit, len(ids)) for each in ids)
        assert limit <= below <= limit + 20 * limit**0.5 + 1


def test_days_with_far_and_slightly_too_many_customers_are_drawn_from_by_the_same_rule(session: Session) -> None:
    session.rows(f"delete from features.stored where as_of = '{PAST}' and customer_id >= 'c09'")
    rows = snapshots(session, "features.behavior", [PAST, TODAY], 7)
    assert rows["customer_id"].tolist() == by_md5(IDS[:9], 7) + by_md5(IDS, 7)
    assert rows["as_of"].dt.date.tolist() == [PAST] * 7 + [TODAY] * 7


def test_of_days_of_different_size_only_the_larger_ones_are_drawn_from(session: Session) -> None:
    session.rows(f"delete from features.stored where as_of = '{PAST}' and customer_id >= 'c05'")
    first = by_md5(IDS, 7)
    rows = snapshots(session, "features.behavior", [PAST, TODAY], 7)
    assert rows["customer_id"].tolist() == IDS[:5] + first
    assert rows["as_of"].dt.date.tolist() == [PAST] * 5 + [TODAY] * 7
    assert snapshots(session, "features.behavior", [], 7).empty


def test_only_the_columns_that_are_asked_for_are_read(session: Session) -> None:
    for most in (None, 7):
        rows = snapshots(session, "features.behavior", [TODAY], most, ["recency_days"])
        assert list(rows.columns) == ["as_of", "customer_id", "recency_days"]


@pytest.mark.parametrize("most", [None, 7, 15])
@pytest.mark.parametrize("is_shuffled", [False, True])
def test_columns_come_from_where_they_are_stored_as_the_view_shows_them(
    session: Session, most: int | None, is_shuffled: bool
) -> None:
    order = "md5(customer_id)" if is_shuffled else "as_of, customer_id"
    session.rows(
        f"""create table features.other as select as_of::timestamp as as_of, customer_id, recency_days + 1 as age
        from features.stored order by {order}"""
    )
    session.rows(
        """create or replace view features.behavior as
        select stored.as_of, stored.customer_id, other.age, stored.recency_days, stored.recency_days * 2.0 as doubled
        from features.stored as stored inner join features.other as other
        on stored.as_of = other.as_of and stored.customer_id = other.customer_id"""
    )
    stored = {"recency_days": "features.stored", "age": "features.other"}
    shown = snapshots(session, "features.behavior", [PAST, TODAY], most)
    read = snapshots(session, "features.behavior", [PAST, TODAY], most, stored=stored)
    pd.testing.assert_frame_equal(read, shown)
    session.rows("delete from features.other where customer_id = 'c03'")
    pd.testing.assert_frame_equal(
        snapshots(session, "features.behavior", [PAST], stored=stored), snapshots(session, "features.behavior", [PAST])
    )
