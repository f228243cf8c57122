"""What a run will need is told before it begins, and one that cannot fit does not begin."""

import json
import logging
import os
import time
from pathlib import Path

import pytest

from custana_pipeline.errors import CustanaError, NoSpace
from custana_pipeline.raw.file_stamps import settled_stamp
from custana_pipeline.stores import estimates, faults, housekeeping
from custana_pipeline.stores.landing_statements import STAMPS_COLUMNS, STAMPS_TABLE
from custana_pipeline.stores.machine import Machine
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline.stores.settings import Settings, load_settings
from custana_pipeline.stores.warehouse import Warehouse

MB = 1_000_000
GB = 1000 * MB


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "this_machine", lambda: Machine(24 * GB, 2))
    monkeypatch.setattr(faults, "free_bytes", lambda _where: 66 * GB)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    put(tmp_path / "in" / "transactions.csv", 100 * MB)
    return load_settings(source="sample", input=str(tmp_path / "in"), data_dir=tmp_path / "data")


@pytest.fixture
def warehouse(settings: Settings) -> Warehouse:
    return Warehouse(settings.warehouse_path, memory_limit="4GB")


def put(path: Path, size: int) -> Path:
    """A file of that size which takes no room, and was written a while ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    os.utime(path, (time.time() - 60, time.time() - 60))
    return path


def note_landed(warehouse: Warehouse, path: Path, stamp: str) -> None:
    with warehouse.transaction() as session:
        session.prepare()
        session.connection.execute(f"create table if not exists {STAMPS_TABLE} ({STAMPS_COLUMNS})")
        session.connection.execute(f"insert into {STAMPS_TABLE} values ('t', '{path.name}', 'hash', '{stamp}')")


def test_a_first_run_is_foretold_from_the_bytes_of_its_input(settings: Settings, warehouse: Warehouse) -> None:
    need = estimates.need_of(settings, warehouse)
    lines, features = estimates.LINES_RATIO * 100 * MB, estimates.MOST_FEATURES
    assert need.new_input == 100 * MB
    assert need.kept == lines + features + estimates.LISTS_RATIO * 100 * MB + estimates.BOOKS_BYTES
    assert need.passing == lines + features  # the snapshot
    models = estimates.MODELS_RATIO * 100 * MB
    assert need.memory == estimates.PYTHON_BYTES + models + estimates.DUCKDB_RATIO * 100 * MB


def test_many_customers_on_record_are_told_but_stop_no_run(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings.input_path / "transactions.csv", MB)
    assert estimates.need_of(settings, warehouse).most_disk < estimates.need_of(settings, warehouse).disk
    people = settings.input_path / "customers.csv"
    people.write_text("customer_id,age\n" + "c1234567,40\n" * 50_000)
    need = estimates.need_of(settings, warehouse)
    assert need.most_disk == pytest.approx(50_000 * (2 * 430 + 2_200) + 2 * need.new_input + 30 * MB, rel=0.001)
    assert "MB of disk, 186 MB if all customers on record have bought, 66 GB free" in need.told()
    assert not need.is_tight
    monkeypatch.setattr(faults, "free_bytes", lambda _where: 100 * MB)
    tight = estimates.need_of(settings, warehouse)
    assert tight.is_tight
    estimates.refuse_what_cannot_fit(tight, settings)


def test_customers_who_cannot_be_read_are_told_by_whoever_lands_them(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings.input_path / "customers.csv", MB)

    def refused(_file: Path) -> float:
        raise PermissionError

    monkeypatch.setattr(estimates, "_lines_in", refused)
    need = estimates.need_of(settings, warehouse)
    assert need.most_disk == 2 * need.new_input + 30 * MB


def test_without_snapshots_no_room_is_asked_for_them(settings: Settings, warehouse: Warehouse) -> None:
    bare = settings.model_copy(update={"snapshots": 0})
    assert estimates.need_of(bare, warehouse).passing == 0


def test_packed_files_count_as_the_text_in_them(settings: Settings, warehouse: Warehouse) -> None:
    put(settings.input_path / "transactions_2.csv.gz", 10 * MB)
    assert estimates.need_of(settings, warehouse).new_input == 160 * MB


def test_a_further_day_needs_room_for_what_is_new(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = settings.input_path / "transactions.csv"
    monkeypatch.setattr("custana_pipeline.raw.file_stamps.SETTLING_NS", -(10**18))
    note_landed(warehouse, old, settled_stamp(old))
    first = estimates.need_of(settings, warehouse)
    put(settings.input_path / "transactions_day.csv", 2 * MB)
    need = estimates.need_of(settings, warehouse)
    assert (first.new_input, need.new_input) == (0, 2 * MB)
    assert need.kept - first.kept == pytest.approx(2 * MB * (estimates.LINES_RATIO + estimates.LISTS_RATIO))


def test_a_file_that_was_written_anew_is_new(settings: Settings, warehouse: Warehouse) -> None:
    note_landed(warehouse, settings.input_path / "transactions.csv", "1-2-3-4")
    assert estimates.need_of(settings, warehouse).new_input == 100 * MB


def test_duckdb_holds_no_more_than_its_limit(settings: Settings, warehouse: Warehouse) -> None:
    put(settings.input_path / "transactions_2.csv", 90 * GB)
    bounded = estimates.PYTHON_BYTES + estimates.MOST_MODELS
    assert estimates.need_of(settings, warehouse).memory == bounded + 4 * GB


def test_the_need_is_told_in_one_line_and_stands_in_the_profile(
    settings: Settings, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "custana"):
        housekeeping.before_run(warehouse, settings)
    need = estimates.need_of(settings, warehouse)
    assert [(record.levelname, record.message) for record in caplog.records] == [("INFO", need.told())]
    assert "66 GB free; about 1.5 GB of memory, 24 GB there, of which DuckDB may take 4.0 GB" in need.told()
    settings.data_dir.mkdir(exist_ok=True)
    PROFILE.write(settings.data_dir)
    assert json.loads((settings.data_dir / "profile.json").read_text())["need"] == need.facts


def test_a_disk_that_is_clearly_too_small_stops_the_run_before_it_begins(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "free_bytes", lambda _where: 30 * MB)
    with pytest.raises(NoSpace) as caught:
        housekeeping.before_run(warehouse, settings)
    assert "and 30 MB are free" in str(caught.value)
    assert str(settings.data_dir) in str(caught.value)
    assert "CUSTANA_DATA_DIR" in str(caught.value)
    assert not warehouse.path.exists()


def test_a_disk_that_may_be_too_small_is_a_warning(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = estimates.need_of(settings, warehouse).kept
    monkeypatch.setattr(faults, "free_bytes", lambda _where: int(kept))
    housekeeping.before_run(warehouse, settings)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_container_that_python_alone_does_not_fit_into_stops_the_run(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimates, "this_machine", lambda: Machine(512 * MB, 1))
    with pytest.raises(
        CustanaError, match=r"this process may have 512 MB: .*CUSTANA_MEMORY_LIMIT.* Nothing was changed"
    ):
        housekeeping.before_run(warehouse, settings)
