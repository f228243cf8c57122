"""The bench sees the memory of a process and of those that it has started."""

import os
import subprocess
import sys
from pathlib import Path

from bench.speed import processes

MANY = 150 * 1024**2
HOLDER = """
import subprocess, sys
child = "held = bytearray(%d); print('there', flush=True); input()"
with subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
    started.stdout.readline()
    sys.stdout.write("there" + chr(10)); sys.stdout.flush()
    sys.stdin.readline()
    started.communicate(b"done" + b"\\n")
"""


def test_what_a_process_has_started_is_held_by_it_and_mapped_files_count_once() -> None:
    command = [sys.executable, "-c", HOLDER % MANY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"there\n"
        assert len(processes.with_children(holder.pid)) == 2
        held = processes.together(holder.pid)
        holder.communicate(b"done\n")
    assert MANY < held * 1024 < 2 * MANY
    assert processes.together(holder.pid) == 0


def test_a_run_has_the_seconds_and_the_peak_of_its_process(tmp_path: Path) -> None:
    run = processes.measured([sys.executable, "-c", f"held = bytearray({MANY})"], tmp_path, dict(os.environ))
    assert run.peak_gb * 1024**3 > MANY
    assert run.processor_seconds > 0
    assert 0 < run.seconds < 60
