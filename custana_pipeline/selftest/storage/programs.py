"""Small programs that trials start in processes of their own, so that they can be killed, stopped or starved.

python -m custana_pipeline.selftest.storage.programs <program> <file or folder> [<number>]
"""

import contextlib
import datetime as dt
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa

from custana_pipeline.errors import CustanaError
from custana_pipeline.selftest.storage.failing_calls import fail_as_told
from custana_pipeline.stores.list_files import PublishedList
from custana_pipeline.stores.publishing import Publication, publish
from custana_pipeline.stores.run_lock import Turn, holding_turn
from custana_pipeline.stores.warehouse import Warehouse

TABLES = tuple(f"raw.part_{number}" for number in range(4))
LISTS = tuple(f"list_{number}" for number in range(4))
ROWS = 2000
DAY = dt.date(2025, 1, 15)
PUBLICATIONS = 25


def write_mark(warehouse: Warehouse, mark: int) -> None:
    """Replaces all tables in one transaction; every row of all of them holds the mark."""
    with warehouse.transaction() as session:
        session.prepare()
        for table in TABLES:
            session.connection.execute(
                f"create or replace table {table} as select {mark} as mark, md5(i::varchar) as text "
                f"from range({ROWS}) as rows (i)"
            )


def marks(warehouse: Warehouse) -> set[tuple[int, int]]:
    """Mark and rows of each table; a single pair where all are whole and of one transaction."""
    with warehouse.reading() as session:
        found = [session.rows(f"select min(mark), max(mark), count(*) from {table}")[0] for table in TABLES]
    return {(low if low == high else -1, rows) for low, high, rows in found}


def version_of(mark: int) -> Publication:
    """A version whose lists and report hold the mark alone."""
    rows = pa.table({"as_of": [DAY] * 50, "customer_id": [f"C{i:03}" for i in range(50)], "mark": [mark] * 50})
    lists = {name: PublishedList(rows, ("as_of", "customer_id")) for name in LISTS}
    return Publication(DAY, "shop", 90, lists, report=f"<p>{mark}</p>")


def write_for_ever(place: Path, _: int) -> None:
    """Writes mark after mark, and says each when it is acknowledged."""
    for mark in range(1, 10**6):
        write_mark(Warehouse(place), mark)
        _say(mark)


def checkpoint_for_ever(place: Path, _: int) -> None:
    """Adds rows and says so when they are acknowledged and a checkpoint begins."""
    connection = duckdb.connect(str(place))
    connection.execute("create schema if not exists raw")
    for mark in range(1, 10**6):
        connection.execute("begin")
        for table in TABLES:
            select = f"select {mark} as mark, md5(i::varchar) as text from range({ROWS}) as rows (i)"
            connection.execute(f"create or replace table {table} as {select}")
        connection.execute("commit")
        _say(mark)
        connection.execute("checkpoint")


def leave_a_log(place: Path, number: int) -> None:
    """Commits `number` marks that stay in the write-ahead log, and waits to be killed."""
    connection = duckdb.connect(str(place), config={"checkpoint_threshold": "1GB"})
    for mark in range(1, number + 1):
        connection.execute("begin")
        for table in TABLES:
            connection.execute(f"insert into {table} select {mark}, md5(i::varchar) from range(200) as rows (i)")
        connection.execute("commit")
    _say("written")
    time.sleep(600)


def only_open(place: Path, _: int) -> None:
    """Opens a warehouse, which replays its log."""
    _say("opening")
    with Warehouse(place).transaction():
        _say("open")


def publish_for_ever(place: Path, number: int) -> None:
    """Publishes version after version, and says each when it is published; `number` of them, or without end for 0."""
    for mark in range(1, (number or 10**6) + 1):
        publish(version_of(mark), place)
        _say(mark)


def publish_one(place: Path, number: int) -> None:
    """Writes a mark into a warehouse and publishes it."""
    write_mark(Warehouse(place / "shop.duckdb"), number)
    publish(version_of(number), place / "published")


def hold_open(place: Path, _: int) -> None:
    """Holds the file open for reading until it is killed."""
    connection = duckdb.connect(str(place), read_only=True)
    _say(connection.execute("select count(*) from duckdb_tables()").fetchall()[0][0])
    time.sleep(600)


def count_one(place: Path, _: int) -> None:
    """Adds one to a counter by reading and writing apart, within the turn of a run."""
    warehouse = Warehouse(place)
    with holding_turn(Turn(place, wait_seconds=60)):
        _say("counting")
        with warehouse.reading() as session:
            seen = session.rows("select n from counter")[0][0]
        time.sleep(2.0)
        with warehouse.transaction() as session:
            session.connection.execute("update counter set n = $n", {"n": seen + 1})


def grow(place: Path, number: int) -> None:
    """Replaces a table by one of `number` rows."""
    with Warehouse(place).transaction() as session:
        session.prepare()
        session.connection.execute(
            f"create or replace table raw.large as select i, md5(i::varchar) as a, md5((i + 1)::varchar) as b "
            f"from range({number}) as rows (i)"
        )


def sort_in_little_memory(place: Path, number: int) -> None:
    """Sorts `number` rows with 200 MB."""
    with Warehouse(place, memory_limit="200MB").transaction() as session:
        session.prepare()
        session.connection.execute(
            f"create or replace table raw.sorted as select i, md5(i::varchar) as text from range({number}) as rows (i) "
            "order by text"
        )


PROGRAMS: dict[str, Callable[[Path, int], None]] = {
    act.__name__: act
    for act in (
        write_for_ever,
        checkpoint_for_ever,
        leave_a_log,
        only_open,
        publish_for_ever,
        publish_one,
        hold_open,
        count_one,
        grow,
        sort_in_little_memory,
    )
}


def _say(what: object) -> None:
    print(what, flush=True)  # noqa: T201


def main() -> int:
    """Runs the program that the command line names; an expected error is one line on stderr."""
    name, place, *number = sys.argv[1:]
    fail_as_told()
    try:
        PROGRAMS[name](Path(place), int(number[0]) if number else 0)
    except CustanaError as error:
        with contextlib.suppress(OSError):
            print(error, file=sys.stderr, flush=True)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
