"""skops without its search for names: the same list of safe types, and no module but scipy's is asked for it."""

import json
import subprocess
import sys
import types
from threading import Event, Thread

from custana_pipeline.models import skops_names

WATCHED = """
import json, sys, types
asked = []
class Watched(types.ModuleType):
    def __getattr__(self, name):
        asked.append(name)
        raise AttributeError(name)
sys.modules["watched"] = Watched("watched")
"""
LISTED = """
from skops.io import _trusted_types as safe
lists = {name: value for name, value in vars(safe).items() if name.endswith("TYPE_NAMES")}
print(json.dumps([lists, len([name for name in asked if not name.startswith("__")])]))
"""


def safe_types(how: str) -> tuple[dict[str, list[str]], int]:
    """skops' lists in a process of their own, and how often a module that has nothing to do with them was asked."""
    command = [sys.executable, "-W", "ignore", "-c", f"{WATCHED}\n{how}\n{LISTED}"]
    lists, asked = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return lists, asked


def test_the_safe_types_are_those_that_skops_finds_by_itself_and_nobody_else_is_asked_for_them() -> None:
    found, questions_of_skops = safe_types("import skops.io")
    told, questions = safe_types("import custana_pipeline.models.persistence")
    assert told == found
    assert len(told["SCIPY_UFUNC_TYPE_NAMES"]) > 200
    assert questions_of_skops > 200  # where this is less, skops looks for them in a better way by itself
    assert questions == 0


def test_modules_may_be_imported_meanwhile_by_other_threads():
    is_over = Event()

    def importing():
        while not is_over.is_set():
            names = [f"scipy.special.imported_{number}" for number in range(100)]
            sys.modules.update((name, types.ModuleType(name)) for name in names)
            for name in names:
                del sys.modules[name]

    thread, slices = Thread(target=importing), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        for _ in range(300):
            skops_names._asking_scipy_first(lambda *_: "elsewhere")
    finally:
        is_over.set()
        thread.join()
        sys.setswitchinterval(slices)
