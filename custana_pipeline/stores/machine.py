"""What a process may have of this machine: memory and processors.

A container of 2 GB on a machine of 64 GB has 2 GB: what counts is the least of the machine's memory, of the limits of
the control groups that the process is in (version 1 and 2, with all groups above), and of ulimit. The same holds for
processors: those that the process may run on, and the quota of its groups.
"""

import math
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MOST_THREADS = 8
"""More threads make DuckDB hungrier for memory than faster."""
THREAD_BYTES = 128 * 1024**2
"""A thread of DuckDB with less than this spills at every turn."""
MAPPED_BYTES = 3 * 1024**3 // 2
"""What libraries and threads map and never touch: `ulimit -v` counts it, memory does not."""
_DUCKDB_SHARE = 0.4
_LEAST_BYTES = 128 * 1024**2
_UNITS = {"K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True)
class Machine:
    """Memory and processors that this process may have."""

    memory_bytes: int
    cores: int

    @property
    def duckdb_bytes(self) -> int:
        """DuckDB's part of the memory; the rest is Python's, the models' and the system's."""
        return max(int(self.memory_bytes * _DUCKDB_SHARE), _LEAST_BYTES)

    def threads(self, memory_limit_bytes: int) -> int:
        """Threads that DuckDB works well with under a limit of its memory."""
        return max(min(self.cores, MOST_THREADS, memory_limit_bytes // THREAD_BYTES), 1)


def this_machine(root: Path = Path("/")) -> Machine:
    """The machine as this process finds it; `root` is where /proc and /sys are."""
    memory = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_memory_of_groups(root), *_ulimits()]
    cores = [len(os.sched_getaffinity(0)), *_cores_of_groups(root)]
    return Machine(min(memory), min(cores))


def bytes_of(amount: str) -> int:
    """An amount of memory in bytes, as DuckDB reads it.

    >>> bytes_of("4GB"), bytes_of("1.5 GiB")
    (4000000000, 1610612736)
    """
    text = amount.replace(" ", "")
    base = 1024 if text.endswith("iB") else 1000
    number = text.removesuffix("B").removesuffix("i")
    return int(float(number[:-1]) * base ** _UNITS[number[-1]])


def _memory_of_groups(root: Path) -> Iterator[int]:
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            for number in _numbers(folder / name):
                yield int(number)


def _cores_of_groups(root: Path) -> Iterator[int]:
    for folder in _groups(root, "cpu"):
        quota = _numbers(folder / "cpu.max") or _numbers(folder / "cpu.cfs_quota_us")
        period = quota[1:] or _numbers(folder / "cpu.cfs_period_us")
        if quota and period and quota[0] > 0:
            yield max(math.ceil(quota[0] / period[0]), 1)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of the control groups that rule this process, from its own up to the topmost that can be seen."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, group = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            for mount in (controllers, controller) if controllers else ("", "unified"):
                top = root / "sys/fs/cgroup" / mount
                own = top / group.strip("/")  # in a container the path may be that of the machine, and not be there
                yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(top))


def _numbers(file: Path) -> list[float]:
    """The numbers in a file of the kernel; none where it is missing, or says max or -1."""
    with suppress(OSError, ValueError):
        found = [float(word) for word in file.read_text(encoding="utf-8").split()]
        return found if found and found[0] > 0 else []
    return []


def _ulimits() -> Iterator[int]:
    for kind, mapped in ((resource.RLIMIT_AS, MAPPED_BYTES), (resource.RLIMIT_DATA, 0)):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            yield max(soft - mapped, 0)
