import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from custana_pipeline.errors import TookTooLong
from custana_pipeline.stores import run_workers
from custana_pipeline.stores.run_workers import STOP, STOPPED, TOO_LONG, Worker, is_at_work, known_workers, working

HUNG = """
import sys, time
from pathlib import Path
from custana_pipeline.stores import run_workers
run_workers.GRACE_SECONDS = 0.2
with run_workers.working(Path(sys.argv[1]), "run", float(sys.argv[2])):
    print("up", flush=True)
    while True:
        try:
            time.sleep(60)
        except Exception:
            pass
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    process = _working(tmp_path, 60)
    yield process
    process.kill()
    process.wait()


def _working(home: Path, seconds: float) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", HUNG, str(home), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    return process


def test_a_worker_is_known_while_it_works_and_leaves_nothing(tmp_path: Path) -> None:
    with working(tmp_path, "run", 60):
        (known,) = known_workers(tmp_path)
        assert (known.run_id, known.pid, known.limit_seconds) == ("run", os.getpid(), 60)
        assert known.lives
    assert list((tmp_path / "workers").iterdir()) == []
    assert not is_at_work(tmp_path, "run")


def test_a_killed_worker_is_known_as_dead_by_its_file(tmp_path: Path, worker: "subprocess.Popen[str]") -> None:
    assert is_at_work(tmp_path, "run")
    worker.kill()
    worker.wait()
    (known,) = known_workers(tmp_path)
    assert not known.lives
    known.forget()
    assert known_workers(tmp_path) == []


def test_a_stopped_worker_still_lives_and_can_be_killed(tmp_path: Path, worker: "subprocess.Popen[str]") -> None:
    worker.send_signal(signal.SIGSTOP)
    (known,) = known_workers(tmp_path)
    assert known.lives
    known.kill()
    assert worker.wait() == -signal.SIGKILL


def test_a_dead_workers_number_is_not_killed_when_another_process_has_it(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "run").write_text(f'{{"pid": {os.getpid()}, "limit_seconds": 1}}')
    (known,) = known_workers(tmp_path)
    known.kill()
    assert not known.lives


def test_a_file_that_a_power_cut_emptied_is_a_dead_worker(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "run").touch()
    (known,) = known_workers(tmp_path)
    assert not known.lives


def test_a_run_that_takes_longer_than_it_may_is_interrupted_where_it_stands(tmp_path: Path) -> None:
    def wait() -> None:
        with working(tmp_path, "run", 0.05):
            time.sleep(60)

    with pytest.raises(TookTooLong, match="max_runtime_seconds"):
        wait()
    assert not is_at_work(tmp_path, "run")
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert not STOP.reason


def test_a_wish_to_stop_is_forgotten_with_its_run(tmp_path: Path) -> None:
    STOP.ask(STOPPED)
    assert not STOP.reason
    with working(tmp_path, "first", 60):
        STOP.ask(TOO_LONG)
        STOP.ask(STOPPED)
        assert STOP.reason == TOO_LONG
    assert not STOP.reason
    with working(tmp_path, "second", 60):
        assert not STOP.reason


def test_a_run_that_will_not_be_interrupted_is_ended_by_the_kernel(tmp_path: Path) -> None:
    assert _working(tmp_path, 0.05).wait(timeout=30) == -signal.SIGALRM


def test_a_worker_is_overdue_only_after_it_had_time_to_end_itself(tmp_path: Path) -> None:
    now = time.time()
    grace = 2 * run_workers.GRACE_SECONDS
    assert not Worker(tmp_path, 1, 100, now - 100 - grace + 5).is_overdue
    assert Worker(tmp_path, 1, 100, now - 100 - grace - 5).is_overdue
