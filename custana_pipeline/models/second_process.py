"""A second process that trains while the first one works with the warehouse: within one, Python lets a single thread
reckon at any moment, whatever processors there are.

    SecondProcess   starts it, hands it what to train on, and ends it
    main            what it does: it imports what it needs, trains what comes, and ends with whoever started it

The two talk through a pair of sockets that nobody else can open, in Python's own way of writing objects, which is used
for nothing that is kept. What does not come back, for whatever reason, is for the first process to do.
"""

import contextlib
import gc
import importlib
import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custana_pipeline.models.learning import Learned, TrainingInput

_MODULE = "custana_pipeline.models.second_process"
_LEARNING = "custana_pipeline.models.learning"
_FOR_TESTS_ONLY = ("hypothesis", "pytest")
"""What libraries import beside themselves where it is there."""
_ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}
"""glibc keeps what each thread has given back for that thread: of 670 MB that trainings of a million lines left held,
one arena for all leaves 490, in the same time."""
_GARBAGE = (100_000, 20, 20)
"""Objects between two looks for cycles, as in the first process."""


class SecondProcess:
    """The process, from its start to its end; what is submitted is trained in turn."""

    def __init__(self) -> None:
        self._pipe, its = Pipe()
        told = None if os.environ.get("CUSTANA_DEBUG") else subprocess.DEVNULL  # a library's words may quote values
        with its:
            self._process = subprocess.Popen(  # noqa: S603 - our own module by our own interpreter
                [sys.executable, "-P", "-W", "ignore", "-m", _MODULE, str(its.fileno())],
                pass_fds=[its.fileno()],
                env={**os.environ, **_ONE_ARENA},
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
            )
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="custana-second-process")

    @property
    def pid(self) -> int:
        """Its number among the machine's processes."""
        return self._process.pid

    def submit(self, given: "list[TrainingInput]") -> "Future[Learned | None]":
        """What is learned from the one thing given, which is taken out when its turn comes; until then the future can
        be cancelled. None where it failed or the process ended."""
        return self._asking.submit(self._answer, given)

    def end(self) -> None:
        """Ends it at once, whatever it is at; what was submitted comes to nothing."""
        self._process.kill()
        self._process.wait()
        self._asking.shutdown(cancel_futures=True)
        self._pipe.close()

    def _answer(self, given: "list[TrainingInput]") -> "Learned | None":
        try:
            self._pipe.send(given.pop())  # nothing holds it here while it is learned from there
            return self._pipe.recv()
        except (EOFError, OSError):  # killed for want of memory, for instance
            return None


def main() -> None:
    """Trains what comes through the socket that the first argument names, until that is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears of Ctrl-C too, and ends this one
    gc.set_threshold(*_GARBAGE)
    for name in _FOR_TESTS_ONLY:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    importlib.import_module(_LEARNING)
    with Connection(int(sys.argv[1])) as pipe, contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(_outcome(pipe.recv()))


def _outcome(given: "TrainingInput") -> "Learned | None":
    from custana_pipeline.models.learning import learned

    with contextlib.suppress(Exception):  # what is wrong with it the first process meets and tells
        return learned(given)
    return None


if __name__ == "__main__":
    main()
