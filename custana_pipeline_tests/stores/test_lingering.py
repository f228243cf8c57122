"""A database that is open already is used again, and no longer than is told."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from custana_pipeline.stores import lingering, warehouse, warehouse_file
from custana_pipeline.stores.warehouse import Warehouse


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each database that was opened is read only, in order."""
    seen: list[bool] = []
    connect = duckdb.connect

    def counted(*args: object, **options: object) -> duckdb.DuckDBPyConnection:
        seen.append(bool(options.get("read_only")))
        return connect(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(warehouse.duckdb, "connect", counted)
    return seen


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse with the table `t` of one row, within a run."""
    shop = Warehouse(tmp_path / "shop.duckdb")
    with lingering.lingering():
        with shop.transaction() as session:
            session.connection.execute("create table t as select 1 as number")
        yield shop


def change(shop: Warehouse) -> None:
    with shop.transaction() as session:
        session.connection.execute("insert into t values (2)")


def rows(shop: Warehouse) -> int:
    with shop.reading() as session:
        return session.rows("select count(*) from t")[0][0]


def is_open() -> bool:
    return lingering._open.kept is not None


def test_steps_of_a_run_share_one_database_and_see_each_others_changes(shop: Warehouse, opened: list[bool]) -> None:
    change(shop)
    assert rows(shop) == 2
    change(shop)
    assert rows(shop) == 3
    assert opened == []
    assert is_open()


def test_without_a_run_each_opens_its_own(tmp_path: Path, opened: list[bool]) -> None:
    shop = Warehouse(tmp_path / "shop.duckdb")
    for _ in range(2):
        with shop.transaction() as session:
            session.connection.execute("create or replace table t as select 1 as number")
    assert rows(shop) == 1
    assert opened == [False, False, True]
    assert not is_open()


def test_after_a_while_it_is_closed_and_all_is_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "SECONDS", 0.01)
    shop = Warehouse(tmp_path / "shop.duckdb")
    with lingering.lingering(), shop.transaction() as session:
        timer = lingering._open.timer
        assert timer is not None
        timer.join(60)
        session.connection.execute("create table t as select 1 as number")
        assert is_open(), "somebody uses it"
    assert not is_open()
    assert not warehouse_file.wal_of(shop.path).exists()
    assert rows(shop) == 1


def test_whoever_only_reads_opens_no_database_for_writing(shop: Warehouse, opened: list[bool]) -> None:
    lingering.let_go()
    assert rows(shop) == 1
    assert opened == [True]


def test_a_failed_change_leaves_nothing_open_and_nothing_changed(shop: Warehouse) -> None:
    with pytest.raises(ZeroDivisionError), shop.transaction() as session:
        session.connection.execute("insert into t values (2)")
        _ = 1 / 0
    assert not is_open()
    assert rows(shop) == 1


def test_work_on_the_file_and_other_rights_open_it_anew(shop: Warehouse, opened: list[bool], tmp_path: Path) -> None:
    with shop.alone() as connection:
        assert not is_open()
        assert connection.execute("select count(*) from t").fetchall() == [(1,)]
    change(shop)
    table = tmp_path / "rows.csv"
    table.write_text("number\n5\n")
    with shop.transaction(may_read=[table]) as session:
        assert not is_open()
        session.connection.execute(f"insert into t select * from read_csv('{table}')")
    with pytest.raises(duckdb.PermissionException), shop.transaction() as session:
        session.connection.execute(f"insert into t select * from read_csv('{table}')")
    assert opened[:2] == [False, False]
    assert rows(shop) == 3


def test_two_warehouses_are_not_mixed_up(shop: Warehouse, tmp_path: Path) -> None:
    other = Warehouse(tmp_path / "other.duckdb")
    with other.transaction() as session:
        session.connection.execute("create table t as select 1 as number where false")
    assert (rows(other), rows(shop)) == (0, 1)
