"""How the process of a command is set, before anything large is imported."""

import gc
import os
import sys
import warnings

GARBAGE = (100_000, 20, 20)
"""Objects between two looks for cycles; at Python's 700 a third of the start goes into looking at what was imported."""
TURN_SECONDS = 0.0005
"""As in models.at_once: files land beside a thread that imports, and each part would wait 5 ms for it."""
ONE_THREAD: dict[str, str] = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Fits run side by side, each on one thread: sums over several depend on the machine, and a quota is not looked at."""


def settle() -> None:
    """Sets threads, garbage and turns, and keeps what libraries warn of to itself unless CUSTANA_DEBUG is set."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.update(ONE_THREAD)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    gc.set_threshold(*GARBAGE)
    sys.setswitchinterval(TURN_SECONDS)
    if not os.environ.get("CUSTANA_DEBUG"):
        # filters alone do not do it: fits that run side by side each set and restore them, and may leave none
        warnings.showwarning = _unheard


def _unheard(*_: object, **__: object) -> None:
    """A library's warning is not shown: it tells nobody what to do, and may quote customers' values."""
