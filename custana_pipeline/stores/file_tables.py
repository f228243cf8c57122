"""Tables of a database that is a file of this machine, SQLite or DuckDB: opened for reading only, streamed as text."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from custana_pipeline.errors import BadFile, Transient, WrongUse
from custana_pipeline.stores.databases import ROWS_PER_BATCH, DatabaseTable, OpenTable, Row
from custana_pipeline.stores.hardened import STARTING, harden
from custana_pipeline.stores.places import input_place
from custana_pipeline.stores.sql_text import identifier

_BINARY = ("BLOB", "BIT")
_LOCKED = ("is locked", "Could not set lock")
"""What SQLite and DuckDB say where another process has the file; the path, which is in it, may hold any word."""


@contextmanager
def opened(table: DatabaseTable) -> Iterator[OpenTable]:
    """A table or view of the file in one transaction.

    Raises WrongUse where file, table or column are not as declared, Transient where another process is writing to it,
    and BadFile where it is no database of its kind.
    """
    path = input_place(table.connection.database, table.project_dir)
    if not path.is_file():
        raise WrongUse(
            f"connection {table.connection_name}: there is no file {path.name}: correct its `database` in custana.toml."
        )
    read = _sqlite if table.connection.kind == "sqlite" else _duckdb
    try:
        with read(path, table) as rows:
            yield rows
    except (sqlite3.OperationalError, duckdb.IOException) as fault:
        if any(told in str(fault) for told in _LOCKED):
            raise Transient(
                f"connection {table.connection_name}: another process is writing to {path.name}: close it, or wait."
            ) from None
        raise _unreadable(table, path) from None
    except (sqlite3.Error, duckdb.Error):
        raise _unreadable(table, path) from None


def _unreadable(table: DatabaseTable, path: Path) -> BadFile:
    kind = {"sqlite": "SQLite", "duckdb": "DuckDB"}[table.connection.kind]
    return BadFile(f"{table.label}: it cannot be read from {path.name}: see whether that is a whole {kind} file.")


@contextmanager
def _sqlite(path: Path, table: DatabaseTable) -> Iterator[OpenTable]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        connection.execute("begin")
        found = connection.execute("select name, type from pragma_table_info(?)", (table.name.split(".")[-1],))
        columns = _wanted(table, dict(found.fetchall()))
        shown = [f"cast({identifier(name)} as text)" for name in columns]
        cursor = connection.execute(_select(table, shown))
        yield OpenTable(columns, _count(connection.execute, table), _batches(cursor))


@contextmanager
def _duckdb(path: Path, table: DatabaseTable) -> Iterator[OpenTable]:
    with duckdb.connect(str(path), read_only=True, config=STARTING) as connection:
        harden(connection, timezone=table.timezone)
        connection.execute("begin transaction")
        schema, _, name = table.name.rpartition(".")
        found = connection.execute(
            "select column_name, data_type from information_schema.columns where table_schema = $schema "
            "and table_name = $name order by ordinal_position",
            {"schema": schema or "main", "name": name},
        )
        kinds = dict(found.fetchall())
        columns = _wanted(table, kinds)
        zoned = {column for column in columns if kinds[column] == "TIMESTAMP WITH TIME ZONE"}
        shown = [
            f"cast({f'cast({identifier(name)} as timestamp)' if name in zoned else identifier(name)} as varchar)"
            for name in columns
        ]
        count = _count(connection.execute, table)
        yield OpenTable(columns, count, _batches(connection.execute(_select(table, shown))))


def _wanted(table: DatabaseTable, kinds: dict[str, str]) -> list[str]:
    if not kinds:
        raise WrongUse(f"{table.label}: there is no such table or view: correct `table` in custana.toml.")
    columns = table.present(list(kinds))
    if binary := [name for name in columns if kinds[name].upper() in _BINARY]:
        raise WrongUse(f"{table.label}: column {', '.join(binary)} is binary and cannot be text: leave it out.")
    return columns


def _select(table: DatabaseTable, shown: list[str]) -> str:
    order = f" order by {', '.join(map(identifier, table.order_by))}" if table.order_by else ""
    return f"select {', '.join(shown)} from {_name(table)}{order}"


def _name(table: DatabaseTable) -> str:
    return ".".join(map(identifier, table.name.split(".")))


def _count(execute: Callable[[str], Any], table: DatabaseTable) -> int:
    return execute(f"select count(*) from {_name(table)}").fetchall()[0][0]


def _batches(cursor: Any) -> Iterator[list[Row]]:
    while batch := cursor.fetchmany(ROWS_PER_BATCH):
        yield batch
