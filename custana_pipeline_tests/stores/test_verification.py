import datetime as dt
import errno
import subprocess
import sys
from io import BufferedReader
from pathlib import Path
from threading import Event

import pytest

from custana_pipeline.errors import CustanaError, Damaged, NoSpace
from custana_pipeline.selftest.storage.programs import marks, version_of, write_mark
from custana_pipeline.stores import snapshots, verification, warehouse_blocks, warehouse_file
from custana_pipeline.stores.publishing import current, publish
from custana_pipeline.stores.repair import Mender
from custana_pipeline.stores.verification import Places
from custana_pipeline.stores.warehouse import Warehouse

NOW = dt.datetime(2025, 1, 16, 3, tzinfo=dt.UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Places:
    """A data folder with a warehouse, its snapshot and two published versions of one day."""
    path = tmp_path / "warehouse" / "shop.duckdb"
    write_mark(Warehouse(path), 1)
    snapshots.keep(path, "night", {"as_of": "2025-01-15"}, 1)
    for mark in (1, 2):
        publish(version_of(mark), tmp_path / "published")
    return Places(tmp_path)


def wrong(places: Places) -> set[tuple[str, str]]:
    """Kind and name of what is damaged or left over."""
    return {(each.kind, each.path.name) for each in verification.verify(places) if each.state != "whole"}


def mend(places: Places) -> list[str]:
    return list(Mender.at(places, NOW).mend(list(verification.verify(places))))


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def warehouse_of(places: Places) -> Path:
    return places.data / "warehouse" / "shop.duckdb"


def test_what_was_written_well_is_whole(shop: Places) -> None:
    assert wrong(shop) == set()


def test_one_flipped_bit_of_the_warehouse_is_found_and_the_snapshot_is_restored(shop: Places) -> None:
    before = warehouse_of(shop).read_bytes()
    flip(warehouse_of(shop), len(before) - 100_000)
    assert wrong(shop) == {("warehouse", "shop.duckdb")}
    deeds = mend(shop)
    assert warehouse_of(shop).read_bytes() == before
    assert (shop.data / "damaged" / "2025-01-16T030000" / "warehouse" / "shop.duckdb").exists()
    assert "shop.duckdb is restored from the snapshot of 2025-01-15" in " ".join(deeds)
    assert wrong(shop) == set()


def test_without_a_snapshot_the_damaged_warehouse_is_moved_aside_for_the_next_run_to_build_anew(shop: Places) -> None:
    snapshots.prune(warehouse_of(shop), 0)
    flip(warehouse_of(shop), 5000)
    assert "`custana run` builds it anew" in " ".join(mend(shop))
    assert not warehouse_of(shop).exists()


def test_a_log_whose_warehouse_is_gone_is_kept_and_the_snapshot_restored(shop: Places) -> None:
    path = warehouse_of(shop)
    before = path.read_bytes()
    path.rename(path.with_name("gone"))
    warehouse_file.wal_of(path).write_bytes(b"log" * 100)
    with pytest.raises(Damaged, match=r"shop\.duckdb is gone"), Warehouse(path).transaction():
        pass
    mend(shop)
    assert path.read_bytes() == before
    assert (shop.data / "damaged" / "2025-01-16T030000" / "warehouse" / "shop.duckdb.wal").exists()


@pytest.mark.parametrize("kept", [1, 0])
def test_a_damaged_warehouse_never_takes_the_place_of_a_snapshot(kept: int, shop: Places) -> None:
    flip(warehouse_of(shop), warehouse_file.size(warehouse_of(shop)) - 100_000)
    with pytest.raises(Damaged, match="custana verify"):
        snapshots.keep(warehouse_of(shop), "later", {}, kept)
    assert [each.file.name for each in snapshots.listed(warehouse_of(shop))] == ["night.duckdb"]
    assert snapshots.listed(warehouse_of(shop))[0].is_whole


@pytest.mark.parametrize(("code", "error"), [(errno.ENOSPC, NoSpace), (errno.EIO, CustanaError)])
def test_a_copy_that_the_disk_refuses_is_told_and_leaves_the_snapshot_before(
    code: int, error: type[CustanaError], shop: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: BufferedReader, target: Path) -> int:
        target.write_bytes(source.read(5000))
        raise OSError(code, "refused")

    path = warehouse_of(shop)
    monkeypatch.setattr(snapshots, "_shared", lambda *_: False)
    monkeypatch.setattr(warehouse_blocks, "copied", refused)
    before = warehouse_file.sealed(path)
    with pytest.raises(error):
        snapshots.keep(path, "later", {}, 1)
    assert sorted(each.name for each in snapshots.folder_of(path).iterdir()) == ["night.duckdb", "night.json"]
    assert warehouse_file.sealed(path) == before
    snapshots.keep(path, "without", {}, 0)
    assert snapshots.listed(path) == []


def test_a_copy_made_while_its_warehouse_is_read_is_whole_and_its_own(shop: Places) -> None:
    path = warehouse_of(shop)
    write_mark(Warehouse(path), 7)
    with snapshots.keeping(path, "meanwhile", {}, 1) as kept, Warehouse(path).reading() as session:
        rows = session.rows("select count(*) from duckdb_tables()")
        copy = kept()
    assert rows[0][0] > 0
    assert copy is not None
    assert copy.read_bytes() == path.read_bytes()
    assert snapshots.listed(path)[0].is_whole
    assert warehouse_file.sealed(path) == snapshots.listed(path)[0].sha256


def test_nobody_writes_to_a_warehouse_that_is_read_while_its_copy_is_made(
    shop: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, is_read, copied = warehouse_of(shop), Event(), snapshots._copied

    def once_it_is_read(source: BufferedReader, target: Path) -> int:
        assert is_read.wait(60)
        return copied(source, target)

    monkeypatch.setattr(snapshots, "_copied", once_it_is_read)
    opening = [sys.executable, "-c", f"import duckdb; duckdb.connect({str(path)!r})"]
    with snapshots.keeping(path, "meanwhile", {}, 1) as kept, Warehouse(path).reading():
        is_read.set()
        assert kept() is not None
        told = subprocess.run(opening, check=False, capture_output=True, text=True)
    assert "Could not set lock" in told.stderr
    assert subprocess.run(opening, check=False, capture_output=True).returncode == 0


def test_of_several_snapshots_the_newest_are_kept_and_a_damaged_one_is_passed_over(shop: Places) -> None:
    path = warehouse_of(shop)
    for mark in (2, 3, 4):
        write_mark(Warehouse(path), mark)
        snapshots.keep(path, f"night-{mark}", {}, 2)
    assert [each.file.stem for each in snapshots.listed(path)] == ["night-4", "night-3"]
    flip(snapshots.listed(path)[0].file, 5000)
    restored = snapshots.restore(path)
    assert restored is not None
    assert restored.file.stem == "night-3"
    assert {mark for mark, _ in marks(Warehouse(path))} == {3}


def test_a_published_file_that_was_changed_is_moved_aside_and_current_goes_to_the_newest_whole_version(
    shop: Places,
) -> None:
    damaged = current(shop.published)
    flip(damaged / "list_1.parquet", 40)
    assert wrong(shop) == {("version", damaged.name), ("link", "2025-01-15"), ("pointer", "CURRENT")}
    mend(shop)
    assert "<p>1</p>" in (current(shop.published) / "report.html").read_text()
    assert (shop.published / "2025-01-15").resolve() == current(shop.published).resolve()
    assert wrong(shop) == set()


def test_a_manifest_that_was_made_to_fit_a_changed_list_is_found(shop: Places) -> None:
    version = current(shop.published)
    text = (version / "manifest.json").read_text()
    (version / "manifest.json").write_text(text.replace('"horizon_days": 90', '"horizon_days": 91'))
    assert ("version", version.name) in wrong(shop)


def test_a_current_that_names_nothing_is_led_to_the_newest_version(shop: Places) -> None:
    standing = current(shop.published)
    (shop.published / "CURRENT").write_text("versions/2025-01-15-ffffffff\n")
    assert wrong(shop) == {("pointer", "CURRENT")}
    mend(shop)
    assert current(shop.published).parent == standing.parent
    assert wrong(shop) == set()


def test_a_damaged_database_of_dagster_is_moved_aside_and_begun_anew(shop: Places) -> None:
    database = shop.data / "dagster" / "history" / "runs.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database at all" * 1000)
    assert wrong(shop) == {("database", "runs.db")}
    mend(shop)
    assert wrong(shop) == set()


def test_what_killed_runs_left_is_found_and_removed(shop: Places) -> None:
    left = [
        shop.published / "versions" / ".building-1",
        shop.published / ".CURRENT.tmp",
        shop.data / "warehouse" / "shop.spill",
        shop.data / "snapshots" / "shop" / ".later.duckdb.tmp",
        shop.data / "snapshots" / "shop" / "unvouched.duckdb",
    ]
    for path in left:
        path.mkdir() if path.suffix in ("", ".spill") else path.touch()
    assert wrong(shop) == {("leftover", path.name) for path in left}
    mend(shop)
    assert not any(path.exists() for path in left)
