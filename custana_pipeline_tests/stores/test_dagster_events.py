"""The command's event log: one connection a file, and what it writes is what Dagster's own storage reads."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from dagster import EventLogEntry
from dagster._check import CheckError
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy import text

from custana_pipeline.stores import dagster_home, store_templates
from custana_pipeline.stores.dagster_events import KeptEventLog, _laid_out


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    return dagster_home.prepare(tmp_path / "dagster")


def entry(number: int) -> EventLogEntry:
    return EventLogEntry(
        error_info=None,
        level=10,
        user_message=f"event {number}",
        run_id="run",
        timestamp=float(number),
        step_key="step",
        job_name="job",
        dagster_event=None,
    )


def messages(home: Path, *, captures_output: bool) -> list[str]:
    with dagster_home.opened(home, captures_output=captures_output) as instance:
        return [each.user_message for each in instance.all_logs("run")]


def test_the_pages_read_what_the_command_has_written_also_while_it_writes(home: Path) -> None:
    with dagster_home.opened(home) as instance:
        assert isinstance(instance.event_log_storage, KeptEventLog)
        instance.store_event(entry(1))
        assert messages(home, captures_output=True) == ["event 1"]
        instance.store_event(entry(2))
    for captures_output in (True, False):
        assert messages(home, captures_output=captures_output) == ["event 1", "event 2"]


def test_nothing_is_left_open_and_no_write_ahead_log_lies_about_after_the_run(home: Path) -> None:
    with dagster_home.opened(home) as instance:
        instance.store_event(entry(1))
    assert list(home.rglob("*.db-wal")) == []


@pytest.mark.parametrize("told", ["storage:\n  sqlite:\n    base_dir: elsewhere\n", "event_log_storage: {}\n"])
def test_a_home_that_keeps_its_events_elsewhere_is_left_so(told: str, tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(told)
    assert dagster_home._kept_events(tmp_path) == {}


@pytest.mark.parametrize("has_template", [True, False])
def test_a_commit_to_a_new_run_does_not_wait_for_the_disk(
    has_template: bool, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_templates, "FOLDER", tmp_path / "share")
    if has_template:
        dagster_home.keep_template()
    with dagster_home.opened(home) as instance:
        instance.store_event(entry(1))
        log = instance.event_log_storage
        assert isinstance(log, KeptEventLog)
        for file in ("run", "index"):
            with log._connect(file) as connection:
                assert connection.execute(text("pragma synchronous")).scalar() == 1
    assert messages(home, captures_output=True) == ["event 1"]


def test_a_batch_is_stored_whole_or_not_at_all(home: Path) -> None:
    broken: Any = None
    with dagster_home.opened(home) as instance:
        instance.event_log_storage.store_event_batch([entry(1), entry(2)])
        with pytest.raises(CheckError):
            instance.event_log_storage.store_event_batch([entry(4), broken])
        instance.store_event(entry(5))
    assert messages(home, captures_output=True) == ["event 1", "event 2", "event 5"]


def test_a_file_of_another_version_is_asked_for_its_migrations(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_templates, "FOLDER", tmp_path / "share")
    dagster_home.keep_template()
    with dagster_home.opened(home) as instance:
        instance.store_event(entry(1))
    run = home / "history" / "runs" / "run.db"
    assert _laid_out(run)
    with closing(sqlite3.connect(run)) as connection, connection:
        connection.execute("update alembic_version set version_num = 'older'")
    assert not _laid_out(run)


def test_a_table_that_is_there_is_looked_for_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    has_table = SqliteEventLogStorage.has_table
    monkeypatch.setattr(
        SqliteEventLogStorage, "has_table", lambda self, name: asked.append(name) or has_table(self, name)
    )
    with dagster_home.opened(home) as instance:
        log = instance.event_log_storage
        assert isinstance(log, KeptEventLog)
        asked.clear()
        assert [log.has_table(name) for name in ("event_logs", "none_such", "event_logs", "none_such")] == [
            True,
            False,
            True,
            False,
        ]
    assert asked == ["event_logs", "none_such", "none_such"]
