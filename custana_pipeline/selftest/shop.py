"""A small shop to try faults on: a project folder, input files, a data folder, and the installed command.

The shop that was run once is made once per selftest, by whoever needs it first, and copied for each trial.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from custana_pipeline.errors import CustanaError
from custana_pipeline.raw.simulator import SimulationPlan, simulate
from custana_pipeline.selftest.shop_project import write_project
from custana_pipeline.stores.file_locks import holding

AS_OF = "2025-01-15"
"""The day that the shop was run for; files reach to the end of February 2025."""
PLAN = SimulationPlan(customers=150, days=420, seed=7)
COMMAND_SECONDS = 300.0
_ARTIFACT_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass
class Shop:
    """Folders of one shop below `root`; the processes that were started on it end with the block."""

    root: Path
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The input files."""
        return self.root / "files"

    @property
    def data(self) -> Path:
        """Everything that custana writes."""
        return self.root / "data"

    @property
    def project(self) -> Path:
        """custana.toml, dbt_like_sql and workspace.yaml; the source pack is named shop."""
        return self.root / "project"

    @property
    def run_seconds(self) -> float:
        """How long the run took that this shop was made with."""
        return float((self.root / "run-seconds").read_text(encoding="ascii"))

    @property
    def environment(self) -> dict[str, str]:
        """What a command of this shop is told."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CUSTANA_", "DAGSTER_"))}
        return {
            **kept,
            "CUSTANA_PROJECT_DIR": str(self.project),
            "CUSTANA_DATA_DIR": str(self.data),
            "CUSTANA_INPUT": str(self.folder),
            "CUSTANA_SOURCE": "shop",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *options: str, env: dict[str, str] | None = None) -> Outcome:
        """`custana run` for the shop's day, unless the options name another."""
        return self.custana("run", "--as-of", AS_OF, *options, env=env)

    def custana(self, *arguments: str, env: dict[str, str] | None = None) -> Outcome:
        """Runs the installed command to its end in a process of its own."""
        began = time.monotonic()
        ended = subprocess.run(  # noqa: S603 - our own interpreter and command
            command(arguments),
            env=self.environment | (env or {}),
            cwd=self.project,
            capture_output=True,
            check=False,
            timeout=COMMAND_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        told, complained = ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace")
        return Outcome(ended.returncode, told, complained, time.monotonic() - began)

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Starts the installed command in a process group of its own; its output goes to started-<n>.log."""
        with (self.root / f"started-{len(self._started)}.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and command
                command(arguments),
                env=self.environment | (env or {}),
                cwd=self.project,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def published(self) -> Path | None:
        """The version that CURRENT names, read as any reader would; None where nothing is published."""
        pointer = self.data / "published" / "CURRENT"
        return pointer.parent / pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None

    def copied_to(self, root: Path) -> "Shop":
        """The same shop elsewhere; MLflow's absolute paths are led to the copy."""
        shutil.copytree(self.root, root, symlinks=True, ignore=shutil.ignore_patterns("*.lock", "started-*.log"))
        copy = Shop(root)
        database = copy.data / "mlflow" / "mlflow.db"
        if database.is_file():
            _lead(database, str(self.data), str(copy.data))
        return copy

    def __enter__(self) -> "Shop":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            kill_group(process)


def command(arguments: Sequence[str]) -> list[str]:
    """The command line of the installed custana, run by this interpreter."""
    return [sys.executable, "-c", "from custana_pipeline.cli import command; command()", *arguments]


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills a process that `Shop.start` started, with all its children, and waits for its end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def first_shop(shared: Path, *, has_run: bool) -> Shop:
    """The shop to copy from, made where this is the first to ask for it."""
    with holding(shared / "shop.lock"):
        plain = _made(shared / "plain", _files_and_project)
    if not has_run:
        return plain
    with holding(shared / "run-shop.lock"):
        return _made(shared / "run", lambda root: _run_once(plain, root))


def _made(root: Path, make: Callable[[Path], None]) -> Shop:
    done = root.with_name(f"{root.name}.done")
    if not done.exists():
        shutil.rmtree(root, ignore_errors=True)
        make(root)
        done.touch()
    return Shop(root)


def _files_and_project(root: Path) -> None:
    shop = Shop(root)
    simulate(PLAN, shop.folder)
    (shop.folder / "planted.json").unlink()
    write_project(shop.project)


def _run_once(plain: Shop, root: Path) -> None:
    ended = plain.copied_to(root).run()
    if ended.code:
        raise CustanaError(f"The small shop cannot be run (exit code {ended.code}): {ended.err[-400:]}")
    (root / "run-seconds").write_text(f"{ended.seconds}", encoding="ascii")


def _lead(database: Path, before: str, now: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, column in _ARTIFACT_PLACES:
            connection.execute(f"update {table} set {column} = replace({column}, ?, ?)", (before, now))
