"""The quick form of every trial, as `custana selftest --quick` runs it."""

from pathlib import Path

import pytest

from custana_pipeline.selftest.catalogue import CATALOGUE
from custana_pipeline.selftest.runner import judge, trials_of

TRIALS = [each.ids for each in trials_of([entry.id for entry in CATALOGUE])]


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """One folder for all processes, so that the shop is run once."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "selftest"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("ids", TRIALS, ids=["-".join(ids) for ids in TRIALS])
def test_the_fault_meets_its_pass_condition(ids: tuple[str, ...], scratch: Path) -> None:
    found = judge(ids, scratch, is_full=False)
    assert not [f"{verdict.id}: {verdict.told}" for verdict in found if verdict.state == "fail"]
    if left := [f"{verdict.id}: {verdict.told}" for verdict in found if verdict.state == "not run"]:
        pytest.skip("; ".join(left))
