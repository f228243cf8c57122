"""Where the seconds and the memory of a run go: a profile a stage, measured by the run's own process.

The stages are those of a reader's question (how long does training take), not those of the folders: what is told to
MLflow is `tracking` wherever it happens, and all before the first step is `start`. At any moment exactly one stage is
under way, so that the stages' seconds are those of the run.
"""

import json
import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from custana_pipeline.stores.durable_files import replace_text

STAGES = ("start", "land", "clean", "features", "train", "score", "recommend", "publish", "tracking")
FILE = "profile.json"
_SAMPLE_SECONDS = 0.1
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024**2
_OF_PACKAGE = {"raw": "land", "cleaned": "clean", "features": "features", "models": "train", "applications": "score"}
_OF_TABLE = {
    "models.recommendations": "recommend",
    "applications.product_recommendations": "recommend",
    "applications.exports": "publish",
    "applications.report": "publish",
}


def stage_of_table(table: str) -> str:
    """The stage that the making of a table counts to.

    >>> stage_of_table("applications.product_recommendations"), stage_of_table("applications.customer_value")
    ('recommend', 'score')
    """
    return _OF_TABLE.get(table) or _OF_PACKAGE[table.split(".")[0]]


@dataclass
class StageCost:
    """What a stage has cost so far."""

    seconds: float = 0.0
    peak_mb: float = 0.0
    """The most memory that the run held in it, in MiB."""
    rows: int = 0
    """Rows of the tables that it has made."""


@dataclass
class RunProfile:
    """The costs of the run of this process, from the process's own start."""

    costs: dict[str, StageCost] = field(default_factory=lambda: {stage: StageCost() for stage in STAGES})
    told_in: list[Path] = field(default_factory=list)
    """Folders besides the data folder that are given the profile: those of the MLflow runs."""
    tables: dict[str, int] = field(default_factory=dict)
    """The rows of each table that was made."""
    need: dict[str, int] = field(default_factory=dict)
    """What the run was foretold to need, in bytes by name."""
    beside: list[int] = field(default_factory=list)
    """Processes that work for this one; their memory counts as its own."""
    _stage: str = "start"
    _since: float = field(default_factory=lambda: _process_began())
    _lock: Any = field(default_factory=threading.Lock)
    _high_water_mb: float = 0.0

    def enter(self, stage: str) -> str:
        """From now on what happens counts to `stage`; returns the one before."""
        with self._lock:
            self._note()
            before, self._stage = self._stage, stage
        return before

    @contextmanager
    def within(self, stage: str) -> Iterator[None]:
        """What the block does counts to `stage`."""
        before = self.enter(stage)
        try:
            yield
        finally:
            self.enter(before)

    def made(self, table: str, rows: int) -> None:
        """Counts the rows of a table that was made."""
        self.costs[stage_of_table(table)].rows += rows
        self.tables[table] = rows

    @contextmanager
    def sampled(self) -> Iterator[None]:
        """Looks at the process's memory ten times a second; the profile is of the block's run alone."""
        over = threading.Event()
        watching = threading.Thread(target=self._watch, args=(over,), daemon=True, name="custana-memory")
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()

    def facts(self) -> dict[str, Any]:
        """The profile up to now, as it is written."""
        with self._lock:
            self._note()
        stages = [
            {"stage": name, "seconds": round(cost.seconds, 3), "peak_mb": round(cost.peak_mb, 1), "rows": cost.rows}
            for name, cost in self.costs.items()
        ]
        return {
            "stages": stages,
            "total_seconds": round(sum(cost.seconds for cost in self.costs.values()), 3),
            "peak_mb": round(max(cost.peak_mb for cost in self.costs.values()), 1),
            "need": self.need,
        }

    @property
    def peak_gb(self) -> float:
        """The most memory that the run and what works for it held, in GiB; of the process alone without /proc."""
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        return max(own, *(cost.peak_mb / 1024 for cost in self.costs.values()))

    def write(self, data_dir: Path) -> None:
        """Writes the profile beside the data and into the folders of `told_in`; a full disk is left as it is."""
        content = json.dumps(self.facts(), indent=1) + "\n"
        for folder in (data_dir, *self.told_in):
            with suppress(OSError):
                replace_text(folder / FILE, content)

    def _note(self) -> None:
        now = time.monotonic()
        self.costs[self._stage].seconds += now - self._since
        self._since = now
        self._look()

    def _look(self) -> None:
        """The memory held now; the kernel's own high water mark tells of a peak between two looks."""
        held, high_water = _memory_mb()
        cost = self.costs[self._stage]
        peak = (high_water if high_water > self._high_water_mb else held) + sum(map(_own_mb, self.beside))
        self._high_water_mb = max(high_water, self._high_water_mb)
        cost.peak_mb = max(cost.peak_mb, peak)

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(_SAMPLE_SECONDS):
            with self._lock:
                self._look()


def _process_began() -> float:
    """When this process began, on the monotonic clock; now, where the system does not say."""
    with suppress(OSError, ValueError, IndexError):
        ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[19])
        lived = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        return time.monotonic() - lived
    return time.monotonic()


def _memory_mb() -> tuple[float, float]:
    """MiB that the process holds now, and the most that it ever held; zeros where the system does not say.

    The mark is not reset from stage to stage: whoever started the process reads its peak from the same mark.
    """
    with suppress(OSError, ValueError, IndexError):
        held = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * _PAGE_MB
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return held, int(status.split("VmHWM:", 1)[1].split()[0]) / 1024
    return 0.0, 0.0


def _own_mb(process: int) -> float:
    """MiB that another process holds now without the libraries that both have; nothing where it is gone."""
    with suppress(OSError, ValueError, IndexError):
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        return int(status.split("RssAnon:", 1)[1].split()[0]) / 1024
    return 0.0


PROFILE = RunProfile()


@contextmanager
def begun_anew() -> Iterator[RunProfile]:
    """The profile of one run of this process; one that runs several, as tests do, begins each at nothing."""
    PROFILE.told_in.clear()
    PROFILE.tables.clear()
    PROFILE.need = {}
    if PROFILE.costs["land"].seconds:
        PROFILE.enter("start")
        PROFILE.costs.update({stage: StageCost() for stage in STAGES})
    with PROFILE.sampled():
        yield PROFILE
