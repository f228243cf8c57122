"""Runs custana and the reference in turn on the same data, and writes bench/speed.md and bench/speed.json.

make bench-speed SIZE=1m                          all parts: chain, floor, increment and second run, shapes, rivals, ...
make bench-speed SIZE=10m ARGS="--only chain --runs 1"
make bench-speed SIZE=100m REFERENCE=FOLDER       FOLDER holds limit.py and gen.py

What was not measured this time keeps its last figures.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.speed import libraries, page, sides, startup, statements
from bench.speed.processes import measured, plain_environment
from bench.speed.rivals_run import RIVALS, rival
from bench.speed.shops import LINES, SHAPES, add_day, generated, history, reshaped

BENCH = Path(__file__).resolve().parents[1]
FIGURES, PAGE = BENCH / "speed.json", BENCH / "speed.md"
JUDGES = BENCH.parent / ".venv-judges" / "bin" / "python"
PARTS = ("chain", "floor", "increment", "night", "shapes", "rivals", "btyd", "recommendations", "tracking", "startup")
REFERENCE_MEMORY = {"100m": "12GB"}


def main() -> int:
    """Measures what was asked for and writes the page."""
    told = arguments()
    for name in ("limit.py", "gen.py"):
        if not (told.reference / name).is_file():
            print(f"{told.reference} holds no {name}: give the folder of the reference as REFERENCE=FOLDER.")
            return 2
    results = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    scratch = told.scratch or Path(tempfile.mkdtemp(prefix="custana-speed-"))
    try:
        measure(told, scratch.resolve(), results)
    finally:
        if told.scratch is None:
            shutil.rmtree(scratch, ignore_errors=True)
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description="Measure custana beside a reference.")
    beside = BENCH.parents[1] / "shared" / "bench"
    parser.add_argument("--reference", type=Path, default=beside, help="folder with limit.py and gen.py")
    parser.add_argument("--size", choices=LINES, default="1m", help="order lines; twice as many events come with them")
    parser.add_argument("--runs", type=int, default=3, help="turns of product and reference; the median is told")
    parser.add_argument("--seed", type=int, default=7, help="seed of the generator")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=list(RIVALS))
    parser.add_argument("--scratch", type=Path, help="folder for data and results; kept, where a temporary one is not")
    parser.add_argument("--dry", action="store_true", help="print only; leave bench/speed.md as it is")
    return parser.parse_args()


def measure(told: argparse.Namespace, scratch: Path, results: dict[str, Any]) -> None:
    """Each part in turn; its figures are kept as soon as they are there."""
    began = time.monotonic()
    scratch.mkdir(parents=True, exist_ok=True)
    made = generated(told.reference / "gen.py", told.size, told.seed, scratch)
    place = sides.project(scratch / "project")
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "chain": lambda: _chain(told, scratch, made, place),
        "floor": lambda: _floor(told, scratch, made, place),
        "increment": lambda: _increment(scratch, made, place),
        "night": lambda: _night(told, scratch, made),
        "shapes": lambda: _shapes(told, scratch, made, place),
        "rivals": lambda: {name: rival(name, JUDGES, made, _empty(scratch / "rival")) for name in told.rivals},
        "btyd": lambda: libraries.btyd(JUDGES, _empty(scratch / "btyd")),
        "recommendations": lambda: libraries.recommendations(JUDGES, place, made, _empty(scratch / "als")),
        "tracking": lambda: _tracking(told, scratch, made, place),
        "startup": lambda: startup.measured_start(_empty(scratch / "start")),
    }
    for name in told.only:
        figures = parts[name]() | {"load": round(os.getloadavg()[0], 1)}
        known = results.setdefault(told.size, {})
        known[name] = known.get(name, {}) | figures if name in ("rivals", "shapes") else figures
        print(f"{time.monotonic() - began:6.0f} s  {told.size} {name}: {page.in_short(name, known[name])}", flush=True)
        if not told.dry:
            FIGURES.write_text(json.dumps(results, indent=1) + "\n")
            PAGE.write_text(page.page(results), encoding="utf-8")


def _chain(told: argparse.Namespace, scratch: Path, made: Path, place: Path) -> dict[str, Any]:
    """Both sides in turn; the product's folder of the last turn stays for the increment."""
    files, data = history(made, scratch / "files"), scratch / "data"
    memory = REFERENCE_MEMORY.get(told.size, "8GB")
    sided: dict[str, list[dict[str, Any]]] = {"reference": [], "product": []}
    for turn in range(told.runs):
        sided["reference"].append(asdict(sides.reference(told.reference / "limit.py", files, scratch / "out", memory)))
        sided["product"].append(asdict(sides.product(place, files, _empty(data))))
        seconds = {side: round(runs[-1]["seconds"], 1) for side, runs in sided.items()}
        print(f"        turn {turn + 1}: {seconds}", flush=True)
    return sided


def _floor(told: argparse.Namespace, scratch: Path, made: Path, place: Path) -> dict[str, Any]:
    """The bare script of the design's landing and cleaning, and the statements of custana's features within a run of
    it, as often as the chain; the medians of all."""
    turns: list[dict[str, float]] = []
    folder = scratch / "floor"
    for _ in range(told.runs):
        command = [sys.executable, str(Path(__file__).with_name("floor.py")), str(made), str(_empty(folder))]
        run = measured(command, folder, plain_environment())
        bare = json.loads((folder / "floor.json").read_text()) | {"peak_gb": run.peak_gb}
        sides.product(place, made, _empty(folder), module="bench.speed.statements")
        turns.append(bare | {"own_features": statements.told_in(folder)["features"]})
    shutil.rmtree(folder)
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


def _tracking(told: argparse.Namespace, scratch: Path, made: Path, place: Path) -> dict[str, Any]:
    """Runs with and without MLflow in turn."""
    files = history(made, scratch / "files")
    sided: dict[str, list[dict[str, Any]]] = {"product": [], "untracked": []}
    for _ in range(told.runs):
        for side in sided:
            module = "" if side == "product" else "bench.speed.untracked"
            run = sides.product(place, files, _empty(scratch / "tracking"), module=module)
            sided[side].append(asdict(run))
    shutil.rmtree(scratch / "tracking")
    shutil.rmtree(files)
    return sided


def _increment(scratch: Path, made: Path, place: Path) -> dict[str, Any]:
    """A second run with nothing new, then a day more, then all of it from the start: seconds and tables of both."""
    files, data = scratch / "files", scratch / "data"
    if not (data / "published").is_dir():
        sides.product(place, history(made, files), _empty(data))
    before = sides.published(data)
    again = sides.product(place, files, data)
    stands = sides.published(data) == before
    add_day(made, files)
    day = sides.product(place, files, data, as_of=sides.NEXT_AS_OF)
    incremented = sides.fingerprint(data, sides.NEXT_AS_OF)
    shutil.rmtree(data)
    whole = sides.product(place, files, data, as_of=sides.NEXT_AS_OF)
    refreshed = sides.fingerprint(data, sides.NEXT_AS_OF)
    differ = sorted(name for name in {*incremented, *refreshed} if incremented.get(name) != refreshed.get(name))
    shutil.rmtree(data)
    shutil.rmtree(files)
    sided = {"again": asdict(again), "day": asdict(day), "whole": asdict(whole)}
    return sided | {"stands": stands, "tables": len(refreshed), "differ": differ}


def _night(told: argparse.Namespace, scratch: Path, made: Path) -> dict[str, Any]:
    """The reference with a day more, whole and without the time in which it lands and cleans."""
    files = history(made, scratch / "night-files")
    add_day(made, files)
    script, memory = told.reference / "limit.py", REFERENCE_MEMORY.get(told.size, "8GB")
    found = {
        name: asdict(sides.reference(script, files, scratch / "out", memory, end=sides.AS_OF, is_landed=is_landed))
        for name, is_landed in (("whole", False), ("night", True))
    }
    shutil.rmtree(files)
    return found


def _shapes(told: argparse.Namespace, scratch: Path, made: Path, place: Path) -> dict[str, Any]:
    """Each shape once on both sides, and the plain shape before them."""
    found: dict[str, Any] = {}
    for shape in ("plain", *told.shapes):
        files = history(made, scratch / "shape") if shape == "plain" else reshaped(made, shape, scratch / "shape")
        bare = sides.reference(told.reference / "limit.py", files, scratch / "out", "8GB")
        run = sides.product(place, files, _empty(scratch / "shape-data"))
        found[shape] = {"reference": asdict(bare), "product": asdict(run)}
        print(f"        {shape}: {run.seconds:.1f} s, {run.peak_gb:.2f} GB; reference {bare.seconds:.1f} s", flush=True)
    for name in ("shape", "shape-data"):
        shutil.rmtree(scratch / name, ignore_errors=True)
    return found


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
