"""Dagster's event log in SQLite as the command writes it: each file is opened once a run instead of once an event.

The files are those of Dagster's own storage, which the pages go on reading. It opens a file, and with the last one that
closes it SQLite clears the write-ahead log, for each of the 400 events of a run; that took as long as cleaning.
"""

import importlib.metadata
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from custana_pipeline.stores import store_templates
from custana_pipeline.stores.sqlite_commits import wait_for_the_disk_less

if TYPE_CHECKING:
    from dagster import EventLogEntry

INDEX_FILE = "history/runs/index.db"
"""Of a home; the file of a single run has the same tables."""
_WAIT_SECONDS = 30


class KeptEventLog(SqliteEventLogStorage):
    """Dagster's storage with one connection a file, which is kept until `dispose`, and one commit a batch."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._batch: dict[str, Connection] | None = None
        self._opened = ExitStack()
        self._turn = threading.RLock()
        self._known_tables: set[str] = set()
        wait_for_the_disk_less()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "KeptEventLog":
        """What Dagster makes from its settings."""
        return cls(inst_data=inst_data, **config_value)

    def store_event_batch(self, events: "Sequence[EventLogEntry]") -> None:
        """Stores all of them or none: what a run means to make is told in 92 events at once."""
        with self._turn, ExitStack() as self._opened:
            self._batch = {}
            try:
                super().store_event_batch(events)
            finally:
                self._batch = None

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; one that was there once is not looked for again, as for each check before."""
        if table_name not in self._known_tables and super().has_table(table_name):
            self._known_tables.add(table_name)
        return table_name in self._known_tables

    def dispose(self) -> None:
        """Closes the files."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._turn:
            if self._batch is None:
                with self._engine(shard).begin() as connection:
                    yield connection
                return
            if shard not in self._batch:
                self._batch[shard] = self._opened.enter_context(self._engine(shard).begin())
            yield self._batch[shard]

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            is_laid_out = _laid_out(Path(self.path_for_shard(shard)))
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": _WAIT_SECONDS, "check_same_thread": False},
            )
            if not is_laid_out:
                self._initdb(engine)
                engine.dispose()  # only a connection that finds a write-ahead log does not wait for the disk
            self._engines[shard] = engine
        return self._engines[shard]


def _laid_out(file: Path) -> bool:
    """Whether the file has the tables of this Dagster; a new one is copied from the kept empty store, if there is any.

    Dagster would ask its migrations, which takes a tenth of a second a file.
    """
    version = importlib.metadata.version("dagster")
    if not file.exists():
        return store_templates.place_one("dagster", version, INDEX_FILE, file)
    template = store_templates.kept("dagster", version) / INDEX_FILE
    return template.is_file() and _revision(file, "mode=rw") == _revision(template, "immutable=1") is not None


def _revision(file: Path, how: str) -> str | None:
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{file.as_uri()}?{how}", uri=True)) as connection:
        return str(connection.execute("select version_num from alembic_version").fetchone()[0])
    return None
