"""skops imported without its search for names.

As it is imported, skops lists the functions of scipy.special that a model file may hold, and looks for each of these
some four hundred through every module of the process in turn: a million questions to three thousand modules, which is
longer than all of its other imports take. The modules of scipy.special are asked first, in the same order.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

_NAMES = "skops.io._utils"


def import_skops() -> ModuleType:
    """The module skops.io, its list of safe types the same as ever; the slow way where it is laid out otherwise."""
    if "skops.io" not in sys.modules:
        with suppress(ImportError, AttributeError):
            names = _names_of_skops()
            names.whichmodule = _asking_scipy_first(names.whichmodule)
    return importlib.import_module("skops.io")


def _names_of_skops() -> Any:
    """The module that looks for names, before the package that it is in, whose own import is what asks it."""
    package = importlib.util.find_spec("skops.io")
    assert package is not None  # noqa: S101 - the lock has it
    sys.modules["skops.io"] = importlib.util.module_from_spec(package)
    try:
        return importlib.import_module(_NAMES)
    finally:
        del sys.modules["skops.io"]


def _asking_scipy_first(search: Callable[[Any, str], str]) -> Callable[[Any, str], str]:
    importlib.import_module("scipy.special")
    # a copy, since other threads import meanwhile
    asked = {name: module for name, module in sys.modules.copy().items() if name.startswith("scipy.special")}

    def whichmodule(obj: Any, name: str) -> str:
        if getattr(obj, "__module__", None) is None:
            for place, module in asked.items():
                if getattr(module, name, None) is obj:
                    return place
        return search(obj, name)

    return whichmodule
