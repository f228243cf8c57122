"""What the comparison reads of a run that has ended."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench.speed.sides import step_seconds


def noted(file: Path, rows: list[tuple[str, str, str]], written: int) -> None:
    """A run's events as Dagster keeps them; the file was written `written` seconds after the epoch."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table event_logs (dagster_event_type text, step_key text, timestamp timestamp)")
        connection.executemany("insert into event_logs values (?, ?, ?)", rows)
    os.utime(file, (written, written))


def test_the_steps_of_the_newest_run_are_told_in_seconds(tmp_path):
    runs = tmp_path / "dagster" / "history" / "runs"
    begun, ended = "2025-01-01 23:59:58.500000", "2025-01-02 00:00:01.250000"
    newest = [
        ("STEP_START", "raw__events", begun),
        ("STEP_OUTPUT", "raw__events", "2025-01-02 00:00:01.000000"),
        ("STEP_SUCCESS", "raw__events", ended),
        ("STEP_START", "cleaned__events", ended),
        ("STEP_FAILURE", "cleaned__events", "2025-01-02 00:00:03.000000"),
    ]
    noted(runs / "b.db", newest, written=20)
    noted(runs / "a.db", [("STEP_START", "other", begun), ("STEP_SUCCESS", "other", ended)], written=10)
    noted(runs / "index.db", [("STEP_START", "none", begun), ("STEP_SUCCESS", "none", ended)], written=30)
    assert step_seconds(tmp_path) == {"raw__events": pytest.approx(2.75, abs=0.001)}
