from pathlib import Path
from typing import Any

import pytest

from custana_pipeline.errors import Damaged, Transient
from custana_pipeline.selftest.storage.processes import heard, program, started
from custana_pipeline.selftest.storage.programs import marks, version_of, write_mark
from custana_pipeline.stores import housekeeping, warehouse_file
from custana_pipeline.stores.publishing import publish
from custana_pipeline.stores.settings import Settings, load_settings
from custana_pipeline.stores.warehouse import Warehouse


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "transactions.csv").write_bytes(b"x" * 10_000_000)
    return load_settings(source="sample", input=str(tmp_path / "in"), data_dir=tmp_path / "data")


@pytest.fixture
def warehouse(settings: Settings) -> Warehouse:
    made = Warehouse(settings.warehouse_path, threads=1)
    write_mark(made, 1)
    return made


def test_blocks_behind_the_last_one_are_cut_off(warehouse: Warehouse) -> None:
    before = warehouse_file.size(warehouse.path)
    with warehouse.path.open("ab") as file:
        file.write(b"\0" * 3_000_000)
    assert housekeeping.slim(warehouse) is False
    assert warehouse_file.size(warehouse.path) == before
    assert len(marks(warehouse)) == 1


def test_a_failed_transaction_gives_back_what_it_has_grown_the_file_by(warehouse: Warehouse) -> None:
    before = warehouse_file.size(warehouse.path)
    with pytest.raises(ZeroDivisionError), warehouse.transaction() as session:
        session.connection.execute("create table large as select i, md5(i::varchar) as t from range(1000000) r (i)")
        assert warehouse_file.size(warehouse.path) > before
        raise ZeroDivisionError
    assert warehouse_file.size(warehouse.path) == before


def test_a_file_that_is_mostly_free_is_written_anew_with_all_that_is_in_it(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_file, "COMPACTED_FROM_BYTES", 1_000_000)
    with warehouse.transaction() as session:
        session.connection.execute("create table raw.large as select i, md5(i::varchar) as t from range(500000) r (i)")
    with warehouse.transaction() as session:
        session.connection.execute(
            "create table raw.last as select 7 as n, md5(i::varchar) as t from range(99000) r (i)"
        )
        session.connection.execute("create view raw.seen as select distinct n from raw.last")
    with warehouse.transaction() as session:
        session.connection.execute("drop table raw.large")
    before = warehouse_file.size(warehouse.path)
    assert housekeeping.slim(warehouse) is True
    assert warehouse_file.size(warehouse.path) < before / 2
    with warehouse.reading() as session:
        assert session.rows("select n from raw.seen") == [(7,)]
    assert len(marks(warehouse)) == 1


def test_a_file_that_somebody_has_begun_to_read_is_written_anew_another_time(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact = warehouse_file.compact

    def read_meanwhile(*given: Any) -> None:
        with started(program("hold_open", warehouse.path)) as reader:
            heard(reader)
            compact(*given)

    monkeypatch.setattr(warehouse_file, "COMPACTED_FROM_BYTES", 0)
    monkeypatch.setattr(warehouse_file, "blocks", lambda _: (1, 2, 1))
    monkeypatch.setattr(warehouse_file, "cut", lambda *_: None)
    monkeypatch.setattr(warehouse_file, "compact", read_meanwhile)
    assert housekeeping.slim(warehouse) is False
    assert len(marks(warehouse)) == 1


def test_what_killed_runs_left_is_cleared_away(warehouse: Warehouse, settings: Settings) -> None:
    publish(version_of(1), settings.published_dir)
    left = [
        warehouse_file.spill_folder(warehouse.path) / "duckdb_temp_storage.tmp",
        warehouse.path.with_name(f"{warehouse.path.name}.tmp") / "duckdb_temp_storage.tmp",
        settings.published_dir / "versions" / ".building-99" / "list.csv",
        settings.data_dir / "reports" / "sample" / "2025-01-15" / ".report.html.tmp",
    ]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_text("customers")
    housekeeping.before_run(warehouse, settings)
    assert not any(path.exists() for path in left)


def test_a_warehouse_that_cannot_be_opened_is_refused_before_the_run(warehouse: Warehouse, settings: Settings) -> None:
    with warehouse.path.open("r+b") as file:
        file.seek(5000)
        file.write(b"damage")
    with pytest.raises(Damaged, match="custana verify --repair"):
        housekeeping.before_run(warehouse, settings)


def test_a_reader_that_does_not_close_the_file_is_named_before_any_work(
    warehouse: Warehouse, settings: Settings
) -> None:
    hurried = Warehouse(warehouse.path, lock_wait_seconds=0)
    with started(program("hold_open", warehouse.path)) as reader:
        heard(reader)
        with pytest.raises(Transient, match=f"Process {reader.pid} has held the warehouse"):
            housekeeping.before_run(hurried, settings)
