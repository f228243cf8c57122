"""Trials of whole runs that are killed: what is published, what is left behind, and what the next run makes of it."""

import time
from pathlib import Path

from custana_pipeline.selftest.shop import AS_OF, Shop, kill_group
from custana_pipeline.selftest.storage.publication import expect_whole
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores.durable_files import sha256_of

BOOKS = {"dagster", "logs"}
"""They tell of every run, also of killed ones, and grow with them on purpose."""
LONGER = 1.2


@trial("A1", "A4", "A14", "A15")
def kills_of_a_run(run: Trial) -> None:
    """Kills runs at drawn moments, reads what is published after each, then runs the day once more to its end."""
    shop, draw = run.shop(has_run=True), run.random
    version = shop.published()
    expect(version is not None, "the small shop has published nothing")
    assert version is not None  # noqa: S101 - for the type checker
    files = {path.name: sha256_of(path) for path in version.iterdir() if path.name != "run.json"}
    usual = _bytes(shop.data)
    kills = run.times(quick=2, full=50)
    span = run.times(quick=20, full=60)
    with run.case("A1"), run.case("A4"):
        for number in range(kills):
            _kill_after(shop, draw.uniform(2, span))
            expect(shop.published() == version, f"kill {number} moved CURRENT")
            expect_whole(version)
    done = shop.run()
    with run.case("A14"):
        expect(done.code == 0, f"the run after the kills ended with {done.code}: {done.err[-300:]}")
        now = shop.published()
        expect(now == version, f"the same day again is another version: {now}")
        expect({name: sha256_of(version / name) for name in files} == files, "files of the same day differ")
    with run.case("A15"):
        left = _leftovers(shop.data)
        expect(not left, f"left behind: {', '.join(left[:8])}")
        grown = _bytes(shop.data) / usual
        expect(grown <= LONGER * 1.25, f"the data folder has grown to {grown:.2f} times")


def _kill_after(shop: Shop, seconds: float) -> None:
    process = shop.start("run", "--as-of", AS_OF)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    kill_group(process)


def _leftovers(data: Path) -> list[str]:
    strange = (".tmp", ".spill", ".wal", ".compacting", ".part")
    found = [
        path
        for path in data.rglob("*")
        if path.name.endswith(strange) or path.name.startswith((".building-", ".publishing"))
    ]
    return sorted(str(path.relative_to(data)) for path in found)


def _bytes(data: Path) -> int:
    parts = [folder for folder in data.iterdir() if folder.name not in BOOKS]
    return sum(path.stat().st_size for part in parts for path in part.rglob("*") if path.is_file())
