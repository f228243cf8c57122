"""Runs custana as a person would, each window in a data folder of its own, and reads what it publishes."""

import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.quality.windows import SOURCES, Window

CUSTANA = Path(sys.executable).with_name("custana")
PROJECT = Path(__file__).resolve().parents[2]
LISTS = ("recommended_customers", "demand_forecast", "product_recommendations", "customer_segments")


@dataclass(frozen=True)
class Task:
    """One run of the chain: `folder` is named by its key; `nights` more runs follow it on the days after."""

    key: str
    source: str
    as_of: dt.date
    horizon_days: int
    file: Path
    nights: int = 0

    @property
    def days(self) -> list[dt.date]:
        """as_of and the nights after it, which share a data folder as they do in use."""
        return [self.as_of + dt.timedelta(days=number) for number in range(self.nights + 1)]


def task_of(window: Window, file: Path) -> Task:
    """The run that a window asks for: a segment window needs the next night too."""
    nights = 1 if "segments" in window.tables else 0
    return Task(window.key, window.source, window.as_of, window.horizon_days, file, nights)


def run_all(
    tasks: list[Task], scratch: Path, say: Callable[[str], None], *, jobs: int = 2, reuse: bool = False
) -> dict[str, str]:
    """Runs the tasks, `jobs` at a time; the reason of each that failed, by key."""
    with ThreadPoolExecutor(jobs) as pool:
        told = list(pool.map(lambda task: _run(task, scratch, reuse, say), tasks))
    return {task.key: reason for task, reason in zip(tasks, told, strict=True) if reason}


def _run(task: Task, scratch: Path, reuse: bool, say: Callable[[str], None]) -> str:
    kept = scratch / "lists" / task.key
    if reuse and all((kept / str(day) / f"{LISTS[0]}.parquet").is_file() for day in task.days):
        say(f"{task.key}: lists of an earlier run are taken")
        return ""
    folder = scratch / "data" / task.key
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(kept, ignore_errors=True)
    try:
        for day in task.days:
            began = time.monotonic()
            reason = _run_day(task, day, folder)
            if reason:
                say(f"{task.key} {day}: failed: {reason}")
                return reason
            _keep(folder / "published" / str(day), kept / str(day))
            say(f"{task.key} {day}: published in {time.monotonic() - began:.0f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ""


def _run_day(task: Task, day: dt.date, folder: Path) -> str:
    command = [str(CUSTANA), "run", "--source", SOURCES[task.source].pack, "--input", str(task.file)]
    command += ["--as-of", str(day), "--horizon-days", str(task.horizon_days), "--data-dir", str(folder)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CUSTANA_")}
    done = subprocess.run(command, cwd=PROJECT, env=kept, capture_output=True, text=True, check=False)
    said = " ".join((done.stderr or done.stdout).rpartition("custana: ")[2].split())
    return "" if done.returncode == 0 else f"exit code {done.returncode}: {said[:300]}"


def _keep(published: Path, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    for name in LISTS:
        if (published / f"{name}.parquet").is_file():
            shutil.copy(published / f"{name}.parquet", kept / f"{name}.parquet")


class Published:
    """The lists that were published for the windows."""

    def __init__(self, scratch: Path) -> None:
        self.lists = scratch / "lists"

    def read(self, key: str, day: dt.date, name: str) -> pd.DataFrame | None:
        """A list as it was published, or None where there is none."""
        path = self.lists / key / str(day) / f"{name}.parquet"
        return pd.read_parquet(path) if path.is_file() else None

    def column(self, window: Window, name: str, column: str, customers: pd.Series) -> tuple[pd.Series, int] | None:
        """A list's column in the order of the customers, zero for those who are missing, and how many are."""
        found = self.read(window.key, window.as_of, name)
        if found is None or column not in found or found[column].isna().all():
            return None
        values = found.set_index("customer_id")[column].reindex(customers)
        return values.fillna(0.0).astype("float64"), int(values.isna().sum())
