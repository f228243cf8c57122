"""What landing and cleaning take where only the design is kept to: `python floor.py FILES OUT`.

A bare script of DuckDB and numpy: every file hashed, every line kept as text beside the number of its file, typed rows
with the reason where one cannot be used, repeated lines found by their hash, and the two told apart by views. There
are no contracts, counts, ids in one spelling, line numbers, mended lines, receipts or transactions. It is one way to do
that, as quick as was found, and no proof that there is none quicker.

`least` leaves nearly all of that away: lines as text in one table and typed ones in another, with no hash, file, reason
or look for repeated lines. Whatever keeps lines as text in DuckDB has to do as much.
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

THREADS, MEMORY = 2, "8GB"
TYPES = {
    "order_lines": {
        "order_id": "bigint",
        "line_no": "smallint",
        "customer_id": "integer",
        "product_id": "integer",
        "ts": "timestamp",
        "qty": "integer",
        "unit_price": "decimal(12, 2)",
    },
    "events": {
        "event_id": "bigint",
        "customer_id": "integer",
        "product_id": "integer",
        "ts": "timestamp",
        "event_type": "kind",
    },
}
REASONS = {
    "order_lines": """case when customer_id is null then 1 when product_id is null then 2 when ts is null then 3
        when qty is null or qty <= 0 then 4 when unit_price is null or unit_price <= 0 then 5
        when customer_id not in (select customer_id from customers) then 6 else 0 end""",
    "events": "case when customer_id is null then 1 when ts is null then 3 when event_type is null then 7 else 0 end",
}
PACKED = ("order_id", "event_id", "ts")
"""Columns of which nearly every text is another one: DuckDB would look for repeated ones, which takes a third more."""
seconds: dict[str, float] = {}


@contextmanager
def _timed(stage: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[stage] = time.monotonic() - began


def land(connection: duckdb.DuckDBPyConnection, files: Path) -> None:
    """raw_<set>: every line as text, with the number of its file; all files hashed."""
    parts = {name: sorted((files / name).glob("*.csv")) for name in TYPES}
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(_sha256, [file for each in parts.values() for file in each]))
    connection.execute(f"create table customers as select * from read_csv('{files}/customers.csv')")
    for name in TYPES:
        connection.execute(f"create table raw_{name} ({_text_columns(name)}, file usmallint)")
        for number, file in enumerate(parts[name]):
            connection.execute(f"insert into raw_{name} select *, {number} from {_reader(name, file)}")


def least(connection: duckdb.DuckDBPyConnection, files: Path) -> None:
    """least_<set>: every line as text; typed_<set>: the same rows typed. Nothing else."""
    for name, types in TYPES.items():
        connection.execute(f"create table least_{name} ({_text_columns(name)})")
        for file in sorted((files / name).glob("*.csv")):
            connection.execute(f"insert into least_{name} select * from {_reader(name, file)}")
        typed = ", ".join(f"try_cast({column} as {kind}) as {column}" for column, kind in types.items())
        connection.execute(f"create table typed_{name} as select {typed} from least_{name}")
    connection.execute("checkpoint")


def _text_columns(name: str) -> str:
    return ", ".join(f"{column} varchar{' using compression zstd' * (column in PACKED)}" for column in TYPES[name])


def _reader(name: str, file: Path) -> str:
    texts = ", ".join(f"'{column}': 'varchar'" for column in TYPES[name])
    return f"read_csv('{file}', columns = {{{texts}}}, header = true, auto_detect = false, delim = ',')"


def clean(connection: duckdb.DuckDBPyConnection) -> None:
    """judged_<set>: typed rows with a reason; views of those that stay and of those that are set aside."""
    for name, types in TYPES.items():
        texts = "chr(31) || ".join(f"coalesce({column}, '') || " for column in types)
        hashes = connection.execute(f"select hash({texts} '') as line from raw_{name}").fetchnumpy()["line"]
        found = np.sort(np.ma.getdata(hashes))
        repeated = pa.table({"line": np.unique(found[1:][found[1:] == found[:-1]])})
        connection.register("repeated", repeated)
        typed = ", ".join(f"try_cast({column} as {kind}) as {column}" for column, kind in types.items())
        connection.execute(
            f"""create table judged_{name} as
            select *, cast({REASONS[name]} as utinyint) as reason, line in (select line from repeated) as is_repeated
            from (select rowid as line_row, hash({texts} '') as line, {typed} from raw_{name})"""
        )
        connection.execute(
            f"""update judged_{name} set reason = 8 where is_repeated and reason = 0 and line_row in (
                select line_row from judged_{name} where is_repeated
                qualify row_number() over (partition by line order by line_row) > 1)"""
        )
        connection.execute(f"create view cleaned_{name} as select * from judged_{name} where reason = 0")
        connection.execute(f"create view set_aside_{name} as select * from judged_{name} where reason > 0")
    connection.execute("checkpoint")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def begun(file: str) -> duckdb.DuckDBPyConnection:
    """A connection to a new database with the threads and memory of both sides."""
    connection = duckdb.connect(file)
    connection.execute(f"set threads = {THREADS}")
    connection.execute(f"set memory_limit = '{MEMORY}'")
    connection.execute("set preserve_insertion_order = false")
    connection.execute("create type kind as enum ('view', 'cart', 'purchase')")
    return connection


if __name__ == "__main__":
    files, out = Path(sys.argv[1]), Path(sys.argv[2])
    with begun(str(out / "floor.duckdb")) as connection:
        with _timed("land"):
            land(connection, files)
        with _timed("clean"):
            clean(connection)
    (out / "floor.duckdb").unlink()
    with begun(str(out / "least.duckdb")) as connection, _timed("least"):
        least(connection, files)
    (out / "floor.json").write_text(json.dumps(seconds))
