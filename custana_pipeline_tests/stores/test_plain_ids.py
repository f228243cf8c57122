"""Ids that are plain ASCII are shown as they are written, and all others in one spelling."""

import duckdb
import pytest
import sqlglot

from custana_pipeline.stores.canonical_text import PLAIN_NUMBERS, shown_as
from custana_pipeline.stores.plain_ids import with_plain_ids

PACK = "select buyer as customer_id, sold as order_id from tills"
GROUPED = "select buyer as customer_id, max(sold) as order_id from tills group by buyer"


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("create table tills (buyer varchar, sold varchar)")
    return made


def shown(connection: duckdb.DuckDBPyConnection, pack: str) -> tuple[list[str], list[tuple]]:
    """The ids that get another spelling, and the rows that the view shows, which are those of the plain formulation."""
    ids = ("customer_id", "order_id")
    view = f"select {', '.join(shown_as(name, PLAIN_NUMBERS) for name in ids)} from ({pack}) as pack_rows"
    told = with_plain_ids(connection, view, sqlglot.parse_one(pack, dialect="duckdb"))  # type: ignore[arg-type]
    rows = connection.execute(f"{told} order by all").fetchall()
    assert rows == connection.execute(f"{view} order by all").fetchall()
    return [name for name in ids if shown_as(name, PLAIN_NUMBERS) in told], rows


def test_only_the_column_with_other_letters_is_spelt_anew(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("insert into tills values (' c1 ', '\u2003o1'), (null, 'o2')")
    assert shown(connection, PACK) == (["order_id"], [(" c1 ", "o1"), (None, "o2")])


def test_a_row_that_the_same_transaction_adds_is_seen(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("insert into tills values ('c1', 'o1')")
    assert shown(connection, PACK)[0] == []
    connection.execute("begin")
    connection.execute("insert into tills values ('c2', 'cafe\u0301')")
    assert shown(connection, PACK) == (["order_id"], [("c1", "o1"), ("c2", "caf\u00e9")])
    connection.execute("update tills set buyer = '\u00e9' where buyer = 'c1'")
    assert shown(connection, PACK)[0] == ["customer_id", "order_id"]


def test_a_select_that_would_be_run_for_it_is_not_asked(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("insert into tills values ('c1', 'o1')")
    assert shown(connection, GROUPED) == (["customer_id", "order_id"], [("c1", "o1")])


def test_a_table_without_rows_is_left_as_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    assert shown(connection, PACK) == (["customer_id", "order_id"], [])
