"""Measures landing and cleaning against DuckDB's bare read_csv with the same SQL and no check at all, in one sitting.

    make bench-landing LINES=10000000          order lines of a simulated shop; events, customers and products with them
    python bench/landing.py --lines 1000000 --runs 1 --dry
    python bench/landing.py --input FOLDER --project FOLDER --source NAME      files and pack of one's own

`product` is the job `ingest`: files scanned, hashed, landed and cleaned, laws and contracts judged.
`bare` reads the same columns as text into a table, gives ids their numbers and runs the same SELECTs of
dbt_like_sql/cleaned: no hash of files, no scan, no ledger, no audit. Each is a whole process from its start to its end,
both take turns, and bench/landing.md gets the figures.
"""

import argparse
import csv
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("landing.md")
LINES_PER_CUSTOMER = 11.4
"""Order lines of a customer in 730 simulated days."""
TABLES = ("transactions", "customers", "products", "events")
GOAL = 0.5


@dataclass(frozen=True)
class Sample:
    """One run: wall and processor seconds, peak memory (VmHWM), and the seconds of its parts."""

    seconds: float
    processor_seconds: float
    peak_gb: float
    parts: dict[str, float]
    rows: dict[str, int]


def main() -> int:
    """Measures and writes the page; as a child, does one side's work."""
    told = arguments()
    if told.side:
        parts, rows = {"product": product, "bare": bare}[told.side](told)
        used = resource.getrusage(resource.RUSAGE_SELF)
        figures = {"processor": used.ru_utime + used.ru_stime, "peak_kb": used.ru_maxrss, "parts": parts, "rows": rows}
        Path(told.scratch, "figures.json").write_text(json.dumps(figures))
        return 0
    scratch = Path(tempfile.mkdtemp(prefix="custana-bench-", dir=told.scratch))
    try:
        files = told.input or simulated(told.lines, scratch / "files")
        sides: dict[str, list[Sample]] = {"bare": [], "product": []}
        for number in range(told.runs):
            for side, samples in sides.items():
                samples.append(measured(side, files, told, scratch))
                print(f"{side} {number + 1}/{told.runs}: {samples[-1].seconds:.1f} s, {samples[-1].peak_gb:.2f} GB")
                print("   ", {name: round(seconds, 2) for name, seconds in samples[-1].parts.items()}, flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    refuse_other_rows(sides)
    page = written(sides, told)
    print(page)
    if not told.dry:
        PAGE.write_text(page, encoding="utf-8")
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000, help="order lines of the simulated shop, about")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side; medians are told")
    parser.add_argument("--input", type=Path, help="a folder of files instead of the simulated shop")
    parser.add_argument("--project", type=Path, default=PROJECT, help="the folder of custana.toml")
    parser.add_argument("--source", default="sample", help="the pack that reads the files")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scratch", help="the folder to work in; the system's when empty")
    parser.add_argument("--dry", action="store_true", help="print only; leave bench/landing.md as it is")
    parser.add_argument("--side", choices=("product", "bare"), help=argparse.SUPPRESS)
    return parser.parse_args()


def simulated(lines: int, folder: Path) -> Path:
    """A simulated shop of about that many order lines, made in a process of its own."""
    customers = max(1, round(lines / LINES_PER_CUSTOMER))
    custana = Path(sys.executable).with_name("custana")
    command = [str(custana), "simulate", "--customers", str(customers), "--days", "730", "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def measured(side: str, files: Path, told: argparse.Namespace, scratch: Path) -> Sample:
    """One side's work in a fresh process and a fresh data folder."""
    folder = scratch / side
    folder.mkdir()
    given = ["--input", str(files), "--project", str(told.project), "--source", told.source]
    command = [
        sys.executable,
        __file__,
        "--side",
        side,
        "--scratch",
        str(folder),
        "--threads",
        str(told.threads),
        *given,
    ]
    began = time.monotonic()
    subprocess.run(command, check=True)
    seconds = time.monotonic() - began
    found = json.loads((folder / "figures.json").read_text())
    shutil.rmtree(folder)
    return Sample(seconds, found["processor"], found["peak_kb"] / 1024**2, found["parts"], found["rows"])


def settings_of(told: argparse.Namespace) -> Any:
    """The settings of the pack that is measured, with a data folder in the scratch folder."""
    from custana_pipeline.stores.settings import load_settings

    os.environ["CUSTANA_PROJECT_DIR"] = str(told.project)
    data = Path(told.scratch, "data")
    return load_settings(source=told.source, input=str(told.input), data_dir=data, threads=told.threads)


def product(told: argparse.Namespace) -> tuple[dict[str, float], dict[str, int]]:
    """The job `ingest` as the schedule starts it, in this process."""
    from custana_pipeline.orchestration import run
    from custana_pipeline.orchestration.code_location import build_definitions
    from custana_pipeline.orchestration.project import Project
    from custana_pipeline.stores import dagster_home
    from custana_pipeline.stores.warehouse import Warehouse

    settings = settings_of(told)
    definitions, home = build_definitions(settings), dagster_home.prepare(settings.dagster_home)
    with dagster_home.opened(home) as instance, run.only_run(Project(settings), instance) as lease:
        command = run._Command(Project(settings), definitions, instance, lambda *_: None, lease)
        outcome = command.execute("ingest", None)
    parts = {step.replace("__", "."): seconds for step, seconds in outcome.step_seconds.items()}
    with Warehouse(settings.warehouse_path).reading() as session:
        return parts, {table: session.count(f"cleaned.{table}") for table in TABLES}


def bare(told: argparse.Namespace) -> tuple[dict[str, float], dict[str, int]]:
    """The same columns read as text, and the same SELECTs, in an ordinary DuckDB file."""
    import duckdb

    from custana_pipeline.orchestration.id_numbers import build_lines
    from custana_pipeline.orchestration.project import Project
    from custana_pipeline.stores.session import Session
    from custana_pipeline.stores.source_files import files_of

    project = Project(settings_of(told))
    limits = {"threads": told.threads, "memory_limit": project.settings.duckdb_memory_limit}
    connection = duckdb.connect(str(Path(told.scratch, "bare.duckdb")), config=limits)
    connection.execute("set enable_progress_bar = false")
    session, parts = Session(connection), {}
    session.prepare()
    for name, raw_set in project.settings.pack.raw.items():
        with timed(parts, f"raw.{name}"):
            connection.execute(bare_read(name, files_of(project.settings, name), raw_set.headers))
    for table in TABLES:
        with timed(parts, f"cleaned.{table}"):
            session.create_source_views(project.models, project.raw_columns, [table])
            build_lines(session, project, table)
    rows = {table: session.count(f"cleaned.{table}") for table in TABLES}
    connection.close()
    return parts, rows


@contextmanager
def timed(parts: dict[str, float], name: str) -> Iterator[None]:
    """Puts the wall seconds of the block into `parts`."""
    began = time.monotonic()
    yield
    parts[name] = time.monotonic() - began


def bare_read(name: str, files: list[Path], headers: dict[str, str]) -> str:
    """The statement that reads the files of one raw set as text; their rows are numbered for the SELECTs' order."""
    with files[0].open(encoding="utf-8", newline="") as file:
        found = next(csv.reader(file))
    kinds = ", ".join(f"'{header}': 'varchar'" for header in found)
    shown = ", ".join(f'"{header}" as {column}' for column, header in headers.items())
    listed = ", ".join(f"'{file}'" for file in files)
    return (
        f"create table raw.{name} as select parse_filename(filename) as source_file, '' as source_hash, "
        f"row_number() over () as source_line, {shown} from read_csv([{listed}], header = true, auto_detect = false, "
        f"delim = ',', quote = '\"', columns = {{{kinds}}}, ignore_errors = true, filename = true)"
    )


def refuse_other_rows(sides: dict[str, list[Sample]]) -> None:
    """Ends the measurement where the two sides did not come to the same tables."""
    found = {json.dumps(sample.rows, sort_keys=True) for samples in sides.values() for sample in samples}
    if len(found) != 1:
        sys.exit(f"The two sides kept different numbers of rows: {found}")


def written(sides: dict[str, list[Sample]], told: argparse.Namespace) -> str:
    """The page: figures of both sides, ratio of each pair, seconds of each part."""
    pairs = [bare.seconds / product.seconds for bare, product in zip(sides["bare"], sides["product"], strict=True)]
    rows = sides["product"][0].rows
    command = f"make bench-landing LINES={told.lines}"
    kept = ", ".join(f"{count:,} {table}" for table, count in rows.items())
    ratio = statistics.median(pairs)
    lines = [
        "# Landing and cleaning beside bare DuckDB",
        f"`{command}` wrote this page; its docstring says what the two sides do. Kept by both: {kept}.",
        f"**Speed against bare: {ratio:.2f}** (goal {GOAL} at least; pairs {', '.join(f'{x:.2f}' for x in pairs)}), "
        f"{told.threads} threads of DuckDB, load average at the end {os.getloadavg()[0]:.1f}.",
        "| side | wall, median | all runs | processor | peak memory |\n|---|---|---|---|---|\n"
        + "\n".join(total(side, samples) for side, samples in sides.items()),
        "| part, median s | bare | product |\n|---|---|---|\n" + "\n".join(parts(sides)),
    ]
    return "\n\n".join(lines) + "\n"


def total(side: str, samples: list[Sample]) -> str:
    """One side's row."""
    every = ", ".join(f"{sample.seconds:.1f}" for sample in samples)
    wall = statistics.median(sample.seconds for sample in samples)
    used = statistics.median(sample.processor_seconds for sample in samples)
    return f"| {side} | {wall:.1f} s | {every} | {used:.1f} s | {max(one.peak_gb for one in samples):.2f} GB |"


def parts(sides: dict[str, list[Sample]]) -> list[str]:
    """The seconds of each table on both sides, and what lies outside of them."""
    medians = {
        side: {
            part: statistics.median(sample.parts.get(part, 0.0) for sample in samples)
            for part in dict.fromkeys(part for sample in samples for part in sample.parts)
        }
        for side, samples in sides.items()
    }
    for side, samples in sides.items():
        medians[side]["start, stores and all else"] = statistics.median(
            sample.seconds - sum(sample.parts.values()) for sample in samples
        )
    names = dict.fromkeys([*medians["product"], *medians["bare"]])
    return [f"| {name} | {_told(medians['bare'], name)} | {_told(medians['product'], name)} |" for name in names]


def _told(medians: dict[str, float], name: str) -> str:
    return f"{medians[name]:.1f}" if name in medians else ""


if __name__ == "__main__":
    sys.exit(main())
