"""Starting the small programs, hearing what they say, and killing them."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from custana_pipeline.selftest.trial import expect

PATIENCE_SECONDS = 60.0
_MODULE = "custana_pipeline.selftest.storage.programs"


def program(name: str, place: Path, number: int = 0) -> list[str]:
    """The command line of a program."""
    return [sys.executable, "-m", _MODULE, name, str(place), str(number)]


@contextmanager
def started(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own; it is killed, with its children, when the block ends."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: "subprocess.Popen[str]") -> list[str]:
    """Kills the process's group and returns the whole lines that it had said and nobody had heard."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is None or process.stdout.closed:
        return []
    rest = process.stdout.read()
    process.stdout.close()
    return [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]


def heard(process: "subprocess.Popen[str]") -> str:
    """The next line that the process says; the entry fails where it says nothing in time."""
    assert process.stdout is not None  # noqa: S101 - it was started with a pipe
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_SECONDS)
    expect(ready, f"a process said nothing for {PATIENCE_SECONDS:.0f} s")
    return process.stdout.readline().strip()


def ended(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end."""
    return subprocess.run(  # noqa: S603 - our own interpreter and module
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS * 3
    )


def until(holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether `holds()` becomes true within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False
