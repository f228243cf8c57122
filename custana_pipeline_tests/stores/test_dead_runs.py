import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores import dagster_home, dead_runs, run_workers
from custana_pipeline.stores.dead_runs import RunWatch, end_dead_runs
from custana_pipeline.stores.run_workers import is_at_work, known_workers, working

COMMAND_TAGS = {"custana/trigger": "command"}
WORKING = """
import signal, sys
from pathlib import Path
from custana_pipeline.stores.run_workers import working
with working(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])):
    print("up", flush=True)
    signal.pause()
"""


@dg.job
def nightly() -> None: ...


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dagster_home.prepare(tmp_path_factory.mktemp("data") / "dagster")


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dagster_home.opened(home) as opened:
        yield opened


def _run(instance: dg.DagsterInstance, tags: dict[str, str], status: str = "STARTED") -> str:
    return instance.create_run_for_job(nightly, tags=tags, status=dg.DagsterRunStatus(status)).run_id


def _status(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.status.value


def _process_of(home: Path, run_id: str, limit_seconds: float = 600) -> "subprocess.Popen[str]":
    told = [sys.executable, "-c", WORKING, str(home), run_id, str(limit_seconds)]
    process = subprocess.Popen(told, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    return process


@pytest.mark.parametrize("status", ["NOT_STARTED", "STARTED"])
def test_the_run_of_a_command_that_died_is_ended(home: Path, instance: dg.DagsterInstance, status: str) -> None:
    left = _run(instance, COMMAND_TAGS, status)
    assert end_dead_runs(instance, home, of_servers=False) == [left]
    assert _status(instance, left) == "FAILURE"


def test_only_the_newest_runs_of_commands_that_died_stay_in_the_books_and_on_the_disk(
    home: Path, instance: dg.DagsterInstance
) -> None:
    failed, finished = _run(instance, COMMAND_TAGS, "FAILURE"), _run(instance, COMMAND_TAGS, "SUCCESS")
    died = []
    for _ in range(dead_runs.KEPT_DEAD_RUNS + 2):
        died.append(_run(instance, COMMAND_TAGS))
        instance.report_engine_event("at work", instance.get_run_by_id(died[-1]))
        assert end_dead_runs(instance, home, of_servers=False) == [died[-1]]
    kept = [run_id for run_id in died if instance.has_run(run_id)]
    assert kept == died[2:]
    on_disk = {path.stem for path in (home / "history" / "runs").glob("*.db")}
    assert on_disk.isdisjoint(died[:2])
    assert on_disk >= set(kept)
    assert _status(instance, failed) == "FAILURE"
    assert _status(instance, finished) == "SUCCESS"


@pytest.mark.parametrize("tags", [COMMAND_TAGS, {}])
def test_a_run_whose_worker_lives_is_left_alone(home: Path, instance: dg.DagsterInstance, tags: dict[str, str]) -> None:
    running = _run(instance, tags)
    with working(home, running, 60):
        assert end_dead_runs(instance, home, of_servers=True) == []
        RunWatch(instance, home).look()
    assert _status(instance, running) == "STARTED"
    assert end_dead_runs(instance, home, of_servers=True) == [running]


def test_a_run_of_servers_is_dead_without_a_trace_only_while_no_server_is_up(
    home: Path, instance: dg.DagsterInstance
) -> None:
    starting = _run(instance, {}, "STARTING")
    assert end_dead_runs(instance, home, of_servers=False) == []
    assert end_dead_runs(instance, home, of_servers=True) == [starting]


def test_the_run_of_a_killed_worker_is_ended_when_it_is_seen_dead_twice(
    home: Path, instance: dg.DagsterInstance
) -> None:
    run_id, watch = _run(instance, {}), RunWatch(instance, home)
    process = _process_of(home, run_id)
    process.kill()
    process.wait()
    watch.look()
    assert _status(instance, run_id) == "STARTED"
    watch.look()
    assert _status(instance, run_id) == "FAILURE"
    assert known_workers(home) == []


def test_a_run_that_was_being_cancelled_when_its_worker_died_is_cancelled(
    home: Path, instance: dg.DagsterInstance
) -> None:
    run_id = _run(instance, COMMAND_TAGS, "CANCELING")
    end_dead_runs(instance, home, of_servers=False)
    assert _status(instance, run_id) == "CANCELED"


def test_a_worker_that_overstays_is_killed_and_its_run_ended(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = _run(instance, {})
    process = _process_of(home, run_id)
    monkeypatch.setattr(run_workers.Worker, "is_overdue", True)
    process.send_signal(signal.SIGSTOP)
    RunWatch(instance, home).look()
    assert process.wait(timeout=30) == -signal.SIGKILL
    assert _status(instance, run_id) == "FAILURE"
    assert dead_runs.is_ended(instance, run_id)


def test_the_process_of_a_run_that_is_over_is_killed(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = _run(instance, {})
    process = _process_of(home, run_id)
    run = instance.get_run_by_id(run_id)
    assert run
    instance.report_run_failed(run, "ended from outside")
    RunWatch(instance, home).look()
    assert is_at_work(home, run_id)  # it has some seconds to end by itself
    monkeypatch.setattr(dead_runs, "_LINGERING_SECONDS", -1.0)
    RunWatch(instance, home).look()
    assert process.wait(timeout=30) == -signal.SIGKILL


def test_a_home_is_served_once(home: Path) -> None:
    with dead_runs.serving(home), pytest.raises(WrongUse, match=r"serves .* already"), dead_runs.serving(home):
        pass
    with (home / "servers.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
