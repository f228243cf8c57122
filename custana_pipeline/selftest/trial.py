"""What a trial is: a function that injects a fault and says, by `expect`, what must hold then.

    @trial("A4")
    def kill_between_assets(run: Trial) -> None:
        \"\"\"Kills the run after each asset in turn and reads what is published.\"\"\"

A trial passes when it returns. `Unmet` is a pass condition that does not hold, `NotRun` a machine without what it
takes.
"""

import contextlib
import importlib
import pkgutil
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from custana_pipeline.selftest.shop import Shop, first_shop


class Unmet(Exception):
    """A pass condition that does not hold; the text says what was found instead."""


class NotRun(Exception):
    """The machine lacks what the trial takes; the text says what."""


@dataclass(frozen=True)
class Verdict:
    """What came of one entry of the catalogue."""

    id: str
    state: str
    """pass, fail or not run"""
    told: str
    """Why it is not a pass; empty for a pass."""
    seconds: float
    """Wall time of the trial; of a trial of several entries, the time from the entry before."""


Act = Callable[["Trial"], None]


@dataclass(frozen=True)
class Registered:
    """A trial as it was declared."""

    ids: tuple[str, ...]
    act: Act

    @property
    def injection(self) -> str:
        """What it does, in one sentence."""
        return (self.act.__doc__ or "").strip().splitlines()[0]


_REGISTERED: dict[str, Registered] = {}


def trial(*ids: str) -> Callable[[Act], Act]:
    """Declares the function as the trial of these entries."""

    def register(act: Act) -> Act:
        for entry in ids:
            if entry in _REGISTERED and _REGISTERED[entry].act.__qualname__ != act.__qualname__:
                raise ValueError(f"{entry} has two trials")
            _REGISTERED[entry] = Registered(ids, act)
        return act

    return register


def all_trials() -> dict[str, Registered]:
    """Entry id -> its trial, of every module of this package."""
    package = importlib.import_module("custana_pipeline.selftest")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    return dict(_REGISTERED)


def expect(holds: object, found: str) -> None:
    """Fails the entry unless `holds`; `found` says what was found instead."""
    if not holds:
        raise Unmet(found)


@dataclass
class Trial:
    """One run of a trial: its own folder, its own draws, and what it has found so far."""

    scratch: Path
    """An empty folder of its own."""
    shared: Path
    """A folder that all trials of a selftest share; it holds the shop that was run once."""
    ids: tuple[str, ...]
    is_full: bool = False
    seed: int = 7
    verdicts: list[Verdict] = field(default_factory=list)
    _opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _since: float = field(default_factory=time.monotonic)

    @property
    def random(self) -> random.Random:
        """Draws that are the same for the same seed and ids."""
        return random.Random(f"{self.seed}-{'-'.join(self.ids)}")

    def times(self, quick: int, full: int) -> int:
        """How often to repeat, by the form."""
        return full if self.is_full else quick

    def shop(self, has_run: bool = False) -> Shop:
        """A small shop of the trial's own: never run, or a copy of one that was run once."""
        place = self.scratch / f"shop-{len(list(self.scratch.glob('shop-*')))}"
        made = first_shop(self.shared, has_run=has_run).copied_to(place)
        return self._opened.enter_context(made)

    @contextlib.contextmanager
    def case(self, *entries: str) -> Iterator[None]:
        """Judges one entry of a trial that has several, or some that share a verdict."""
        state, told = "pass", ""
        try:
            yield
        except NotRun as reason:
            state, told = "not run", str(reason)
        except Exception as fault:  # whatever goes wrong within is the finding
            state, told = "fail", describe(fault)
        now = time.monotonic()
        self.verdicts += [Verdict(entry, state, told, now - self._since) for entry in entries]
        self._since = now

    def judge(self, act: Act) -> list[Verdict]:
        """Runs the trial and returns a verdict for each of its ids; whatever it started is stopped."""
        with self._opened:
            if len(self.ids) == 1:
                with self.case(self.ids[0]):
                    act(self)
                return self.verdicts[-1:]
            told = ""
            try:
                act(self)
            except NotRun as reason:
                return [self._of(entry, "not run", str(reason)) for entry in self.ids]
            except Exception as fault:  # the entries that had no verdict by then share it
                told = describe(fault)
            return [self._of(entry, "fail", told or "the trial ended without judging it") for entry in self.ids]

    def _of(self, entry: str, state: str, told: str) -> Verdict:
        """The verdict that the trial has given an entry, the worst of several, or this one."""
        given = [verdict for verdict in self.verdicts if verdict.id == entry]
        worst = sorted(given, key=lambda verdict: ("fail", "not run", "pass").index(verdict.state))
        return worst[0] if worst else Verdict(entry, state, told, time.monotonic() - self._since)


def describe(fault: Exception) -> str:
    """A fault on one line; data of a trial are made up, so its text may be shown."""
    text = " ".join(str(fault).split())[:400]
    return text if isinstance(fault, Unmet) else f"{type(fault).__name__}: {text}"
