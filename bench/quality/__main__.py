"""Runs custana for every window, judges its lists, and writes bench/quality.md and bench/quality.json.

make bench-quality                                       everything, with the judges in .venv-judges
python -m bench.quality --only behavior segments         some tables
python -m bench.quality --windows cdnow-1998-01-01-90    some windows
python -m bench.quality --reuse                          score the lists of the last run again
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from bench.quality import customers, page, product, recommendations, segments
from bench.quality.product import Published, Task
from bench.quality.truth import Truth, master_layout
from bench.quality.windows import SOURCES, TABLES, WINDOWS, Window

BENCH = Path(__file__).resolve().parents[1]
FIGURES, PAGE = BENCH / "quality.json", BENCH / "quality.md"
PER_CUSTOMER = frozenset({"demand", "behavior", "spend", "weeks39", "further"})
Say = Callable[[str], None]


def main() -> int:
    """Runs, judges and writes what was asked for; what was not keeps its last figures."""
    told, began = arguments(), time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)

    results = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    if not told.page:
        with tempfile.TemporaryDirectory(prefix="custana-quality-") as folder:
            scratch = told.scratch or Path(folder)
            scratch.mkdir(parents=True, exist_ok=True)
            measure(told, scratch, results, say)
        results["minutes"] = round((time.monotonic() - began) / 60, 1)
    if not told.dry:
        FIGURES.write_text(json.dumps(results) + "\n")
        PAGE.write_text(page.page(results), encoding="utf-8")
        say(f"written: {PAGE.name}, {FIGURES.name}")
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description="Judge custana's lists from outside.")
    beside = Path(os.environ.get("CUSTANA_DATASETS", BENCH.parents[1] / "shared" / "datasets"))
    parser.add_argument("--datasets", type=Path, default=beside, help="folder with online_retail_ii/ and cdnow/")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES, metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--windows", nargs="+", choices=[window.key for window in WINDOWS], metavar="WINDOW")
    parser.add_argument("--jobs", type=int, default=2, help="runs of custana at a time")
    parser.add_argument("--scratch", type=Path, help="folder for the lists; kept, where a temporary one is not")
    parser.add_argument("--reuse", action="store_true", help="take lists that --scratch holds from an earlier run")
    parser.add_argument("--dry", action="store_true", help="judge, but leave bench/quality.md as it is")
    parser.add_argument("--page", action="store_true", help="judge nothing; write the page from quality.json again")
    return parser.parse_args()


def measure(told: argparse.Namespace, scratch: Path, results: dict, say: Say) -> None:
    """Runs custana for the windows, then puts every figure into the results."""

    @cache
    def file_of(source: str) -> Path:
        path = told.datasets / SOURCES[source].file
        return master_layout(path, scratch) if source == "cdnow_sample" else path

    @cache
    def truth_of(source: str) -> Truth:
        return Truth(source, file_of(source))

    wanted = [window for window in WINDOWS if window.tables & set(told.only)]
    wanted = [window for window in wanted if not told.windows or window.key in told.windows]
    lacking = {w.source for w in wanted if not (told.datasets / SOURCES[w.source].file).is_file()}
    if lacking:
        sys.exit(f"The data sets of {', '.join(sorted(lacking))} are not below --datasets.")
    tasks = [product.task_of(window, file_of(window.source)) for window in wanted]
    if "segments" in told.only:
        tasks += [each for window in wanted for each in _resampled(window, truth_of, file_of, scratch)]
    failed = product.run_all(tasks, scratch, say, jobs=told.jobs, reuse=told.reuse)
    kept = {key: reason for key, reason in results.get("failed", {}).items() if key not in {t.key for t in tasks}}
    results["failed"] = kept | failed
    for window in wanted:
        for part, figures in judge(window, truth_of(window.source), Published(scratch), set(told.only)).items():
            results.setdefault(part, {})[window.key] = figures
        say(f"{window.key}: judged")


def _resampled(
    window: Window, truth_of: Callable[[str], Truth], file_of: Callable[[str], Path], scratch: Path
) -> list[Task]:
    if "segments" not in window.tables:
        return []
    return segments.resampled(window, truth_of(window.source), file_of(window.source), scratch)


def judge(window: Window, truth: Truth, published: Published, only: set[str]) -> dict[str, dict]:
    """The figures of one window, by part of the results."""
    tables = window.tables & only
    judges = {"customers": customers.judge, "segments": segments.judge, "recommendations": recommendations.judge}
    wanted = {"customers": tables & PER_CUSTOMER, "segments": "segments" in tables}
    wanted["recommendations"] = "recommendations" in tables
    return {part: judges[part](window, truth, published) for part in judges if wanted[part]}


if __name__ == "__main__":
    sys.exit(main())
