"""The warehouse as a file: its size, its leftovers, its seal, and whether it is whole.

DuckDB checks a block's checksum when it reads it, so to open a file proves nothing. Every night the checksums of all
blocks are compared (`prove`), and `custana verify` reads every value (`scan`). A failed or killed transaction leaves
blocks behind the last one that the file's header knows: they hold nothing and are cut off. The seal is the hash of the
file as the last good run left it; the next change breaks it.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from custana_pipeline.errors import Damaged, Transient
from custana_pipeline.stores import faults, warehouse_blocks
from custana_pipeline.stores.durable_files import replace_text, sync_file, sync_folder

Config = dict[str, str | bool | int | float | list[str]]
COMPACTED_FROM_BYTES = 64 * 1024**2
"""A file below this size is left as it is, however much of it is free."""
SPILL_SHARE = 0.8
"""Of the disk's free bytes, what queries may spill."""
SCAN_MEMORY = "512MiB"
"""Enough to read any table from end to end."""


def size(path: Path) -> int:
    """The file's size in bytes; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def wal_of(path: Path) -> Path:
    """The write-ahead log beside the file; it is there after a kill, until the file is opened again."""
    return path.with_name(f"{path.name}.wal")


def spill_folder(path: Path) -> Path:
    """Where a query that does not fit into memory puts its rows."""
    return path.with_suffix(".spill")


def limits(path: Path, memory: str, threads: int) -> Config:
    """What a connection may use of memory and processors, and where it spills; `limit_spilling` says how much."""
    return {"memory_limit": memory, "threads": threads, "temp_directory": str(spill_folder(path))}


def limit_spilling(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Leaves room on the disk for what is written while queries spill.

    Not told when the file is opened: what is free changes, and DuckDB refuses a second connection of a process that is
    told other things than the first.
    """
    spill = int(faults.free_bytes(path) * SPILL_SHARE) // 1024**2
    connection.execute(f"set max_temp_directory_size = '{max(spill, 1)}MiB'")


def sweep(path: Path) -> None:
    """Removes what a killed process has spilled or half written; only while nobody else works on the file."""
    for folder in (spill_folder(path), path.with_name(f"{path.name}.tmp")):
        shutil.rmtree(folder, ignore_errors=True)
    for leftover in (_compacted(path), wal_of(_compacted(path))):
        leftover.unlink(missing_ok=True)


def cut(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Cuts off what lies behind the last block; `connection` holds the file for writing, without a transaction."""
    block_size, total, _ = blocks(connection)
    # by its path: to open and close the file here would let go of DuckDB's lock
    if size(path) > warehouse_blocks.HEADER_BYTES + block_size * total and not size(wal_of(path)):
        os.truncate(path, warehouse_blocks.HEADER_BYTES + block_size * total)


def bare_connection(
    path: Path | None = None, *, read_only: bool = False, config: Config | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection for work on the file itself, on which no SQL of people runs; DuckDB draws no progress bar on it."""
    connection = duckdb.connect(str(path or ":memory:"), read_only=read_only, config=config or {})
    connection.execute("set enable_progress_bar = false")
    return connection


def blocks(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """Bytes a block, blocks in all, and blocks that hold nothing."""
    query = "select block_size, total_blocks, free_blocks from pragma_database_size()"
    block_size, total, free = connection.execute(query).fetchall()[0]
    return int(block_size), int(total), int(free)


def compact(path: Path, memory: str = SCAN_MEMORY, threads: int = 2) -> None:
    """Writes the tables into a fresh file and puts that in place in one step; rows keep their order.

    Raises Transient, and changes nothing, where another process has opened the file meanwhile.
    """
    fresh = _compacted(path)
    fresh.unlink(missing_ok=True)
    connection = bare_connection(config=limits(path, memory, threads))
    try:
        limit_spilling(path, connection)
        connection.execute(f"attach {_literal(path)} as whole")
        connection.execute("checkpoint whole")
        connection.execute(f"attach {_literal(fresh)} as fresh")
        connection.execute("copy from database whole to fresh")
        connection.execute("detach fresh")
        connection.execute("detach whole")
    except duckdb.Error as error:
        raise _locked(error, path) or faults.told(error, path) or error from None
    finally:
        connection.close()
    unseal(path)
    sync_file(fresh)
    fresh.replace(path)
    sync_folder(path.parent)


def scan(path: Path, heard: Callable[[str], None] = lambda _: None) -> int:
    """Reads every block of every table and returns how many tables there are; Damaged where one cannot be read.

    `heard` is called with the name of each table before it is read.
    """
    connection = _for_reading(path)
    try:
        tables = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        for schema, table in tables:
            heard(f"{schema}.{table}")
            # runs the SELECT and drops its rows: hashing them costs more than reading, and finds no more damage
            connection.execute(f'explain analyze select * from "{schema}"."{table}"').fetchall()
    except duckdb.Error as error:
        raise faults.told(error, path) or Damaged(f"{path.name} cannot be read ({type(error).__name__}).") from None
    finally:
        connection.close()
    return len(tables)


def prove(path: Path, looked_at: int = 0) -> None:
    """Raises Damaged where a value of the file cannot be read, found out by the checksums of its blocks.

    Besides these, all that the tables say of where their values lie is read, and has to be there. Where that does not
    prove the file whole, as with a block that holds nothing and was never written, a scan decides. `looked_at` is how
    many of the first blocks are known to have their checksums, as of a file that has just been copied.
    """
    connection = _for_reading(path)
    try:
        block_bytes, _, _ = blocks(connection)
        used = _last_block(connection) + 1
    except duckdb.Error:
        used = None  # the scan says in whose words
    finally:
        connection.close()
    if used is not None and block_bytes == warehouse_blocks.USUAL_BYTES and looked_at >= used:
        return
    if used is None or not warehouse_blocks.are_as_written(path, block_bytes, used):
        scan(path)


def _for_reading(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        # DuckDB would keep what it has read, up to four fifths of the machine's memory
        return bare_connection(path, read_only=True, config={"memory_limit": SCAN_MEMORY})
    except duckdb.Error as error:
        damaged = Damaged(f"{path.name} cannot be opened ({type(error).__name__}).")
        raise _locked(error, path) or faults.told(error, path) or damaged from None


def _locked(error: duckdb.Error, path: Path) -> Transient | None:
    if "Could not set lock" not in str(error):
        return None
    return Transient(f"Another process has {path.name} open: try again when that has ended.")


def _last_block(connection: duckdb.DuckDBPyConnection) -> int:
    """The highest number of a block that holds anything: values of a table, or what is told of them."""
    tables = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
    names = (f'"{schema}"."{table}"'.replace("'", "''") for schema, table in tables)
    numbers = "greatest(block_id, coalesce(list_max(additional_block_ids), -1))"
    queries = [f"select max({numbers}) from pragma_storage_info('{name}')" for name in names]
    found = [
        connection.execute(query).fetchall()[0][0]
        for query in ["select max(block_id) from pragma_metadata_info()", *queries]
    ]
    return max((number for number in found if number is not None), default=-1)


def seal(path: Path, digest: str) -> None:
    """Notes the hash of the file as it is now; nobody has it open for writing."""
    replace_text(_seal(path), json.dumps({"sha256": digest, "bytes": size(path)}))


def unseal(path: Path) -> None:
    """Breaks the seal, since the file is about to change."""
    _seal(path).unlink(missing_ok=True)


def sealed(path: Path) -> str | None:
    """The hash that the file must have; None where it has changed since the last good run."""
    try:
        return str(json.loads(_seal(path).read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, KeyError):
        return None


def refuse_lone_log(path: Path) -> None:
    """Raises Damaged where only the write-ahead log is there: DuckDB would begin a new file and delete the log."""
    if not path.exists() and size(wal_of(path)):
        raise Damaged(
            f"{path.name} is gone, and only its write-ahead log is there: `custana verify --repair` moves that "
            "aside and restores the last snapshot."
        )


def _seal(path: Path) -> Path:
    return path.with_suffix(".seal")


def _compacted(path: Path) -> Path:
    return path.with_suffix(".compacting")


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
