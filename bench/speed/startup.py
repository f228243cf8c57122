"""Start-up: the help, the definitions, the sample chain; each a whole process."""

import statistics
import sys
from pathlib import Path
from typing import Any

from bench.speed.processes import measured, plain_environment
from bench.speed.sides import CUSTANA, PROJECT

TIMES = 5
LIMITS = {"help": 0.4, "definitions": 3.0, "sample": 45.0}


def measured_start(folder: Path) -> dict[str, Any]:
    """Wall seconds of `custana --help`, of loading the definitions, and of the sample chain (once)."""
    environment = plain_environment(CUSTANA_DATA_DIR=str(folder / "data"), PYTHONPATH=str(PROJECT))
    load = "import os, sys; os.chdir(sys.argv[1]); from custana_pipeline.definitions import defs as d; "
    load += "d.resolve_asset_graph()"
    commands = {
        "help": [str(CUSTANA), "--help"],
        "definitions": [sys.executable, "-W", "ignore", "-c", load, str(PROJECT)],
    }
    found: dict[str, Any] = {}
    for name, command in commands.items():
        every = [measured(command, folder, environment).seconds for _ in range(TIMES)]
        found[name] = {"seconds": statistics.median(every)}
    sample = measured([str(CUSTANA), "run"], _in_project(folder), environment)
    found["sample"] = {"seconds": sample.seconds, "peak_gb": sample.peak_gb}
    return found


def _in_project(folder: Path) -> Path:
    """A folder from which the command finds the project's own settings and files, and writes only below itself."""
    place = folder / "project"
    place.mkdir()
    for name in ("custana.toml", "dbt_like_sql", "data"):
        (place / name).symlink_to(PROJECT / name)
    return place
