import json
import mmap
import os
import shutil
from pathlib import Path

import pytest

from custana_pipeline.orchestration.assets import raw
from custana_pipeline.raw import file_stamps
from custana_pipeline.stores import look_ahead, receipts
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.source_files import files_of, shape_of
from custana_pipeline_tests.orchestration.packs import shipped


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(file_stamps, "SETTLING_NS", -(10**18))
    copied = shutil.copytree(shipped("sample", tmp_path).input_path, tmp_path / "input")
    return shipped("sample", tmp_path / "data").model_copy(update={"input": str(copied)})


def files(settings: Settings) -> list[tuple[str, Path]]:
    return [(name, path) for name in sorted(settings.pack.raw) for path in files_of(settings, name)]


def begun(settings: Settings) -> None:
    """Begins, and waits until all that is looked at has been read."""
    look_ahead.begin(settings)
    for ahead, _ in look_ahead._ahead.values():
        ahead.found(len(ahead.asked))


def test_what_was_found_ahead_is_what_an_inspection_finds(settings: Settings) -> None:
    begun(settings)
    given = files(settings)
    assert given
    for name, path in given:
        shape = shape_of(settings, name)
        assert look_ahead.taken(path, shape) == raw.inspect_file(path, shape)
        assert look_ahead.taken(path, shape) is None, "each is taken once"


def test_a_file_that_changed_since_is_not_taken(settings: Settings) -> None:
    begun(settings)
    name, path = files(settings)[0]
    os.utime(path)
    assert look_ahead.taken(path, shape_of(settings, name)) is None


def test_a_bad_file_is_left_to_whoever_lands_it(settings: Settings) -> None:
    name, path = files(settings)[0]
    path.write_bytes(b"")
    begun(settings)
    assert look_ahead.taken(path, shape_of(settings, name)) is None


def test_files_of_another_shape_are_not_taken(settings: Settings) -> None:
    begun(settings)
    (first, path), (other, _) = files(settings)[0], files(settings)[-1]
    assert first != other
    assert look_ahead.taken(path, shape_of(settings, other)) is None


def test_a_file_of_this_very_moment_is_not_looked_at(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_stamps, "SETTLING_NS", 10**18)
    begun(settings)
    assert not look_ahead._ahead


def test_beside_a_warehouse_only_what_the_last_run_did_not_read_is_looked_at(settings: Settings) -> None:
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    settings.warehouse_path.write_bytes(b"")
    begun(settings)
    assert not look_ahead._ahead, "no receipt tells what is new"
    *read, (_, new) = files(settings)
    told = receipts.beginning(settings)
    assert told is not None
    told["files"] = {name: receipts._stamps([path for its, path in read if its == name]) for name, _ in read}
    receipt = receipts._file(settings)
    receipt.parent.mkdir(parents=True, exist_ok=True)
    receipt.write_text(json.dumps({"begun": told}))
    begun(settings)
    assert list(look_ahead._ahead) == [new]


def test_a_file_that_was_not_begun_is_left_to_whoever_lands_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, go_on = os.pipe()
    inspect_file = look_ahead.inspect_file
    monkeypatch.setattr(
        look_ahead, "inspect_file", lambda path, shape: os.read(may_go_on, 1) and inspect_file(path, shape)
    )
    look_ahead.begin(settings)
    (first, path), *_, (last, its) = files(settings)
    ahead, place = look_ahead._ahead[path]
    while ahead.states[place] != look_ahead._BEGUN:
        os.sched_yield()
    assert look_ahead.taken(its, shape_of(settings, last)) is None
    os.write(go_on, b"." * len(ahead.asked))
    assert look_ahead.taken(path, shape_of(settings, first)) == raw.inspect_file(path, shape_of(settings, first))
    ahead.found(len(ahead.asked))
    assert len(ahead.asked) - 1 not in ahead.told, "and is not read for nothing"


def test_what_ended_before_its_time_has_found_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_ahead, "inspect_file", lambda *_: os._exit(1))
    begun(settings)
    name, path = files(settings)[0]
    assert look_ahead.taken(path, shape_of(settings, name)) is None


def test_without_room_for_a_second_process_nothing_is_looked_at(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fork() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", fork)
    look_ahead.begin(settings)
    assert not look_ahead._ahead


def test_what_was_written_since_it_was_asked_for_is_left_to_whoever_lands_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_writing, fork = tmp_path / "begun", os.fork
    monkeypatch.setattr(look_ahead, "settled_stamp", lambda _: "" if begun_writing.exists() else "settled")
    monkeypatch.setattr(os, "fork", lambda: begun_writing.touch() or fork())
    begun(settings)
    name, path = files(settings)[0]
    assert path in look_ahead._ahead
    assert look_ahead.taken(path, shape_of(settings, name)) is None


def test_what_was_killed_while_it_told_of_a_file_has_not_told_of_it() -> None:
    out, into = os.pipe()
    os.write(into, b'[0, null]\n[1, {"line_count": ')
    os.close(into)
    with os.fdopen(out, encoding="utf-8") as telling, mmap.mmap(-1, 2) as states:
        assert look_ahead._Ahead([], states, telling).found(1) is None
