"""Trainings that are begun ahead: when, where not, and that their outcome does not depend on it."""

import datetime as dt
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from custana_pipeline.errors import TookTooLong
from custana_pipeline.orchestration import ahead
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline.stores.run_workers import STOP
from custana_pipeline_tests.orchestration.packs import shipped

DAY = dt.date(2025, 1, 1)
GIGABYTES, MEGABYTES = 1_000_000_000, 1_000_000


class Recorder:
    """Stands in for the second process; what it is given comes back as a text, or stays where it is."""

    pid = 0

    def __init__(self, answer: str | None = "from there", *, is_busy: bool = False) -> None:
        self.answer, self.is_busy, self.given, self.has_ended = answer, is_busy, [], False

    def submit(self, given: list[Any]) -> "Future[Any]":
        coming: Future[Any] = Future()
        self.given.append(given[0])
        if not self.is_busy:
            given.clear()
            coming.set_running_or_notify_cancel()
            coming.set_result(self.answer)
        return coming

    def end(self) -> None:
        self.has_ended = True


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(ahead, "training_input", lambda _, analysis, as_of: (analysis, as_of))
    monkeypatch.setattr("custana_pipeline.models.learning.learned", lambda given: f"learned here from {given}")
    monkeypatch.setattr(ahead, "this_machine", lambda: SimpleNamespace(cores=2))
    need = {"memory_there_bytes": 8 * GIGABYTES, "memory_bytes": GIGABYTES, "all_input_bytes": MEGABYTES}
    monkeypatch.setattr(PROFILE, "need", need)
    return Project(shipped("sample", tmp_path))


def process_of(monkeypatch: pytest.MonkeyPatch, process: Recorder) -> Recorder:
    monkeypatch.setattr(ahead, "SecondProcess", lambda: process)
    return process


def starts(step: str) -> Any:
    return SimpleNamespace(event_type=dg.DagsterEventType.STEP_START, step_key=step, asset_key=None)


def made(table: str) -> Any:
    key = dg.AssetKey(table.split("."))
    return SimpleNamespace(event_type=dg.DagsterEventType.ASSET_MATERIALIZATION, step_key=None, asset_key=key)


def hear_features() -> None:
    ahead.heard(starts("features__activity"))
    for table in ("levels", "segmentation", "behavior", "demand"):
        ahead.heard(made(f"features.{table}"))


def test_a_training_begins_with_the_last_table_that_it_needs_and_only_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = process_of(monkeypatch, Recorder())
    with ahead.begun_ahead(project, DAY):
        ahead.heard(starts("features__activity"))
        ahead.heard(made("features.behavior"))
        assert process.given == []
        ahead.heard(made("features.levels"))
        assert process.given == [("behavior", DAY)]
        ahead.heard(made("features.demand"))
        assert ahead.learned_of(project, "behavior", DAY) == "from there"
        ahead.heard(made("models.behavior"))
        assert process.given == [("behavior", DAY), ("demand", DAY)]
        assert not process.has_ended
        assert ahead.learned_of(project, "demand", DAY) == "from there"
        assert process.has_ended  # nothing is to come, and its memory is needed
    assert PROFILE.beside == []


def test_what_does_not_come_back_is_learned_here_and_so_is_another_day(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_of(monkeypatch, Recorder(answer=None))
    with ahead.begun_ahead(project, DAY):
        hear_features()
        earlier = DAY - dt.timedelta(days=1)
        assert ahead.learned_of(project, "behavior", earlier) == f"learned here from {('behavior', earlier)}"
        assert ahead.learned_of(project, "behavior", DAY) == f"learned here from {('behavior', DAY)}"
        assert ahead.learned_of(project, "segmentation", DAY) == f"learned here from {('segmentation', DAY)}"


def test_what_the_second_process_has_not_come_to_is_learned_here(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = process_of(monkeypatch, Recorder(is_busy=True))
    with ahead.begun_ahead(project, DAY):
        hear_features()
        assert len(process.given) == 2
        assert ahead.learned_of(project, "demand", DAY) == f"learned here from {('demand', DAY)}"
    assert process.has_ended


@pytest.mark.parametrize(
    ("cores", "changed", "steps", "day"),
    [
        (1, {}, None, DAY),
        (2, {"memory_there_bytes": GIGABYTES + GIGABYTES // 4}, None, DAY),
        (2, {"all_input_bytes": MEGABYTES - 1}, None, DAY),
        (2, {}, ("features__behavior", "features__levels"), DAY),
        (2, {}, None, None),
    ],
    ids=["one processor", "little memory", "little to learn from", "nothing is trained", "no day"],
)
def test_no_process_is_started_where_it_would_not_help(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    changed: dict[str, int],
    steps: tuple[str, ...] | None,
    day: dt.date | None,
) -> None:
    monkeypatch.setattr(ahead, "this_machine", lambda: SimpleNamespace(cores=cores))
    PROFILE.need.update(changed)
    monkeypatch.setattr(ahead, "SecondProcess", lambda: pytest.fail("It was started."))
    with ahead.begun_ahead(project, day, steps):
        hear_features()
        assert ahead.learned_of(project, "behavior", DAY) == f"learned here from {('behavior', DAY)}"


def test_a_fault_while_it_is_begun_is_met_by_the_asset_and_one_that_ends_the_run_is_not_swallowed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise TookTooLong("too long")

    process_of(monkeypatch, Recorder())
    monkeypatch.setattr(ahead, "training_input", fails)
    with ahead.begun_ahead(project, DAY):
        hear_features()
        with pytest.raises(TookTooLong):
            ahead.learned_of(project, "behavior", DAY)
    monkeypatch.setattr(STOP, "reason", "TOO_LONG")
    with ahead.begun_ahead(project, DAY), pytest.raises(TookTooLong):
        hear_features()
