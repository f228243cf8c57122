"""Files that need not be read again, and those that look as if they need not."""

import os
from pathlib import Path

import dagster as dg
import pytest

from custana_pipeline.errors import Transient
from custana_pipeline.orchestration.assets import raw
from custana_pipeline.raw import file_stamps
from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.stores.warehouse import Warehouse
from custana_pipeline_tests.orchestration.test_increments import put, shop

ORDERS = RawSetShape("orders", {"customer_id": "c"})


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The names of the files that were read, in order."""
    names: list[str] = []
    inspect_file = raw.inspect_file
    monkeypatch.setattr(raw, "inspect_file", lambda path, shape: names.append(path.name) or inspect_file(path, shape))
    return names


@pytest.fixture
def settled(monkeypatch) -> None:
    """As if every file had been written long ago."""
    monkeypatch.setattr(file_stamps, "SETTLING_NS", -(10**18))


def ingest(folder: Path, shape: RawSetShape = ORDERS) -> list[str]:
    """Lands the files of the folder; the customers that are in the table then."""
    files = sorted(folder.glob("*.csv"))
    with Warehouse(folder / "w.duckdb").transaction(may_read=files) as session:
        session.prepare()
        raw.land_files(session, shape, files)
        return [customer for (customer,) in session.rows("select customer_id from raw.orders order by 1")]


def write(folder: Path, name: str, customer: str) -> Path:
    path = folder / name
    path.write_text(f"c\n{customer}\n")
    return path


def test_a_file_that_nobody_touched_is_not_read_again(tmp_path, read, settled):
    write(tmp_path, "a.csv", "c1")
    ingest(tmp_path)
    write(tmp_path, "b.csv", "c2")
    assert ingest(tmp_path) == ["c1", "c2"]
    assert read == ["a.csv", "b.csv"]


def test_a_file_of_the_last_seconds_is_read_again_until_its_stamp_is_settled(tmp_path, read):
    write(tmp_path, "a.csv", "c1")
    ingest(tmp_path)
    assert ingest(tmp_path) == ["c1"]
    assert read == ["a.csv", "a.csv"]


def test_a_corrected_file_of_the_same_size_and_time_of_writing_is_landed_anew(tmp_path, read, settled):
    path = write(tmp_path, "a.csv", "c1")
    before = path.stat()
    ingest(tmp_path)
    write(tmp_path, "a.csv", "c2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ingest(tmp_path) == ["c2"]


def test_a_file_that_went_since_the_folder_was_looked_at_has_the_run_try_again(tmp_path):
    gone, there = tmp_path / "a.csv", write(tmp_path, "b.csv", "c1")
    with (
        pytest.raises(Transient, match=r"a\.csv"),
        Warehouse(tmp_path / "w.duckdb").transaction(may_read=[gone, there]) as session,
    ):
        session.prepare()
        raw.land_files(session, ORDERS, [gone, there])


def test_a_new_name_for_a_file_that_is_landed_is_a_second_copy(tmp_path, read, settled):
    path = write(tmp_path, "a.csv", "c1")
    ingest(tmp_path)
    path.rename(tmp_path / "b.csv")
    assert ingest(tmp_path) == ["c1"]
    assert read == ["a.csv", "b.csv"]


def test_another_declaration_has_a_file_inspected_by_it(tmp_path, read, settled):
    (tmp_path / "a.csv").write_text("c,d\nc1,c2\n")
    assert ingest(tmp_path) == ["c1"]
    assert ingest(tmp_path, RawSetShape("orders", {"customer_id": "d"})) == ["c2"]


def test_a_file_that_comes_while_the_warehouse_is_waited_for_is_left_for_the_next_run(tmp_path, monkeypatch):
    def opened(warehouse: Warehouse, **told):
        put(tmp_path, "transactions_1.csv", ["o2,c1,p1,2024-01-06 10:00:00,1,2.00"])
        return connect(warehouse, **told)

    put(tmp_path, "transactions_0.csv", ["o1,c1,p1,2024-01-05 10:00:00,1,2.00"])
    project, connect = shop(tmp_path, "data"), Warehouse._connect
    (asset,) = (each for each in raw.raw_assets(project) if each.key.path[-1] == "transactions")
    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "_connect", opened)
        assert dg.materialize([asset]).success
    with project.warehouse.reading() as session:
        assert session.rows("select source_file from raw.files") == [("transactions_0.csv",)]
