"""MLflow's home: one SQLite file and one folder of artifacts, made once, before anything else touches them.

MLflow's migrations race on a fresh file, so they are run here, by one process, under a lock. Its errors may quote what
they were given; `translated` keeps only their code.
"""

import importlib.metadata
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from custana_pipeline.errors import CustanaError, Transient
from custana_pipeline.stores import store_templates
from custana_pipeline.stores.durable_files import replace_text, sync_file, sync_folder
from custana_pipeline.stores.file_locks import holding
from custana_pipeline.stores.sqlite_commits import wait_for_the_disk_less

if TYPE_CHECKING:
    from mlflow import MlflowClient

QUIET_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_LOG_UV_FILES": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""What MLflow is told before it is imported: no calls home, no pickles, no chatter."""
FORCED = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION")
"""Those that hold whatever the environment says."""
_SQLITE_MAGIC = b"SQLite format 3\0"
_PASSING_CODES = {"TEMPORARILY_UNAVAILABLE", "RESOURCE_EXHAUSTED", "REQUEST_LIMIT_EXCEEDED"}


@dataclass(frozen=True)
class TrackingStore:
    """Where MLflow keeps its things; `folder` is absolute."""

    folder: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "mlflow.db"

    @property
    def uri(self) -> str:
        """The database as MLflow wants it named."""
        return f"sqlite:///{self.database}"

    @property
    def artifacts(self) -> Path:
        """The folder that holds a folder for each experiment."""
        return self.folder / "artifacts"


def initialise(folder: Path) -> TrackingStore:
    """Makes the store usable and returns it; does nothing where this version of MLflow has done it before (2-4 s).

    A store of an older MLflow is copied aside (mlflow.db.<version>) and migrated.
    """
    store = TrackingStore(folder.expanduser().resolve())
    marker, version = store.folder / "prepared-by", importlib.metadata.version("mlflow")
    with translated(store):
        _refuse_damaged(store)
    if _is_prepared(store, marker, version):
        return store
    with translated(store), holding(store.folder / "preparing.lock"):
        if not _is_prepared(store, marker, version):
            store.artifacts.mkdir(parents=True, exist_ok=True)
            if marker.exists() and store.database.exists():
                _migrate(store, marker.read_text())
            if not store.database.exists():
                _lay_out(store)
            client(store).search_experiments(max_results=1)
            _write_ahead(store)
            replace_text(marker, version)
    return store


def keep_template() -> None:
    """Keeps an empty store's database, from which new stores are copied."""

    def lay_out(folder: Path) -> None:
        store = initialise(folder)
        with closing(sqlite3.connect(store.database)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")

    store_templates.keep("mlflow", importlib.metadata.version("mlflow"), ("mlflow.db",), lay_out)


def client(store: TrackingStore) -> "MlflowClient":
    """A client over the store itself: no server needs to run."""
    for name, value in QUIET_ENVIRONMENT.items():
        if name in FORCED or name not in os.environ:
            os.environ[name] = value
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # what it prints with a traceback there it raises as well, and `translated` tells it
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    from mlflow import MlflowClient

    wait_for_the_disk_less()
    return MlflowClient(tracking_uri=store.uri, registry_uri=store.uri)


@contextmanager
def translated(store: TrackingStore) -> Iterator[None]:
    """Turns the errors of MLflow and of the disk into custana's: Transient for a locked database, else CustanaError."""
    try:
        yield
    except OSError as error:
        raise CustanaError(
            f"MLflow's folder {store.folder} cannot be written ({error.strerror}): check its rights and the free space."
        ) from None
    except CustanaError:
        raise
    except Exception as error:
        if not type(error).__module__.startswith(("mlflow.", "sqlalchemy.", "sqlite3")):
            raise
        raise _own(error, store) from None


def copy_database(source: Path, target: Path) -> None:
    """Copies a SQLite file as its readers see it, with what still lies in its write-ahead log."""
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)


def _own(error: Exception, store: TrackingStore) -> CustanaError:
    text = str(error)
    if "database is locked" in text:
        return Transient(f"{store.database} is locked by another process: try again when that has ended.")
    if "database or disk is full" in text or "readonly database" in text:
        return CustanaError(f"{store.database} cannot be written: check its rights and the free space.")
    if "file is not a database" in text or "disk image is malformed" in text:
        return CustanaError(
            f"{store.database} is damaged: move {store.folder} away and run again, which begins a new one; what was "
            "published stays."
        )
    if "out-of-date database schema" in text or "Can't locate revision" in text:
        return CustanaError(
            f"{store.database} was written by another version of MLflow: install that one, or move {store.folder} away."
        )
    code = getattr(error, "error_code", type(error).__name__)
    kind = Transient if code in _PASSING_CODES else CustanaError
    return kind(f"MLflow refused to log ({code}): its store is {store.folder}; `custana ui` shows what is in it.")


def _refuse_damaged(store: TrackingStore) -> None:
    """Raises where the file is no database: MLflow itself would try again for a minute and a half."""
    if not store.database.is_file():
        return
    with store.database.open("rb") as file:
        # SQLite reads what is in the log beside it first, and might not look
        if file.read(len(_SQLITE_MAGIC)) not in (_SQLITE_MAGIC, b""):
            raise sqlite3.DatabaseError("file is not a database")
    with closing(sqlite3.connect(f"{store.database.as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("select count(*) from sqlite_master").fetchall()


def _is_prepared(store: TrackingStore, marker: Path, version: str) -> bool:
    return store.database.is_file() and marker.is_file() and marker.read_text() == version


def _lay_out(store: TrackingStore) -> None:
    """Makes the database under another name first: one whose migrations were killed halfway can never be used."""
    aside = TrackingStore(store.folder / "preparing")
    shutil.rmtree(aside.folder, ignore_errors=True)
    aside.folder.mkdir()
    if not store_templates.place("mlflow", importlib.metadata.version("mlflow"), (aside.database.name,), aside.folder):
        client(aside).search_experiments(max_results=1)  # the first question creates the tables
        sync_file(aside.database)
    aside.database.rename(store.database)
    shutil.rmtree(aside.folder)
    sync_folder(store.folder)


def _write_ahead(store: TrackingStore) -> None:
    # Kept in the file: a commit then costs one flush instead of three, and the page reads while a run writes.
    with closing(sqlite3.connect(store.database)) as connection:
        connection.execute("pragma journal_mode = wal")


def _migrate(store: TrackingStore, older: str) -> None:
    copy_database(store.database, store.database.with_name(f"mlflow.db.{older}"))
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", store.uri]
    upgrade = subprocess.run(  # noqa: S603 - our own interpreter, our own path
        command, env={**os.environ, **QUIET_ENVIRONMENT}, capture_output=True, check=False
    )
    if upgrade.returncode:
        raise CustanaError(
            f"MLflow could not migrate {store.database} from version {older}: the file before is beside it; "
            f"move {store.folder} away to begin a new one."
        )
