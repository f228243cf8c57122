"""The small simulated shop that the whole chain is run on, once a test session, and helpers around it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from custana_pipeline.orchestration import ahead
from custana_pipeline.raw.simulator import SimulationPlan, simulate
from custana_pipeline.stores.file_locks import holding
from custana_pipeline_tests.commands.shop_files import fingerprint
from custana_pipeline_tests.whole_chain.nights import run


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of the test session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


@pytest.fixture
def shop(root: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the shop's `files` and the `data` of two runs of one day, made once a test session.

    `first.json` tells what was published after the first of them. It trains in a second process, as `ahead.json` tells,
    and the other one does not.
    """
    folder, made = root / "whole-chain", root / "whole-chain" / "made"
    with holding(root / "whole-chain.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            simulate(SimulationPlan(customers=400, days=500), folder / "files")
            with _noting_what_is_trained_ahead(folder / "ahead.json"):
                told = run(capsys, folder / "files", folder / "data")
            assert told.exit_code == 0, told.err
            (folder / "first.json").write_text(json.dumps(fingerprint(folder / "data" / "published")))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(ahead, "_is_worthwhile", lambda: False)
                told = run(capsys, folder / "files", folder / "data", "--again")
            assert told.exit_code == 0, told.err
            before = fingerprint(folder / "data")
            for name in ("third", "copied"):
                told_again = run(capsys, folder / "files", folder / "data")
                again = {"told": told_again.out, "is_untouched": fingerprint(folder / "data") == before}
                (folder / f"{name}.json").write_text(json.dumps(again))
                _copy_anew(folder / "files")
            made.write_text(told.out)
    return folder


@contextmanager
def _noting_what_is_trained_ahead(path: Path) -> Iterator[None]:
    """Has a second process train within the block, and writes which analyses have come back from it."""
    seen: list[str] = []
    learned = ahead._Ahead.learned

    def noted(of: ahead._Ahead, analysis: str) -> Any:
        was_begun, found = analysis in of.begun, learned(of, analysis)
        seen.extend([analysis] if was_begun and found is not None else [])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ahead, "_is_worthwhile", lambda: True)
        patch.setattr(ahead._Ahead, "learned", noted)
        yield
    path.write_text(json.dumps(seen))


def _copy_anew(files: Path) -> None:
    """The same files with the same bytes, as a transfer of the whole folder leaves them."""
    aside = files.with_name("aside")
    shutil.copytree(files, aside)
    shutil.rmtree(files)
    aside.rename(files)


@pytest.fixture
def version(shop: Path) -> Path:
    """The folder that CURRENT names."""
    published = shop / "data" / "published"
    return published / (published / "CURRENT").read_text().strip()
