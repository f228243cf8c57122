"""The two sides of the comparison: the reference's bare script, and custana as it runs every night."""

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from bench.speed.processes import Run, measured, plain_environment

PROJECT = Path(__file__).resolve().parents[2]
PACK = Path(__file__).with_name("pack")
CUSTANA = Path(sys.executable).with_name("custana")
STAGES = ("land", "clean", "features", "train", "score", "recommend", "publish")
DATA_STAGES = ("land", "clean", "features")
REFERENCE_STAGES = {
    "ingest": "land",
    "clean": "clean",
    "features": "features",
    "train": "train",
    "segment": "train",
    "score": "score",
    "recommend": "recommend",
    "write": "publish",
}
MEMORIES = ("cleaned.known_values", "cleaned.whole_builds", "features.built_of")
"""What earlier files had, so that news can be told, how often lines were cleaned anew, and how many days lie behind the
others: of earlier nights."""
NUMBERS = {"customer_number": "cleaned.customer_numbers", "product_number": "cleaned.product_numbers"}
"""Column -> the table of what it stands for, since numbers are given in the order in which ids came."""
HISTORY_END, AS_OF, NEXT_AS_OF = "2024-12-31", "2025-01-01", "2025-01-02"


def reference(
    script: Path, files: Path, folder: Path, memory: str, *, end: str = HISTORY_END, is_landed: bool = False
) -> Run:
    """The reference from CSV to its result files, with the lines up to the day `end`.

    Where `is_landed`, its lines are landed and cleaned beforehand, unmeasured: what a night costs it if a day's lines
    came in for nothing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, str(script), "--data", str(files), "--out", str(folder), "--memory", memory]
    command += ["--end", end]
    if is_landed:
        measured([*command, "--only-ingest"], folder, plain_environment())
        command.append("--reuse-db")
    run = measured(command, folder, plain_environment())
    told = json.loads((folder / "timing.json").read_text())
    stages = dict.fromkeys(STAGES, 0.0)
    for each in told["stages"]:
        stages[REFERENCE_STAGES[each["stage"].split(".")[0]]] += each["wall"]
    shutil.rmtree(folder)
    return replace(run, stages=stages)


def project(folder: Path) -> Path:
    """A project folder with custana's SQL and the pack of the generated shop."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(PACK / "custana.toml", folder)
    for stage in ("cleaned", "features", "applications"):
        shutil.copytree(PROJECT / "dbt_like_sql" / stage, folder / "dbt_like_sql" / stage)
    shutil.copytree(PACK / "sources", folder / "dbt_like_sql" / "sources" / "gen")
    return folder


def product(place: Path, files: Path, data: Path, *, as_of: str = AS_OF, module: str = "") -> Run:
    """`custana run` in the project folder `place` into the folder `data`; what is there already stays.

    `module` is what stands in for the command: `bench.speed.alone`, `.statements` or `.untracked`.
    """
    data.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", module] if module else [str(CUSTANA)]
    command += ["run", "--as-of", as_of, "--input", str(files), "--data-dir", str(data)]
    run = measured(command, place, plain_environment(**({"PYTHONPATH": str(PROJECT)} if module else {})))
    told = profile(data)
    stages = {each["stage"]: each["seconds"] for each in told.get("stages", ())}
    return replace(run, stages=stages)


def profile(data: Path) -> dict[str, Any]:
    """What the newest run in a data folder says of its stages."""
    file = data / "profile.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def step_seconds(data: Path) -> dict[str, float]:
    """Step -> wall seconds of the newest run in a data folder, as Dagster has noted them."""
    runs = [file for file in data.glob("dagster/history/runs/*.db") if file.stem != "index"]
    newest = max(runs, key=lambda file: file.stat().st_mtime)
    query = """select begun.step_key, 86400 * (julianday(ended.timestamp) - julianday(begun.timestamp))
        from event_logs as begun inner join event_logs as ended using (step_key)
        where begun.dagster_event_type = 'STEP_START' and ended.dagster_event_type = 'STEP_SUCCESS'"""
    with closing(sqlite3.connect(newest)) as connection:
        return dict(connection.execute(query).fetchall())


def fingerprint(data: Path, as_of: str) -> dict[str, str]:
    """Table -> count and order-free hash of the rows: of cleaned tables whole, of feature tables those of `as_of`.

    What a table of MEMORIES holds depends on the nights before, and is left out; numbers are told as their ids.
    """
    (file,) = data.glob("warehouse/*.duckdb")
    found = {}
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute(
            "select distinct table_schema, table_name from information_schema.tables "
            "where table_schema in ('cleaned', 'features') order by all"
        ).fetchall()
        for schema, table in tables:
            name = f"{schema}.{table}"
            if name in MEMORIES:
                continue
            columns = [row[0] for row in connection.execute(f"describe {name}").fetchall()]
            where = f"where as_of = date '{as_of}'" if "as_of" in columns else ""
            row = connection.execute(
                f"select count(*), md5(cast(sum(cast(hash(columns) as hugeint)) as varchar)) from "
                f"({_with_ids(name, columns)} {where}) as columns"
            ).fetchone()
            found[name] = f"{row[0]} {row[1]}" if row else ""
    return found


def _with_ids(table: str, columns: list[str]) -> str:
    """A SELECT of all rows of a table, with ids in place of the numbers that stand for them."""
    numbers = [name for name in columns if name in NUMBERS]
    if table in NUMBERS.values():
        return f"select * exclude ({', '.join(numbers)}) from {table}"
    if not numbers:
        return f"select * from {table}"
    ids = ", ".join(f"{name}s.{name.replace('number', 'id')} as {name}" for name in numbers)
    joins = " ".join(f"left join {NUMBERS[name]} as {name}s on rows.{name} = {name}s.{name}" for name in numbers)
    return f"select rows.* replace ({ids}) from {table} as rows {joins}"


def published(data: Path) -> dict[str, str]:
    """What CURRENT points at, and the versions that are there."""
    folder = data / "published"
    current = folder / "CURRENT"
    versions = sorted(each.name for each in (folder / "versions").iterdir()) if (folder / "versions").is_dir() else []
    return {"current": current.read_text().strip() if current.is_file() else "", "versions": " ".join(versions)}
