"""Runs the rivals on a size and tells their seconds and memory."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.speed.processes import Run, measured, plain_environment
from bench.speed.sides import PROJECT

RIVALS = {
    "pandas_style": "pandas from end to end",
    "asset_chain": "assets that hand frames on through an IO manager",
    "polars_data": "Polars, lazy: landing, cleaning and features only",
}


def rival(name: str, judges: Path, files: Path, folder: Path) -> dict[str, Any]:
    """One rival's run; what it ran into where it does not end, a lack of memory for example."""
    folder.mkdir(parents=True, exist_ok=True)
    python = judges if name == "polars_data" else sys.executable
    command = [str(python), "-m", f"bench.speed.rivals.{name}", str(files.resolve()), str(folder.resolve())]
    environment = plain_environment(PYTHONPATH=str(PROJECT), DAGSTER_DISABLE_TELEMETRY="1")
    try:
        run: Run = measured(command, folder, environment)
    except SystemExit as end:
        return {"failed": str(end).splitlines()[-1][:200]}
    return asdict(run)
