"""Imports that the later stages need, made on the side while DuckDB lands and cleans.

To import scikit-learn, MLflow and matplotlib takes seconds of one processor. The first features wait for them, so that
no module is imported from two threads at once.
"""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from custana_pipeline.stores import tracking_store
from custana_pipeline.stores.settings import Settings

_MODULES = (
    "custana_pipeline.models.behavior",
    "custana_pipeline.models.demand",
    "custana_pipeline.models.segmentation",
    "custana_pipeline.models.importance",
    "custana_pipeline.models.persistence",
)
_EARLY = ("raw", "cleaned")
_warming: list[threading.Thread] = []


@contextmanager
def warming(settings: Settings) -> Iterator[None]:
    """Imports on the side from now on; the block ends when that has ended."""
    thread = threading.Thread(target=_import_all, args=(settings,), name="custana-imports", daemon=True)
    _warming[:] = [thread]
    thread.start()
    try:
        yield
    finally:
        thread.join()
        _warming.clear()


def wait_for_imports(step_key: str) -> None:
    """Waits until everything is imported, unless the step is one that needs none of it."""
    if step_key.split("__")[0] not in _EARLY:
        for thread in _warming:
            thread.join()


def _import_all(settings: Settings) -> None:
    with suppress(Exception):  # whoever needs it is told what is wrong with it
        for name in _MODULES:
            importlib.import_module(name)
        tracking_store.initialise(settings.mlflow_dir)
        importlib.import_module("mlflow.sklearn")
