"""Imports that the later stages need, made on the side while DuckDB lands and cleans.

To import scikit-learn and MLflow takes seconds of one processor. The first features wait for them, so that
no module is imported from two threads at once.
"""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from custana_pipeline.stores import tracking_store
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline.stores.settings import Settings

_MODULES = (
    "custana_pipeline.models.behavior",
    "custana_pipeline.models.demand",
    "custana_pipeline.models.segmentation",
    "custana_pipeline.models.importance",
    "custana_pipeline.models.persistence",
    "skops.io",
)
_EARLY = ("raw", "cleaned")
_warming: list[threading.Thread] = []


@contextmanager
def warming(settings: Settings) -> Iterator[None]:
    """Imports on the side from the block's first step on; the block ends when that has ended."""
    _warming[:] = [threading.Thread(target=_import_all, args=(settings,), name="custana-imports", daemon=True)]
    try:
        yield
    finally:
        for thread in _warming:
            if thread.is_alive():
                thread.join()
        _warming.clear()


def step_begins(step_key: str) -> None:
    """Begins to import at the first step, and waits until all is imported unless the step needs none of it."""
    for thread in _warming:
        if thread.ident is None:
            thread.start()
        if step_key.split("__")[0] not in _EARLY:
            with PROFILE.within("start"):
                thread.join()


def _import_all(settings: Settings) -> None:
    with suppress(Exception):  # whoever needs it is told what is wrong with it
        for name in _MODULES:
            importlib.import_module(name)
        tracking_store.initialise(settings.mlflow_dir)
        importlib.import_module("mlflow.sklearn")
