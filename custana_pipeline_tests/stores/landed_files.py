"""Files as tests land them: the file is written, landed, and the law of lines is looked at."""

from pathlib import Path

import duckdb

from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.stores.landing_sql import LandedFile, land

ORDERS = RawSetShape("orders", {"customer_id": "c", "day": "d", "amount": "a"}, optional=("amount",))
PURCHASES = RawSetShape("purchases", {"customer_id": "", "day": "", "amount": ""}, "blank_separated", header=False)


def landed(
    connection: duckdb.DuckDBPyConnection, path: Path, content: str | bytes, shape: RawSetShape = ORDERS
) -> LandedFile:
    """Write the file, land it, and check the law of lines."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    file = land(connection, inspect_file(path, shape))
    parts = file.header_line_count + file.blank_line_count + file.record_count
    assert file.line_count == parts + file.malformed_line_count + file.continuation_line_count
    return file


def rows(connection: duckdb.DuckDBPyConnection, table: str = "orders") -> list[tuple]:
    return connection.execute(
        f"select source_line, customer_id, day, amount from raw.{table} order by source_file, source_line"
    ).fetchall()


def malformed(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    return connection.execute(
        "select source_line, reason, raw_line from raw.malformed_lines order by source_line"
    ).fetchall()
