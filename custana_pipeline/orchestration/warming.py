"""Imports that the later stages need, made on the side while DuckDB lands, cleans and makes features.

To import scikit-learn, skops and MLflow takes seconds of one processor. Whoever needs them waits for them, so that no
module is imported from two threads at once: the first features for what they reckon with, models for the rest.

SQLAlchemy's mappers are imported before: what they are asked is shared by the whole process from the first line of
their import on, and Dagster's books, which go through SQLAlchemy too, met them half imported in one of some sixty runs.
"""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from custana_pipeline.stores import tracking_store
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline.stores.settings import Settings

_RECKONING = (
    "custana_pipeline.models.behavior",
    "custana_pipeline.models.demand",
    "custana_pipeline.models.segmentation",
    "custana_pipeline.models.importance",
)
_KEEPING = ("custana_pipeline.models.persistence", "skops.io")
_SHARED = "sqlalchemy.orm"
"""What MLflow's import would change under the hands of Dagster's books."""
_EARLY = ("raw", "cleaned")
_RECKONING_FIRST = ("features", "models__recommendations")
"""Steps and stages that keep nothing, or only at their end."""
_warming: list["Warming"] = []


class Warming(threading.Thread):
    """Imports in two parts, the second of which is what models are kept with."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="custana-imports", daemon=True)
        self.settings = settings
        self.can_reckon = threading.Event()

    def run(self) -> None:
        """Imports all; what cannot be imported is told to whoever needs it."""
        try:
            with suppress(Exception):
                _import_all(_RECKONING)
        finally:
            self.can_reckon.set()
        with suppress(Exception):
            _import_all(_KEEPING)
            tracking_store.initialise(self.settings.mlflow_dir)
            importlib.import_module("mlflow.models")

    def wait(self, *, for_reckoning_only: bool) -> None:
        """Waits for the first part, or for all; the time counts to the start of the run."""
        if self.can_reckon.is_set() if for_reckoning_only else not self.is_alive():
            return
        with PROFILE.within("start"):
            self.can_reckon.wait()
            if not for_reckoning_only:
                self.join()


@contextmanager
def warming(settings: Settings) -> Iterator[None]:
    """Imports on the side from the block's first step on; the block ends when that has ended."""
    importlib.import_module(_SHARED)
    _warming[:] = [Warming(settings)]
    try:
        yield
    finally:
        for thread in _warming:
            if thread.is_alive():
                thread.join()
        _warming.clear()


def step_begins(step_key: str) -> None:
    """Begins to import at the first step, and waits for as much of it as the step needs."""
    stage = step_key.split("__")[0]
    reckons_first = bool({stage, step_key} & set(_RECKONING_FIRST))
    for thread in _warming:
        if thread.ident is None:
            thread.start()
        if stage not in _EARLY:
            thread.wait(for_reckoning_only=reckons_first)


def wait_for_all() -> None:
    """Waits for everything that is being imported on the side, if anything is."""
    for thread in _warming:
        if thread.ident is not None:
            thread.wait(for_reckoning_only=False)


def _import_all(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)
