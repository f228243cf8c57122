"""The private DuckDB file of one source: one writer, short connections, one transaction a change.

Whatever is built inside `transaction()` is seen by others when it ends well, and never when it raises: build, audit and
swap are one act. Readers outside the pipeline never open this file; they read what is published.
"""

import logging
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import duckdb

from custana_pipeline.errors import ContractBroken, CustanaError, Transient, WrongUse
from custana_pipeline.stores import faults, run_lock, warehouse_file
from custana_pipeline.stores.canonical_text import PLAIN_NUMBERS, NumberMarks
from custana_pipeline.stores.hardened import STARTING, harden
from custana_pipeline.stores.sql_models import CANONICAL_COLUMNS, SqlModel, SqlModels

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

OPEN_WAIT_SECONDS = 120.0
_TOLD_AFTER_SECONDS = 2.0
_log = logging.getLogger("custana")

SCHEMAS = ("raw", "sources", "cleaned", "features", "models", "applications")
Parameters = Mapping[str, Any]


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
        connection = self._connect(may_read=may_read)
        before = warehouse_file.size(self.path)
        try:
            warehouse_file.unseal(self.path)
            connection.execute("begin transaction")
            yield Session(connection)
            run_lock.refuse_if_lost(self.path)
            connection.execute("commit")
        except BaseException as error:
            _roll_back(connection)
            connection.close()
            if warehouse_file.size(self.path) > before:
                self.trim()
            self._raise_told(error)
        finally:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator["Session"]:
        """A session that writes nothing; the file must exist."""
        connection = self._connect(read_only=self.path.exists())
        try:
            yield Session(connection)
        except duckdb.Error as error:
            self._raise_told(error)
        finally:
            connection.close()

    @contextmanager
    def alone(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file held for writing without a transaction, when its readers have closed it; raises as a change does."""
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
        config = {
            "memory_limit": self.memory_limit,
            "threads": self.threads,
            "temp_directory": str(warehouse_file.spill_folder(self.path)),
            **STARTING,
        }
        connection = duckdb.connect(str(self.path), read_only=read_only, config=config)
        harden(connection, may_read, self.timezone)
        return connection


@dataclass(frozen=True)
class Session:
    """One connection with the few things that the pipeline does to tables."""

    connection: duckdb.DuckDBPyConnection

    def prepare(self) -> None:
        """Makes the schemas, where they are missing."""
        for schema in SCHEMAS:
            self.connection.execute(f"create schema if not exists {schema}")

    def create_source_views(
        self,
        models: SqlModels,
        raw_columns: Mapping[str, Sequence[str]],
        tables: Sequence[str] | None = None,
        numbers: NumberMarks = PLAIN_NUMBERS,
    ) -> None:
        """Points `sources.*`, or those of `tables` only, at the raw tables of the pack that `models` was read for.

        `raw_columns` maps each raw table (`raw.<set>`) to its columns; the raw tables behind the views must exist.
        """
        for table in CANONICAL_COLUMNS if tables is None else tables:
            select = models.source_view(table, raw_columns, numbers)
            try:
                self.connection.execute(f"create or replace view sources.{table} as {select}")
            except duckdb.Error as error:
                raise WrongUse(
                    f"The source pack's {table}.sql cannot be used ({_first_line(error)}): check the names of its raw "
                    "tables and columns against custana.toml."
                ) from None

    def build(self, model: SqlModel, parameters: Parameters | None = None) -> int:
        """Replaces the model's table by what its SELECT yields now, and returns the rows."""
        self._run(f"create or replace table {model.name} as {model.text}", model, parameters)
        return self.count(model.name)

    def build_view(self, model: SqlModel) -> None:
        """Replaces the model's view; for models without parameters."""
        self._run(f"create or replace view {model.name} as {model.text}", model, None)

    def build_day(self, model: SqlModel, parameters: Parameters) -> int:
        """Replaces the rows of one `as_of` in the model's table, and returns how many they are now.

        A table whose columns are no longer those of the model is begun anew.
        """
        if self.exists(model.name) and self.columns(model.name) != model.columns:
            self.connection.execute(f"drop table {model.name}")
        if not self.exists(model.name):
            self._run(f"create table {model.name} as {model.text}", model, parameters)
        else:
            self.connection.execute(f"delete from {model.name} where as_of = $as_of", {"as_of": parameters["as_of"]})
            self._run(f"insert into {model.name} {model.text}", model, parameters)
        found = self.rows(f"select count(*) from {model.name} where as_of = $as_of", {"as_of": parameters["as_of"]})
        return int(found[0][0])

    def replace_day(self, table: str, frame: "pd.DataFrame", as_of: Any) -> int:
        """Replaces the rows of one `as_of` in `table` by those of `frame`, which has all its columns."""
        self.connection.register("incoming", frame)
        names = ", ".join(frame.columns)
        if self.exists(table) and self.columns(table) != tuple(frame.columns):
            self.connection.execute(f"drop table {table}")
        if not self.exists(table):
            self.connection.execute(f"create table {table} as select {names} from incoming")
        else:
            self.connection.execute(f"delete from {table} where as_of = $as_of", {"as_of": as_of})
            self.connection.execute(f"insert into {table} select {names} from incoming")
        self.connection.unregister("incoming")
        return len(frame)

    def rows(self, query: str, parameters: Parameters | None = None) -> list[tuple]:
        """The rows of a small result."""
        return self.connection.execute(query, _named(query, parameters)).fetchall()

    def frame(self, query: str, parameters: Parameters | None = None) -> "pd.DataFrame":
        """The result as a pandas frame; text is of pandas' string type, whether or not there are rows."""
        result = self.connection.execute(query, _named(query, parameters))
        texts = [name for name, kind, *_ in result.description or () if str(kind) == "VARCHAR"]
        return result.df().astype(dict.fromkeys(texts, "str"))

    def table(self, query: str, parameters: Parameters | None = None) -> "pa.Table":
        """The result as an Arrow table."""
        return self.connection.sql(query, params=_named(query, parameters)).to_arrow_table()

    def batches(self, query: str, rows_per_batch: int = 250_000) -> Iterator["pd.DataFrame"]:
        """The result in frames of bounded size, so that a large table is never whole in memory."""
        for batch in self.connection.sql(query).to_arrow_reader(rows_per_batch):
            yield batch.to_pandas()

    def exists(self, table: str) -> bool:
        """Whether a table or view of that name is there."""
        schema, name = table.split(".")
        query = "select count(*) from information_schema.tables where table_schema = $schema and table_name = $name"
        return self.rows(query, {"schema": schema, "name": name})[0][0] > 0

    def columns(self, table: str) -> tuple[str, ...]:
        """The names of a table's columns, in order; none where there is no such table."""
        return tuple(self.column_types(table))

    def column_types(self, table: str) -> dict[str, str]:
        """A table's columns and their DuckDB types, in order."""
        schema, name = table.split(".")
        query = """select column_name, data_type from information_schema.columns
            where table_schema = $schema and table_name = $name order by ordinal_position"""
        return dict(self.rows(query, {"schema": schema, "name": name}))  # type: ignore[arg-type]

    def count(self, table: str) -> int:
        """How many rows a table has; 0 where there is none."""
        return int(self.rows(f"select count(*) from {table}")[0][0]) if self.exists(table) else 0

    def _run(self, statement: str, model: SqlModel, parameters: Parameters | None) -> None:
        missing = model.parameters - set(parameters or {})
        if missing:
            raise CustanaError(f"{model.name} needs the parameters {', '.join(sorted(missing))}.")
        given = {name: value for name, value in (parameters or {}).items() if name in model.parameters}
        try:
            self.connection.execute(statement, given)
        except duckdb.OutOfMemoryException:
            raise CustanaError(
                f"{model.name} needs more memory than memory_limit allows: raise CUSTANA_MEMORY_LIMIT, or free disk "
                "space for spilling."
            ) from None
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise ContractBroken(f"{model.name} cannot be built: {_first_line(error)}") from None
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
            # the library's text quotes the offending value, so only its kind is told
            raise ContractBroken(
                f"{model.name} met a value that does not fit its type ({type(error).__name__}): a rule in "
                f"dbt_like_sql/{model.name.replace('.', '/')}.sql must judge that column first."
            ) from None


def _named(query: str, parameters: Parameters | None) -> dict[str, Any]:
    return {name: value for name, value in (parameters or {}).items() if f"${name}" in query}


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


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
