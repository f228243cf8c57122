"""Runs trials in worker processes and hears of each as it ends.

Every trial has a folder of its own below the scratch folder and a deadline; a worker that dies is a failed trial, and
those that it had not begun are run by another.
"""

import faulthandler
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from custana_pipeline.selftest.catalogue import CATALOGUE
from custana_pipeline.selftest.trial import Registered, Trial, Verdict, all_trials

QUICK_SECONDS, FULL_SECONDS = 240, 3600
"""How long one trial may take."""
SLOWEST = ("B1", "B3", "A1", "B2", "F7", "B5", "B12", "B8", "D8", "D2", "A10")
"""Entries whose trials take longest; they wait for servers more than they compute."""


class TooLong(Exception):
    """A trial that did not end by its deadline."""


@dataclass(frozen=True)
class Plan:
    """Which trials, in which form, where, and on how many processes at once."""

    ids: tuple[str, ...]
    is_full: bool = False
    processes: int = 2
    seed: int = 7


def trials_of(ids: Sequence[str]) -> list[Registered]:
    """The trials that judge these entries, each once, the slow ones first, so that all processes end together."""
    known = all_trials()
    chosen = {known[entry].ids: known[entry] for entry in ids if entry in known}
    slow = [known[entry].ids for entry in SLOWEST if entry in known]
    return sorted(chosen.values(), key=lambda each: slow.index(each.ids) if each.ids in slow else len(slow))


def without_trial(ids: Sequence[str]) -> list[Verdict]:
    """Entries that nobody has written a trial for."""
    known = all_trials()
    return [Verdict(entry, "not run", "there is no trial for it", 0.0) for entry in ids if entry not in known]


def run_trials(plan: Plan, heard: Callable[[Verdict], None]) -> list[Verdict]:
    """Runs the plan's trials and returns the verdicts in the order of the catalogue; `heard` is told of each."""
    wanted, verdicts = set(plan.ids), without_trial(plan.ids)
    with _scratch() as scratch:
        waiting = {each.ids: each for each in trials_of(plan.ids)}
        while waiting:
            for ids, found in _pooled(plan, list(waiting.values()), scratch):
                waiting.pop(ids)
                for verdict in (verdict for verdict in found if verdict.id in wanted):
                    verdicts.append(verdict)
                    heard(verdict)
    order = {entry.id: place for place, entry in enumerate(CATALOGUE)}
    return sorted(verdicts, key=lambda verdict: order[verdict.id])


def judge(ids: tuple[str, ...], scratch: Path, *, is_full: bool, seed: int = 7) -> list[Verdict]:
    """Runs one trial in this process, in a folder of its own below `scratch`, with a deadline."""
    place, shared = scratch / "-".join(ids), scratch / "shared"
    shared.mkdir(parents=True, exist_ok=True)
    place.mkdir()
    trial = Trial(scratch=place, shared=shared, ids=ids, is_full=is_full, seed=seed)
    try:
        with _deadline(FULL_SECONDS if is_full else QUICK_SECONDS):
            return trial.judge(all_trials()[ids[0]].act)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _pooled(plan: Plan, trials: Sequence[Registered], scratch: Path) -> Iterator[tuple[tuple[str, ...], list[Verdict]]]:
    """Verdicts of trials as they end; stops after a worker died, whose trial is then a failed one."""
    with ProcessPoolExecutor(plan.processes, mp_context=get_context("spawn"), initializer=_quiet) as pool:
        running: dict[Future[list[Verdict]], tuple[str, ...]] = {
            pool.submit(judge, each.ids, scratch, is_full=plan.is_full, seed=plan.seed): each.ids for each in trials
        }
        for ended in as_completed(running):
            ids = running[ended]
            try:
                yield ids, ended.result()
            except BrokenProcessPool:
                begun = next((each.ids for each in trials if (scratch / "-".join(each.ids)).exists()), ids)
                shutil.rmtree(scratch / "-".join(begun), ignore_errors=True)
                yield begun, [Verdict(entry, "fail", "its process died", 0.0) for entry in begun]
                return


def _quiet() -> None:
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="custana-selftest-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _deadline(seconds: int) -> Iterator[None]:
    began = time.monotonic()

    def ring(*_: object) -> None:
        raise TooLong(f"it did not end within {time.monotonic() - began:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
