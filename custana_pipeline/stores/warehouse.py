"""The private DuckDB file of one source: one writer, short connections, one transaction a change.

Whatever is built inside `transaction()` is seen by others when it ends well, and never when it raises: build, audit and
swap are one act. Readers outside the pipeline never open this file; they read what is published.
"""

import logging
import random
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import duckdb

from custana_pipeline.errors import CustanaError, Transient
from custana_pipeline.stores import faults, lingering, run_lock, warehouse_file
from custana_pipeline.stores.hardened import STARTING, harden, is_hardened
from custana_pipeline.stores.session import Session

OPEN_WAIT_SECONDS = 120.0
_TOLD_AFTER_SECONDS = 2.0
_log = logging.getLogger("custana")


@dataclass(frozen=True)
class Warehouse:
    """Where a source's tables live and what its connections may use."""

    path: Path
    memory_limit: str = "4GB"
    threads: int = 2
    lock_wait_seconds: float = OPEN_WAIT_SECONDS
    timezone: str = "UTC"
    """The zone that a moment written with its offset becomes the local time of."""

    @contextmanager
    def transaction(self, may_read: Sequence[Path] = ()) -> Iterator["Session"]:
        """A writing session whose changes all land, or none; its SQL can read the files of `may_read` and no other.

        Raises Superseded, and changes nothing, where the run of this process may not write any more; NoSpace and
        Damaged for what the disk does. What a failed transaction has grown the file by is given back.
        """
        session = self._session(may_read=may_read)
        connection, before = session.connection, warehouse_file.size(self.path)
        try:
            warehouse_file.unseal(self.path)
            connection.execute("begin transaction")
            yield session
            run_lock.refuse_if_lost(self.path)
            connection.execute("commit")
        except BaseException as error:
            _roll_back(connection)
            session.close()
            lingering.let_go(self.path)
            if warehouse_file.size(self.path) > before:
                self.trim()
            self._raise_told(error)
        finally:
            session.close()

    @contextmanager
    def reading(self) -> Iterator["Session"]:
        """A session that writes nothing; the file must exist."""
        session = self._session(read_only=self.path.exists())
        try:
            yield session
        except duckdb.Error as error:
            self._raise_told(error)
        finally:
            session.close()

    @contextmanager
    def alone(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file held for writing without a transaction, when its readers have closed it; raises as a change does."""
        lingering.let_go(self.path)
        connection = self._connect()
        try:
            yield connection
        finally:
            connection.close()

    def trim(self) -> None:
        """Cuts off what a failed or killed transaction has left behind the file's last block."""
        try:
            connection = self._open(read_only=False)
        except duckdb.Error:
            return  # whoever opens it next is told what is wrong
        try:
            warehouse_file.cut(self.path, connection)
        finally:
            connection.close()

    def _raise_told(self, error: BaseException) -> NoReturn:
        own = None if isinstance(error, CustanaError) else faults.told(error, self.path)
        if own is None:
            raise error
        raise own from None

    def _session(self, *, read_only: bool = False, may_read: Sequence[Path] = ()) -> Session:
        """A session of the database that lingers, or of one of its own where that has other rights."""
        if may_read:
            lingering.let_go(self.path)
        elif shared := lingering.opened(self.path, self._connect, only_if_open=read_only):
            session = Session(shared)
            session.ending.callback(lingering.closed)
            return session
        return Session(self._connect(read_only=read_only, may_read=may_read))

    def _connect(self, read_only: bool = False, may_read: Sequence[Path] = ()) -> duckdb.DuckDBPyConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        warehouse_file.refuse_lone_log(self.path)
        begun = time.monotonic()
        told = False
        while True:
            try:
                return self._open(read_only, may_read)
            except duckdb.Error as error:
                holder = _holder(error)
                if holder is None:
                    self._raise_told(error)
            waited = time.monotonic() - begun
            if waited > self.lock_wait_seconds:
                raise Transient(
                    f"{holder} has held the warehouse {self.path.name} open for {waited:.0f} s: close it, or read "
                    "data/published instead, then run again."
                )
            if waited > _TOLD_AFTER_SECONDS and not told:
                told = True
                _log.warning(
                    "%s has the warehouse %s open: close it, or read data/published instead; waiting at most %.0f s.",
                    holder,
                    self.path.name,
                    self.lock_wait_seconds,
                )
            time.sleep(random.uniform(0.05, 0.3))

    def _open(self, read_only: bool, may_read: Sequence[Path] = ()) -> duckdb.DuckDBPyConnection:
        config = warehouse_file.limits(self.path, self.memory_limit, self.threads) | STARTING
        connection = duckdb.connect(str(self.path), read_only=read_only, config=config)
        if not is_hardened(connection):
            warehouse_file.limit_spilling(self.path, connection)
        harden(connection, may_read, self.timezone)
        return connection


def _holder(error: duckdb.Error) -> str | None:
    """The process that keeps the file locked; None where that is not what is wrong."""
    if "Could not set lock" not in str(error):
        return None
    found = re.search(r"PID (\d+)", str(error))
    return f"Process {found[1]}" if found else "Another process"


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("rollback")
    except duckdb.Error:
        return  # the transaction is already gone with what broke it
