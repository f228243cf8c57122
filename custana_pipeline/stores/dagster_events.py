"""Dagster's event log in SQLite as the command writes it: each file is opened once a run instead of once an event.

The files are those of Dagster's own storage, which the pages go on reading. It opens a file, and with the last one that
closes it SQLite clears the write-ahead log, for each of the 900 events of a run; that took as long as cleaning.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from custana_pipeline.stores.sqlite_commits import wait_for_the_disk_less

_WAIT_SECONDS = 30


class KeptEventLog(SqliteEventLogStorage):
    """Dagster's storage with one connection a file, which is kept until `dispose`."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        wait_for_the_disk_less()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "KeptEventLog":
        """What Dagster makes from its settings."""
        return cls(inst_data=inst_data, **config_value)

    def dispose(self) -> None:
        """Closes the files."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": _WAIT_SECONDS, "check_same_thread": False},
            )
            self._initdb(engine)
            self._engines[shard] = engine
        return self._engines[shard]
