import fcntl
from pathlib import Path

import dagster as dg
import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores import dagster_home, dead_runs

COMMAND_TAGS = {"custana/trigger": "command"}


@dg.job
def nightly() -> None: ...


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dagster_home.prepare(tmp_path_factory.mktemp("data") / "dagster")


def _left_started(home: Path, tags: dict[str, str]) -> str:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return instance.create_run_for_job(nightly, tags=tags, status=dg.DagsterRunStatus.STARTED).run_id


def _status(home: Path, run_id: str) -> str:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        run = instance.get_run_by_id(run_id)
        assert run
        return run.status.value


def test_the_next_command_ends_the_run_of_one_that_died(home: Path) -> None:
    left = _left_started(home, COMMAND_TAGS)
    with dagster_home.opened(home):
        assert _status(home, left) == "FAILURE"


def test_the_run_of_a_living_command_is_left_alone(home: Path) -> None:
    with dagster_home.opened(home):
        running = _left_started(home, COMMAND_TAGS)
        assert dagster_home.end_dead_runs(home, of_servers=True) == 0
        with dagster_home.opened(home):
            assert _status(home, running) == "STARTED"
    assert dagster_home.end_dead_runs(home) == 1


def test_runs_of_servers_are_dead_only_while_no_server_is_up(home: Path) -> None:
    left = _left_started(home, {})
    assert dagster_home.end_dead_runs(home) == 0
    assert dagster_home.end_dead_runs(home, of_servers=True) == 1
    assert _status(home, left) == "FAILURE"


def test_a_home_is_served_once(home: Path) -> None:
    with dead_runs.serving(home), pytest.raises(WrongUse, match=r"serves .* already"), dead_runs.serving(home):
        pass
    with (home / "servers.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
