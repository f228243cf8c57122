"""Trials of whole runs that are killed: what is published, what is left behind, and what the next run makes of it."""

import datetime as dt
import signal
import time
from pathlib import Path

from custana_pipeline.selftest.shop import AS_OF, Shop, kill_group
from custana_pipeline.selftest.storage.publication import expect_whole
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores.durable_files import sha256_of

LARGEST = 1.2
"""Times the data folder of a shop that ran the same days without a kill."""


@trial("A1", "A4", "A14", "A15")
def kills_of_a_run(run: Trial) -> None:
    """Kills runs of day after day, at moments drawn over a whole run, and reads what is published after each."""
    shop, twin = run.shop(has_run=True), run.shop(has_run=True)
    days = _Days(shop)
    with run.case("A1", "A4"):
        draw = run.random
        for number in range(run.times(quick=2, full=50)):
            while not days.kill(draw.uniform(0, shop.run_seconds)):
                continue  # it had published and ended before: that is a night that went well, and no kill
            expect(not days.fault, f"kill {number + 1}: {days.fault}")
        whole = shop.custana("verify")
        expect(whole.code == 0, f"after the kills `custana verify` says {whole.out[-300:]}")
    with run.case("A14"):
        first, again = days.finish(), days.finish()
        expect(first == again, "the same day, run again, has other bytes")
    with run.case("A15"):
        left = _leftovers(shop.data)
        expect(not left, f"left behind: {', '.join(left[:8])}")
        if run.is_full:
            for day in [*days.ended, days.day, days.day]:
                expect(twin.custana("run", "--as-of", day).code == 0, f"without a kill {day} cannot be run")
            grown = _bytes(shop.data) / _bytes(twin.data)
            expect(grown <= LARGEST, f"the data folder is {grown:.2f} times the one without kills")


class _Days:
    """A shop's nights, one day after the other, and what a reader may find published after each."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.current = shop.published()
        self.number = 1
        self.ended: list[str] = []
        """The days that were published, by runs that went well or were killed after that."""
        self.fault = ""
        """What a reader found wrong after the last kill."""

    @property
    def day(self) -> str:
        """The day that is not published yet."""
        return (dt.date.fromisoformat(AS_OF) + dt.timedelta(days=self.number)).isoformat()

    def kill(self, seconds: float) -> bool:
        """Kills a run of the day after so long; whether it was still under way. Then looks at what is published."""
        process = self.shop.start("run", "--as-of", self.day)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        kill_group(process)
        self.fault = self._look()
        return process.returncode == -signal.SIGKILL

    def finish(self) -> dict[str, str]:
        """Runs the day to its end, and returns the hash of each published file."""
        done = self.shop.custana("run", "--as-of", self.day)
        expect(done.code == 0, f"the run after the kills ended with {done.code}: {done.err[-300:]}")
        now = self.shop.published()
        expect(now is not None and now.name.startswith(self.day), f"it published {now} instead of {self.day}")
        assert now is not None  # noqa: S101 - for the type checker
        expect_whole(now)
        return {path.name: sha256_of(path) for path in sorted(now.iterdir()) if path.name != "run.json"}

    def _look(self) -> str:
        now = self.shop.published()
        if now is None or self.current is None:
            return "nothing is published any more"
        if now != self.current:
            if not now.name.startswith(self.day):
                return f"CURRENT moved from {self.current.name} to {now.name} while {self.day} was run"
            self.current = now
            self.ended.append(self.day)
            self.number += 1
        expect_whole(now)
        return ""


def _leftovers(data: Path) -> list[str]:
    strange = (".tmp", ".spill", ".wal", ".compacting", ".part")
    found = [
        path
        for path in data.rglob("*")
        if path.name.endswith(strange) or path.name.startswith((".building-", ".publishing"))
    ]
    return sorted(str(path.relative_to(data)) for path in found)


def _bytes(data: Path) -> int:
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file() and not path.is_symlink())
