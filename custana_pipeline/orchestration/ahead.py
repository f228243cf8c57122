"""Trainings begun ahead in a second process, as soon as their features are there.

    begun_ahead   within it, what `heard` tells of a run has its trainings begun
    heard         a step begins, or a table was made
    learned_of    what came of the training that an asset asks for
    turn          when a step's turn comes among those that could begin: what is trained ahead comes last

Meanwhile this process makes lists of products and segments. Nothing is decided by it: what was not begun, or does not
come back, is trained for the asset that asks for it, from the same rows by the same code.
"""

import datetime as dt
from collections.abc import Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg

from custana_pipeline.models.second_process import SecondProcess
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.trainings import GATED, training_input
from custana_pipeline.stores.machine import this_machine
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline.stores.run_workers import STOP

if TYPE_CHECKING:
    from custana_pipeline.models.learning import Learned, TrainingInput

SECOND_BYTES = 500_000_000
"""What the second process holds besides what a run is foretold to need."""
LEAST_INPUT_BYTES = 1_000_000
"""Of a smaller shop the models are trained before the second process has imported what it needs."""
_STARTING = "features__"
"""The first of these steps starts the process, which has imported all by the time that it is asked."""
_TURNS = {"models.recommendations": -1, "models.behavior": -2, "models.demand": -3}


@dataclass
class _Begun:
    given: "list[TrainingInput]"
    """One; none once the second process has it."""
    coming: "Future[Learned | None]"


@dataclass
class _Ahead:
    """The trainings of one run."""

    project: Project
    as_of: dt.date
    waiting: list[str]
    """The analyses that are not begun."""
    process: SecondProcess | None = None
    made: set[str] = field(default_factory=set)
    begun: dict[str, _Begun] = field(default_factory=dict)

    def hear(self, event: dg.DagsterEvent) -> None:
        if event.event_type == dg.DagsterEventType.STEP_START and str(event.step_key).startswith(_STARTING):
            self._start()
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key and self.process:
            self.made.add(".".join(event.asset_key.path))
            for analysis in [each for each in self.waiting if {f"features.{each}", "features.levels"} <= self.made]:
                self._begin(analysis, self.process)

    def learned(self, analysis: str) -> "Learned | None":
        """What came of a training, waited for, or done here where the other process has not come to it yet."""
        from custana_pipeline.models.learning import learned

        begun = self.begun.pop(analysis, None)
        if begun is None:
            return None
        if begun.coming.cancel():
            return learned(begun.given.pop())
        found = begun.coming.result()
        if not self.begun and not self.waiting:
            self.end()
        return found

    def end(self) -> None:
        if self.process is not None:
            PROFILE.beside.remove(self.process.pid)
            self.process.end()
            self.process = None

    def _start(self) -> None:
        if self.process is None and self.waiting and _is_worthwhile():
            self.process = SecondProcess()
            PROFILE.beside.append(self.process.pid)

    def _begin(self, analysis: str, process: SecondProcess) -> None:
        self.waiting.remove(analysis)
        with PROFILE.within("train"):
            given = [training_input(self.project, analysis, self.as_of)]
        self.begun[analysis] = _Begun(given, process.submit(given))


_runs: list[_Ahead] = []


@contextmanager
def begun_ahead(project: Project, as_of: dt.date | None, steps: Collection[str] | None = None) -> Iterator[None]:
    """Has the trainings of a run begun ahead; `steps` are the run's, where they are not all. Without a day there are
    none."""
    if as_of is None:
        yield
        return
    trained = [analysis for analysis in GATED if steps is None or f"models__{analysis}" in steps]
    ahead = _Ahead(project, as_of, trained)
    _runs.append(ahead)
    try:
        yield
    finally:
        _runs.remove(ahead)
        ahead.end()


def heard(event: dg.DagsterEvent) -> None:
    """What happened in a run."""
    for ahead in _runs:
        try:
            ahead.hear(event)
        except Exception:  # the asset that asks for the training meets it again
            if STOP.reason:
                raise


def learned_of(project: Project, analysis: str, as_of: dt.date) -> "Learned":
    """What comes of training the analysis as of the day, ahead or now."""
    from custana_pipeline.models.learning import learned

    for ahead in _runs:
        if ahead.as_of == as_of and (found := ahead.learned(analysis)) is not None:
            return found
    return learned(training_input(project, analysis, as_of))


def turn(table: str) -> dict[str, str]:
    """The tags of Dagster's step that makes the table.

    >>> turn("models.behavior")
    {'dagster/priority': '-2'}
    """
    return {"dagster/priority": str(_TURNS.get(table, 0))}


def _is_worthwhile() -> bool:
    """Whether there is a second processor, enough to learn from, and memory beside what the run is foretold to need."""
    names = ("memory_there", "memory", "all_input")
    there, needed, text = (PROFILE.need.get(f"{name}_bytes", 0) for name in names)
    return this_machine().cores > 1 and text >= LEAST_INPUT_BYTES and there >= needed + SECOND_BYTES
