"""Measures what custana takes: each run a whole process, its wall seconds and the peak memory of all its processes.

    make bench                                       everything that can be measured here, median of 3
    python -m bench.run_bench --only sample --runs 1
    python -m bench.run_bench --datasets FOLDER      with online_retail_ii/ and cdnow/ in it

The tables go into bench/README.md between its markers; what is not measured this time keeps its last figures.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.speed.processes import watched

PROJECT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("README.md")
FIGURES = Path(__file__).with_name("figures.json")
CUSTANA = Path(sys.executable).with_name("custana")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
STAGES = ("raw", "cleaned", "features", "models", "applications")
PACKAGES = ("dagster", "duckdb", "mlflow", "pandas", "scikit-learn")
PAGE_SECONDS = 120


@dataclass(frozen=True)
class Task:
    """What is measured: the command as a person types it, and the limits that the project sets itself."""

    name: str
    title: str
    shown: str
    arguments: tuple[str, ...] = ()
    needs: str = ""
    """The file below --datasets that it reads."""
    most_seconds: int = 0
    most_gb: float = 0.0


@dataclass(frozen=True)
class Sample:
    """One run."""

    seconds: float
    peak_gb: float
    stages: dict[str, float] = field(default_factory=dict)


ONLINE_RETAIL, CDNOW = "online_retail_ii/online_retail_II.csv.gz", "cdnow/CDNOW_master.txt"
TASKS = (
    Task("sample", "Sample, whole chain", "custana run", most_seconds=45, most_gb=1.2),
    Task(
        "online_retail_ii",
        "Online Retail II, whole chain",
        "custana run --source online_retail_ii --input online_retail_II.csv.gz --as-of 2011-09-10",
        ("--source", "online_retail_ii", "--as-of", "2011-09-10"),
        ONLINE_RETAIL,
        most_seconds=120,
        most_gb=2.0,
    ),
    Task(
        "cdnow",
        "CDNOW, whole chain",
        "custana run --source cdnow --input CDNOW_master.txt --as-of 1998-01-01",
        ("--source", "cdnow", "--as-of", "1998-01-01"),
        CDNOW,
    ),
    Task("ui", "Both pages answer", "custana ui", most_seconds=40),
    Task("tests", "Test suite", "python -m pytest -n 2 --dist worksteal", most_seconds=480),
)


def main() -> int:
    """Measures what was asked for and writes the page; 1 where a measured command failed."""
    told = arguments()
    figures = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    load = os.getloadavg()[0]
    for task in TASKS:
        if task.name not in told.only or (task.needs and not (told.datasets / task.needs).is_file()):
            print(f"{task.name}: left out")
            continue
        runs = 1 if task.name == "tests" else told.runs
        samples = []
        for number in range(runs):
            samples.append(measure(task, told.datasets))
            print(f"{task.name} {number + 1}/{runs}: {samples[-1].seconds:.1f} s, {samples[-1].peak_gb:.2f} GB")
        figures[task.name] = {"samples": [asdict(sample) for sample in samples], "load": round(load, 2)}
    if not told.dry:
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
        write_page(figures)
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure custana and write bench/README.md.")
    names = [task.name for task in TASKS]
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the median is told (tests: one run)")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    beside = Path(os.environ.get("CUSTANA_DATASETS", PROJECT.parent / "shared" / "datasets"))
    parser.add_argument("--datasets", type=Path, default=beside, help="folder with online_retail_ii/ and cdnow/")
    parser.add_argument("--dry", action="store_true", help="print only; leave bench/README.md as it is")
    return parser.parse_args()


def measure(task: Task, datasets: Path) -> Sample:
    """One run of a task, in a data folder of its own that does not exist before."""
    folder = Path(tempfile.mkdtemp(prefix="custana-bench-"))
    try:
        if task.name == "ui":
            return measure_ui(folder)
        if task.name == "tests":
            pytest = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider"]
            return run_whole(pytest, folder)
        given = ("--input", str(datasets / task.needs)) if task.needs else ()
        return run_whole([str(CUSTANA), "run", *task.arguments, *given], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_whole(command: list[str], folder: Path) -> Sample:
    """A command from its start to its end; exits with its output where it fails."""
    log = folder / "output.txt"
    with log.open("wb") as output:
        began = time.monotonic()
        child = subprocess.Popen(command, cwd=PROJECT, env=environment(folder), stdout=output, stderr=output)
        with watched(child.pid) as held:
            _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(errors="replace")
    if child.returncode:
        sys.exit(f"{Path(command[0]).name} ended with {child.returncode}:\n{text[-3000:]}")
    return Sample(seconds, max(usage.ru_maxrss, *held) / 1024**2, stage_seconds(text))


def stage_seconds(text: str) -> dict[str, float]:
    """The seconds a stage, as the summary of `custana run` tells them.

    >>> stage_seconds("Time   9.0 s (raw 2.1 s, models 3.5 s), peak memory 0.64 GB")
    {'raw': 2.1, 'models': 3.5}
    """
    line = re.search(r"^Time\s.*\((.*)\)", text, flags=re.MULTILINE)
    found = re.findall(r"(\w+) ([\d.]+) s", line.group(1)) if line else []
    return {stage: float(seconds) for stage, seconds in found}


def measure_ui(folder: Path) -> Sample:
    """From the command to the moment when Dagster's and MLflow's pages have both answered; then it is stopped."""
    dagster, mlflow = free_port(), free_port()
    command = [str(CUSTANA), "ui", "--dagster-port", str(dagster), "--mlflow-port", str(mlflow)]
    with (folder / "output.txt").open("wb") as output:
        began = time.monotonic()
        child = subprocess.Popen(command, cwd=PROJECT, env=environment(folder), stdout=output, stderr=output)
        pages = [f"http://127.0.0.1:{port}/" for port in (dagster, mlflow)]
        try:
            while not all(answers(page) for page in pages):
                if child.poll() is not None or time.monotonic() - began > PAGE_SECONDS:
                    sys.exit(f"The pages do not answer:\n{(folder / 'output.txt').read_text()[-3000:]}")
                time.sleep(0.1)
            seconds = time.monotonic() - began
        finally:
            child.send_signal(signal.SIGTERM)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
    return Sample(seconds, usage.ru_maxrss / 1024**2)


def answers(page: str) -> bool:
    """Whether the page gives 200."""
    try:
        with urllib.request.urlopen(page, timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(folder: Path) -> dict[str, str]:
    """This process's variables with a new data folder, and without settings of the caller's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CUSTANA_", "OMP_"))}
    datasets = {"CUSTANA_DATASETS": os.environ["CUSTANA_DATASETS"]} if "CUSTANA_DATASETS" in os.environ else {}
    return {**kept, **datasets, "CUSTANA_DATA_DIR": str(folder / "data")}


def write_page(figures: dict) -> None:
    """Puts the tables between the markers of bench/README.md."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    parts = [BEGIN, machine(), totals(figures), stages(figures), END]
    PAGE.write_text(before + "\n\n".join(parts) + after, encoding="utf-8")


def totals(figures: dict) -> str:
    """Wall seconds and memory beside their limits."""
    rows = [
        "| what | command | wall, median | all runs | limit | peak memory | limit | load before |",
        "|---" * 8 + "|",
    ]
    for task in TASKS:
        if task.name not in figures:
            rows.append(f"| {task.title} | `{task.shown}` | not measured | | {limit(task)} | | {memory(task)} | |")
            continue
        samples = figures[task.name]["samples"]
        every = ", ".join(f"{sample['seconds']:.1f}" for sample in samples)
        rows.append(
            f"| {task.title} | `{task.shown}` | {middle(samples, lambda one: one['seconds']):.1f} s | {every} | "
            f"{limit(task)} | {middle(samples, lambda one: one['peak_gb']):.2f} GB | {memory(task)} | "
            f"{figures[task.name]['load']} |"
        )
    return "\n".join(rows)


def stages(figures: dict) -> str:
    """Seconds a stage, of the runs of the chain."""
    rows = [f"| seconds a stage, median | {' | '.join(STAGES)} | all else |", "|---" * 7 + "|"]
    for task in TASKS:
        samples = [one for one in figures.get(task.name, {"samples": []})["samples"] if one["stages"]]
        if samples:
            by_stage = [middle(samples, lambda one, stage=stage: one["stages"].get(stage, 0.0)) for stage in STAGES]
            rest = middle(samples, lambda one: one["seconds"] - sum(one["stages"].values()))
            rows.append(f"| {task.title} | {' | '.join(f'{each:.1f}' for each in by_stage)} | {rest:.1f} |")
    return "\n".join(rows)


def middle(samples: list[dict], value: Callable[[dict], float]) -> float:
    """The median of a figure over the runs."""
    return statistics.median(value(sample) for sample in samples)


def limit(task: Task) -> str:
    """The most seconds that the project sets itself."""
    return f"{task.most_seconds} s" if task.most_seconds else ""


def memory(task: Task) -> str:
    """The most memory that the project sets itself."""
    return f"{task.most_gb} GB" if task.most_gb else ""


def machine() -> str:
    """What it was measured on, without anything that names the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return (
        f"Measured on {cores} cores of {platform.machine()}, {ram:.0f} GiB of memory, {platform.system()}, Python "
        f"{platform.python_version()}, custana {importlib.metadata.version('custana')}, {versions}."
    )


if __name__ == "__main__":
    sys.exit(main())
