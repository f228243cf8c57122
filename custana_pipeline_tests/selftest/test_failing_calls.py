"""The audit hook that fails a program's n-th write where strace may not trace."""

from pathlib import Path

from custana_pipeline.selftest.storage.failing_calls import Injector
from custana_pipeline.selftest.storage.processes import ended, program


def test_the_hook_fails_one_call_of_a_publication_and_names_the_full_disk(tmp_path: Path) -> None:
    how = Injector(tmp_path, traces=False)
    place = tmp_path / "place"
    calls = how.calls_of(program("publish_one", place, 1))
    assert calls > 20
    assert (place / "published" / "CURRENT").is_file()
    last = ended(how.failing(program("publish_one", place, 2), calls - 2))
    assert last.returncode == 1
    assert "free" in last.stderr
    assert "Traceback" not in last.stderr


def test_a_number_beyond_the_last_call_fails_none(tmp_path: Path) -> None:
    how = Injector(tmp_path, traces=False)
    assert ended(how.failing(program("publish_one", tmp_path / "place", 1), 10_000)).returncode == 0
