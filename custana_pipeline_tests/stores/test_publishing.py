"""Published versions: whole or not at all, the same bytes again, one pointer."""

import datetime as dt
import json
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from custana_pipeline.errors import CustanaError, Damaged, DataFault, WrongUse
from custana_pipeline.stores import publishing
from custana_pipeline.stores.list_files import PublishedList
from custana_pipeline.stores.publishing import Publication, current, damaged_files, prune, publish, read_manifest

DAY = dt.date(2024, 7, 1)


def _publication(as_of: dt.date = DAY, mark: str = "a", source: str = "sample", run: str = "run1") -> Publication:
    table = pa.table({"as_of": [as_of] * 3, "customer_id": ["c", "a", "b"], "mark": [mark] * 3})
    lists = {name: PublishedList(table, ("customer_id",), {"mark": "a mark"}) for name in ("one", "two")}
    return Publication(as_of, source, 90, lists, f"<html>{mark}</html>", {"code": "1"}, {"dagster_run_id": run})


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "published"


def test_a_version_holds_its_lists_report_and_manifest_and_current_names_it(folder: Path) -> None:
    published = publish(_publication(), folder)
    assert current(folder) == published.folder
    assert (folder / "CURRENT").read_text() == f"versions/{published.folder.name}\n"
    assert (folder / "2024-07-01").resolve() == published.folder.resolve()
    names = {"one.csv", "one.parquet", "two.csv", "two.parquet", "report.html", "manifest.json", "run.json"}
    assert {path.name for path in published.folder.iterdir()} == names


def test_the_manifest_tells_rows_bytes_hashes_and_columns(folder: Path) -> None:
    published = publish(_publication(), folder)
    manifest = read_manifest(published.folder)
    assert manifest == json.loads(json.dumps(published.manifest))
    assert (manifest["as_of"], manifest["source"], manifest["horizon_days"]) == ("2024-07-01", "sample", 90)
    assert manifest["files"]["one.csv"]["rows"] == 3
    assert manifest["files"]["one.csv"]["bytes"] == (published.folder / "one.csv").stat().st_size
    assert manifest["columns"]["one"]["mark"] == {"type": "string", "meaning": "a mark"}
    assert damaged_files(published.folder) == []


def test_publishing_the_same_again_changes_not_a_byte(folder: Path) -> None:
    publish(_publication(run="run1"), folder)
    before, written = _tree(folder), (folder / "CURRENT").stat().st_mtime_ns
    again = publish(_publication(run="run2"), folder)
    assert not again.is_new
    assert again.is_current
    assert _tree(folder) == before
    assert (folder / "CURRENT").stat().st_mtime_ns == written


def test_the_run_is_not_part_of_the_version(tmp_path: Path) -> None:
    one, other = (publish(_publication(run=run), tmp_path / run).folder for run in ("run1", "run2"))
    assert one.name == other.name
    assert {name for name in _tree(one) if _tree(one)[name] != _tree(other)[name]} == {"run.json"}


def test_other_content_of_a_day_is_another_version_and_takes_its_place(folder: Path) -> None:
    first = publish(_publication(mark="a"), folder)
    second = publish(_publication(mark="b"), folder)
    assert current(folder) == second.folder != first.folder
    assert (folder / "2024-07-01").resolve() == second.folder.resolve()
    assert damaged_files(first.folder) == []


def test_a_backfill_of_an_older_day_leaves_current_where_it_is(folder: Path) -> None:
    newer = publish(_publication(DAY), folder)
    older = publish(_publication(DAY - dt.timedelta(days=1)), folder)
    assert not older.is_current
    assert current(folder) == newer.folder
    assert (folder / "2024-06-30").resolve() == older.folder.resolve()


def test_another_source_becomes_current_whatever_its_day(folder: Path) -> None:
    publish(_publication(DAY), folder)
    other = publish(_publication(dt.date(2011, 9, 10), source="online_retail_ii"), folder)
    assert current(folder) == other.folder


def test_a_damaged_version_is_told_and_published_anew(folder: Path) -> None:
    published = publish(_publication(), folder)
    (published.folder / "one.csv").write_text("torn")
    assert damaged_files(published.folder) == ["one.csv"]
    assert publish(_publication(), folder).is_new
    assert damaged_files(published.folder) == []
    assert [path.name for path in (folder / "versions").iterdir()] == [published.folder.name]


def test_before_the_first_publication_the_message_names_the_mend(folder: Path) -> None:
    with pytest.raises(WrongUse, match="custana run"):
        current(folder)


def test_a_pointer_to_nothing_is_told_and_does_not_stop_the_next_publication(folder: Path) -> None:
    publish(_publication(), folder)
    (folder / "CURRENT").write_text("versions/2024-07-01-00000000\n")
    with pytest.raises(DataFault, match="not there"):
        current(folder)
    assert publish(_publication(mark="b"), folder).is_current


def test_leftovers_of_a_killed_run_are_swept(folder: Path) -> None:
    publish(_publication(), folder)
    (folder / "versions" / ".building-1").mkdir()
    (folder / ".CURRENT.tmp").write_text("half")
    publish(_publication(mark="b"), folder)
    assert not list(folder.rglob(".*"))


def test_what_may_not_go_on_has_no_name_yet(folder: Path) -> None:
    standing = publish(_publication(), folder)
    before = _tree(folder)

    def damaged() -> None:
        raise Damaged("shop.duckdb cannot be read.")

    with pytest.raises(Damaged):
        publish(_publication(mark="b"), folder, may_go_on=damaged)
    assert _tree(folder) == before
    assert [path.name for path in (folder / "versions").iterdir()] == [standing.folder.name]


def test_a_disk_that_refuses_leaves_what_was_published(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    standing = publish(_publication(), folder)
    before = _tree(folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "write_list", full)
    with pytest.raises(CustanaError, match="The disk takes no more of published"):
        publish(_publication(mark="b"), folder)
    assert _tree(folder) == before
    assert current(folder) == standing.folder


def test_every_list_is_on_the_disk_before_its_version_has_a_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced: list[str] = []
    named_with: list[list[str]] = []
    in_place = publishing._put_in_place

    def put(building: Path, version: Path) -> None:
        named_with.append(sorted(forced))
        in_place(building, version)

    monkeypatch.setattr(publishing, "sync_file", lambda path: forced.append(path.name))
    monkeypatch.setattr(publishing, "_put_in_place", put)
    publish(_publication(), folder)
    assert named_with == [["one.csv", "one.parquet", "two.csv", "two.parquet"]]


@pytest.mark.parametrize(
    "step", ["write_list", "sync_file", "write_file", "sync_folder", "replace_link", "replace_text"]
)
def test_a_fault_at_any_step_leaves_current_at_a_whole_version(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = publish(_publication(), folder)

    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, step, fails)
        with pytest.raises(CustanaError):
            publish(_publication(DAY + dt.timedelta(days=1), mark="b"), folder)
    assert current(folder) == first.folder
    assert damaged_files(current(folder)) == []
    assert publish(_publication(DAY + dt.timedelta(days=1), mark="b"), folder).is_current


def _age(version: Path, days: float) -> None:
    seconds = version.stat().st_mtime - days * 24 * 3600
    os.utime(version, (seconds, seconds))


def test_days_before_the_last_ones_go_when_they_have_lain_for_a_day(folder: Path) -> None:
    for number in range(4):
        _age(publish(_publication(DAY + dt.timedelta(days=number)), folder).folder, 10 - number)
    prune(folder, keep_days=2)
    assert sorted(path.name for path in folder.iterdir()) == ["2024-07-03", "2024-07-04", "CURRENT", "versions"]
    assert [path.name[:10] for path in sorted((folder / "versions").iterdir())] == ["2024-07-03", "2024-07-04"]


def test_a_version_just_written_is_not_pruned_under_a_reader(folder: Path) -> None:
    for number in range(4):
        publish(_publication(DAY - dt.timedelta(days=number)), folder, keep_days=1)
    publish(_publication(DAY, mark="b"), folder, keep_days=1)
    assert len(list((folder / "versions").iterdir())) == 5


def test_a_replaced_version_goes_after_a_day(folder: Path) -> None:
    replaced = publish(_publication(mark="a"), folder).folder
    _age(replaced, 2)
    standing = publish(_publication(mark="b"), folder).folder
    assert list((folder / "versions").iterdir()) == [standing]


def test_what_current_names_is_never_pruned(folder: Path) -> None:
    old = publish(_publication(dt.date(2011, 9, 10), source="online_retail_ii"), folder).folder
    _age(old, 99)
    for number in range(3):
        publish(_publication(dt.date(2010, 1, 1 + number), source="online_retail_ii"), folder, keep_days=1)
    assert current(folder) == old
    assert (folder / "2011-09-10").exists()


_SPAWN = multiprocessing.get_context("spawn")


def _publish_for_ever(folder: Path, started: Event) -> None:
    for number in range(100_000):
        publish(_publication(mark=str(number)), folder)
        started.set()


@contextmanager
def _publisher(folder: Path) -> Iterator[BaseProcess]:
    """A process that publishes without end, already at it, and killed on leaving."""
    started = _SPAWN.Event()
    process = _SPAWN.Process(target=_publish_for_ever, args=(folder, started), daemon=True)
    process.start()
    assert started.wait(timeout=60)
    yield process
    process.kill()
    process.join()


def test_a_reader_during_publications_never_sees_a_mixed_version(folder: Path) -> None:
    seen: set[str] = set()
    with _publisher(folder):
        for number in range(5_000):
            if number >= 60 and len(seen) > 1:
                break
            version = current(folder)
            tables = [pyarrow.parquet.read_table(version / f"{name}.parquet") for name in ("one", "two")]
            marks = {table["mark"][0].as_py() for table in tables}
            assert len(marks) == 1
            assert damaged_files(version) == []
            seen |= marks
    assert len(seen) > 1


def test_after_a_kill_at_any_moment_current_names_a_whole_version(folder: Path) -> None:
    for number in range(3):
        with _publisher(folder) as process:
            process.join(0.011 * number)
        assert damaged_files(current(folder)) == []
        assert damaged_files(folder / "2024-07-01") == []
    publish(_publication(mark="last"), folder)
    assert not list(folder.rglob(".building*"))
