"""Whole processes, measured from outside: wall and processor seconds, and the peak memory that the kernel saw."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TAIL = 3000
"""Characters of a failed command's output that are shown."""


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
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command[:4])} ended with {child.returncode}:\n{log.read_text(errors='replace')[-TAIL:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024**2)


def plain_environment(**more: str) -> dict[str, str]:
    """This process's variables without settings of the caller's own, and with two threads at most."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CUSTANA_", "OMP_"))}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "2")
    return {**kept, **threads, "GOMP_SPINCOUNT": "10000", **more}
