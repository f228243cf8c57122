import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from custana_pipeline.errors import Superseded, Transient
from custana_pipeline.stores import run_lock
from custana_pipeline.stores.run_lock import Turn, holding_turn, read_holder, refuse_if_lost, started_at
from custana_pipeline.stores.warehouse import Warehouse

HOLDER = """
import sys
from pathlib import Path
from custana_pipeline.stores.run_lock import Turn, holding_turn
with holding_turn(Turn(Path(sys.argv[1]))) as lease:
    lease.begins("run-of-another")
    if sys.argv[2:] == ["ends"]:
        lease.ends()
    print("held", flush=True)
    sys.stdin.readline()
"""


class Over:
    """Books in which some runs are over."""

    def __init__(self, *runs: str) -> None:
        self.runs = set(runs)

    def is_over(self, run_id: str) -> bool:
        return run_id in self.runs


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse" / "shop.duckdb"


@contextmanager
def another_run(warehouse: Path, *more: str) -> Iterator[subprocess.Popen]:
    """Another process in its turn, until it reads a line; with "ends" its run has ended, and it has more to do."""
    command = [sys.executable, "-c", HOLDER, str(warehouse), *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_run_waits_for_another_and_says_for_which_process(
    warehouse: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_run(warehouse) as other, caplog.at_level(logging.WARNING, "custana"):

        def end(_seconds: float) -> None:
            assert other.stdin is not None
            other.stdin.close()
            other.wait()

        monkeypatch.setattr(run_lock.time, "sleep", end)
        with holding_turn(Turn(warehouse)):
            assert other.returncode == 0
    assert f"Another run of shop is under way (process {other.pid}, since " in caplog.text


def test_the_wait_for_another_run_is_bounded_and_names_it(warehouse: Path) -> None:
    with (
        another_run(warehouse) as other,
        pytest.raises(Transient, match=rf"process {other.pid}, since .*CUSTANA_RUN_WAIT_SECONDS"),
        holding_turn(Turn(warehouse, wait_seconds=0.1)),
    ):
        pass


def test_a_killed_run_leaves_no_lock_behind(warehouse: Path) -> None:
    with another_run(warehouse) as other:
        other.kill()
        other.wait()
    with holding_turn(Turn(warehouse, wait_seconds=0)):
        pass


def test_a_process_whose_run_is_over_is_killed_after_the_time_of_grace(warehouse: Path) -> None:
    turn = Turn(warehouse, Over("run-of-another"), wait_seconds=60, grace_seconds=0.01)
    with another_run(warehouse) as other, holding_turn(turn):
        assert other.wait() == -9


def test_a_process_that_has_more_to_do_after_its_run_is_not_killed(warehouse: Path) -> None:
    turn = Turn(warehouse, Over("run-of-another"), wait_seconds=0.6, grace_seconds=0.01)
    with another_run(warehouse, "ends") as other:
        with pytest.raises(Transient), holding_turn(turn):
            pass
        assert other.poll() is None


def test_a_process_that_only_has_the_number_of_the_holder_is_not_killed(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = Turn(warehouse, Over("run-of-another"), wait_seconds=0.6, grace_seconds=0.01)
    with another_run(warehouse) as other:
        monkeypatch.setattr(run_lock, "started_at", lambda _pid: "another boot:1")
        with pytest.raises(Transient), holding_turn(turn):
            pass
        assert other.poll() is None


def test_the_same_process_may_take_its_turn_within_its_turn(warehouse: Path) -> None:
    with holding_turn(Turn(warehouse)) as outer, holding_turn(Turn(warehouse, wait_seconds=0)) as inner:
        assert inner is outer


def test_a_run_that_was_ended_changes_nothing(warehouse: Path) -> None:
    books = Over()
    with holding_turn(Turn(warehouse, books)) as lease:
        lease.begins("mine")
        with Warehouse(warehouse).transaction() as session:
            session.connection.execute("create table kept as select 1 as n")
        books.runs.add("mine")
        with (
            pytest.raises(Superseded, match="The run mine was ended already, so it changes nothing any more"),
            Warehouse(warehouse).transaction() as session,
        ):
            session.connection.execute("update kept set n = 2")
    with Warehouse(warehouse).reading() as session:
        assert session.rows("select n from kept") == [(1,)]


def test_a_run_whose_lock_was_deleted_and_taken_by_another_changes_nothing(warehouse: Path) -> None:
    with holding_turn(Turn(warehouse)):
        Turn(warehouse).path.unlink()
        with another_run(warehouse), pytest.raises(Superseded, match="Another run has taken this one's place"):
            refuse_if_lost(warehouse)


def test_after_a_run_the_lock_names_nobody(warehouse: Path) -> None:
    with holding_turn(Turn(warehouse)):
        assert read_holder(Turn(warehouse).path) is not None
    assert read_holder(Turn(warehouse).path) is None
    refuse_if_lost(warehouse)


def test_a_process_that_is_not_there_has_no_start() -> None:
    assert started_at(2**22 + 1) == ""
