"""What the tests of stores share."""

from collections.abc import Iterator

import duckdb
import pytest


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory that reads on two threads."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        yield connection
