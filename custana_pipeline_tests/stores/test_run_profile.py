import json
import subprocess
import sys
from pathlib import Path

import pytest

from custana_pipeline.stores import run_profile
from custana_pipeline.stores.run_profile import STAGES, RunProfile, stage_of_table


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the profile reads, to be set."""
    seconds = [100.0]
    monkeypatch.setattr(run_profile.time, "monotonic", lambda: seconds[0])
    return seconds


def profile_of(clock: list[float], monkeypatch: pytest.MonkeyPatch, memory: list[tuple[float, float]]) -> RunProfile:
    monkeypatch.setattr(run_profile, "_memory_mb", lambda: memory[0])
    return RunProfile(_since=clock[0])


def by_stage(profile: RunProfile) -> dict[str, dict[str, float]]:
    return {each["stage"]: each for each in profile.facts()["stages"]}


def test_the_seconds_of_all_stages_are_those_of_the_run(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    profile = profile_of(clock, monkeypatch, [(10.0, 10.0)])
    clock[0] += 5
    profile.enter("train")
    clock[0] += 2
    with profile.within("tracking"):
        clock[0] += 3
    clock[0] += 1
    profile.enter("publish")
    clock[0] += 4
    found = {name: told["seconds"] for name, told in by_stage(profile).items() if told["seconds"]}
    assert found == {"start": 5, "train": 3, "tracking": 3, "publish": 4}
    assert profile.facts()["total_seconds"] == 15


def test_a_peak_that_has_passed_by_the_end_of_a_stage_is_still_told_of_it_and_of_no_other(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = [(100.0, 100.0)]
    profile = profile_of(clock, monkeypatch, memory)
    profile.enter("land")
    memory[0] = (150.0, 900.0)
    profile.enter("clean")
    memory[0] = (200.0, 900.0)
    profile.enter("features")
    found = {name: told["peak_mb"] for name, told in by_stage(profile).items()}
    assert (found["start"], found["land"], found["clean"]) == (100, 900, 200)
    assert profile.facts()["peak_mb"] == 900


def test_what_works_for_the_run_counts_as_its_own(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    profile = profile_of(clock, monkeypatch, [(100.0, 100.0)])
    python = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(python, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as working:
        assert working.stdout is not None
        assert working.stdout.readline()
        profile.beside.append(working.pid)
        profile.enter("train")
        profile.beside.remove(working.pid)
        profile.enter("score")
        working.kill()
    found = {name: told["peak_mb"] for name, told in by_stage(profile).items()}
    assert found["train"] == 100 < found["start"] < 150
    profile.costs["train"].peak_mb = 300 * 1024
    assert profile.peak_gb == 300  # and not what this process alone has held
    profile.beside.append(working.pid)  # one that is gone holds nothing
    profile.enter("publish")
    assert by_stage(profile)["score"]["peak_mb"] == 100


def test_the_written_profile_has_each_stage_once_and_the_rows_that_it_made(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile = profile_of(clock, monkeypatch, [(10.0, 10.0)])
    profile.made("raw.transactions", 1000)
    profile.made("raw.customers", 20)
    (tmp_path / "run").mkdir()
    profile.told_in.extend([tmp_path / "run", tmp_path / "gone"])
    profile.write(tmp_path)
    told = json.loads((tmp_path / "profile.json").read_text())
    assert [each["stage"] for each in told["stages"]] == list(STAGES)
    assert {each["stage"]: each["rows"] for each in told["stages"] if each["rows"]} == {"land": 1020}
    assert sorted(told) == ["need", "peak_mb", "stages", "total_seconds"]
    assert (tmp_path / "run" / "profile.json").read_bytes() == (tmp_path / "profile.json").read_bytes()


@pytest.mark.parametrize(
    ("table", "stage"),
    [
        ("raw.events", "land"),
        ("cleaned.transactions", "clean"),
        ("models.demand", "train"),
        ("models.recommendations", "recommend"),
        ("applications.product_recommendations", "recommend"),
        ("applications.recommended_customers", "score"),
        ("applications.exports", "publish"),
    ],
)
def test_each_table_counts_to_the_stage_that_a_reader_would_look_for(table: str, stage: str) -> None:
    assert stage_of_table(table) == stage
