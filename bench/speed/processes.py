"""Whole processes, measured from outside: wall and processor seconds, and their peak memory.

The peak is the kernel's mark of the process, or, where it has others work for it, the most that all of them were seen
to hold together, ten times a second: the memory of each by itself, and once the files that they have mapped.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

TAIL = 3000
"""Characters of a failed command's output that are shown."""
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Run:
    """One process from its start to its end; `stages` are wall seconds, as it tells them itself."""

    seconds: float
    processor_seconds: float
    peak_gb: float
    stages: dict[str, float] = field(default_factory=dict)


def measured(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> Run:
    """Runs the command in `folder`; exits with the end of its output where it fails."""
    log = folder / "output.txt"
    with log.open("wb") as output:
        began = time.monotonic()
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        with watched(child.pid) as held:
            _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command[:4])} ended with {child.returncode}:\n{log.read_text(errors='replace')[-TAIL:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, max(usage.ru_maxrss, *held) / 1024**2)


@contextmanager
def watched(pid: int) -> Iterator[list[int]]:
    """Looks at the memory of a process and all that it has started; yields a list of one: the most, in KiB."""
    over, held = threading.Event(), [0]

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            held.append(max(held.pop(), together(pid)))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield held
    finally:
        over.set()
        watching.join()


def together(pid: int) -> int:
    """KiB that a process and all that it has started hold now."""
    found = [memory for each in with_children(pid) if (memory := _memory(each))]
    return sum(own for own, _ in found) + max((files for _, files in found), default=0)


def with_children(pid: int) -> list[int]:
    """A process and all that it has started and that are there."""
    children: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    return [pid, *(each for child in children for each in with_children(child))]


def _memory(pid: int) -> tuple[int, int] | None:
    """KiB of its own and of mapped files; None where it is gone."""
    with suppress(OSError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text()
        own, files = (int(status.split(f"{name}:", 1)[1].split()[0]) for name in ("RssAnon", "RssFile"))
        return own, files
    return None


def plain_environment(**more: str) -> dict[str, str]:
    """This process's variables without settings of the caller's own, and with two threads at most."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CUSTANA_", "OMP_"))}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "2")
    return {**kept, **threads, "GOMP_SPINCOUNT": "10000", **more}
