"""What a process may have: of the machine, of its control groups, of ulimit; the files of the kernel are made here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from custana_pipeline.stores.machine import MAPPED_BYTES, THREAD_BYTES, Machine, bytes_of, this_machine

GB = 1024**3


def kernel(root: Path, groups: str, files: dict[str, str]) -> Path:
    """A folder that holds what /proc and /sys would."""
    for name, content in {"proc/self/cgroup": groups, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return root


def test_without_control_groups_the_machine_itself_counts(tmp_path: Path) -> None:
    found = this_machine(tmp_path)
    assert found.memory_bytes <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert found.cores == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("inside", [True, False], ids=["a namespace of its own", "the path of the host"])
def test_a_container_of_version_two_has_what_its_group_has(tmp_path: Path, inside: bool) -> None:
    files = {"sys/fs/cgroup/memory.max": str(GB // 2), "sys/fs/cgroup/cpu.max": "50000 100000"}
    found = this_machine(kernel(tmp_path, "0::/" if inside else "0::/system.slice/docker-1.scope", files))
    assert found == Machine(GB // 2, 1)


def test_a_container_of_version_one_has_what_its_group_has(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(GB // 4),
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "100000",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
    }
    groups = "4:memory:/docker/1\n2:cpu,cpuacct:/docker/1\n0::/"
    assert this_machine(kernel(tmp_path, groups, files)) == Machine(GB // 4, 1)


def test_the_tightest_of_the_groups_above_counts(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/a/b/memory.max": "max",
        "sys/fs/cgroup/a/b/memory.high": str(GB // 2),
        "sys/fs/cgroup/a/memory.max": str(GB // 3),
        "sys/fs/cgroup/other/memory.max": "1",
    }
    assert this_machine(kernel(tmp_path, "0::/a/b", files)).memory_bytes == GB // 3


@pytest.mark.parametrize("text", ["max", "-1", "", "9223372036854771712", "no number"])
def test_a_group_without_a_limit_limits_nothing(tmp_path: Path, text: str) -> None:
    root = kernel(tmp_path, "0::/", {"sys/fs/cgroup/memory.max": text, "sys/fs/cgroup/cpu.max": "max 100000"})
    assert this_machine(root) == this_machine(tmp_path / "nothing")


def test_ulimit_and_the_processors_that_a_process_may_run_on_count() -> None:
    code = "from custana_pipeline.stores.machine import this_machine as m; print(m().memory_bytes, m().cores)"
    core = min(os.sched_getaffinity(0))
    ulimit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30,) * 2)"
    affinity = f"import os; os.sched_setaffinity(0, [{core}])"
    told = subprocess.run(
        [sys.executable, "-c", f"{ulimit}; {affinity}; {code}"], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [str(3 * 2**30 - MAPPED_BYTES), "1"]


def test_threads_are_as_many_as_processors_and_memory_bear_and_eight_at_most() -> None:
    many = Machine(64 * GB, 64)
    assert [many.threads(limit) for limit in (10 * GB, 3 * THREAD_BYTES, 1)] == [8, 3, 1]
    assert Machine(64 * GB, 2).threads(10 * GB) == 2


def test_duckdb_gets_two_fifths_so_that_python_and_models_have_room() -> None:
    assert Machine(10_000_000_000, 2).duckdb_bytes == 4_000_000_000


def test_an_amount_of_memory_is_read_as_duckdb_reads_it() -> None:
    assert [bytes_of(text) for text in ("4GB", "1.5 GiB", "64MB")] == [4_000_000_000, 3 * GB // 2, 64_000_000]


def test_a_command_keeps_numeric_libraries_to_one_thread_whatever_the_environment_says() -> None:
    code = (
        "import atexit, os, sys; atexit.register(lambda: print(os.environ['OMP_NUM_THREADS'])); "
        "from custana_pipeline.cli import main; sys.argv = ['custana', '--help']; main()"
    )
    seven = {**os.environ, "OMP_NUM_THREADS": "7"}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=seven, check=True)
    assert told.stdout.splitlines()[-1] == "1"
