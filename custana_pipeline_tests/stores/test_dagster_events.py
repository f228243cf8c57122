"""The command's event log: one connection a file, and what it writes is what Dagster's own storage reads."""

from pathlib import Path

import pytest
from dagster import EventLogEntry

from custana_pipeline.stores import dagster_home
from custana_pipeline.stores.dagster_events import KeptEventLog


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
