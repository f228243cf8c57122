"""Mended lines take the place of the old ones, and stay there when the same file is landed again."""

from pathlib import Path

import duckdb
import pytest

from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.stores.landing_sql import LandedFile, land
from custana_pipeline.stores.replays import LineKey, MendedLine, replayed_texts, take_in

ORDERS = RawSetShape("orders", {"customer_id": "c", "amount": "a"})
FILE = "c,a\nc1,1\nc2,x\nshort\n"


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


def landed(connection, path: Path, content: str = FILE, shape: RawSetShape = ORDERS) -> LandedFile:
    path.write_text(content)
    return land(connection, inspect_file(path, shape))


def mend(connection, file: LandedFile, line: int, **texts: str) -> None:
    key = LineKey(file.source_file, file.source_hash, line)
    take_in(connection, "orders", [MendedLine(key, texts, "replayed", 2)])


def state(connection) -> tuple[list[tuple], list[tuple]]:
    """The rows, and records and malformed lines in the ledger."""
    rows = connection.execute("select source_line, customer_id, amount from raw.orders order by 1").fetchall()
    return rows, connection.execute("select record_count, malformed_line_count from raw.files").fetchall()


def test_a_mended_record_replaces_the_old_one(connection, tmp_path):
    mend(connection, landed(connection, tmp_path / "o.csv"), 3, customer_id="c2", amount="2")
    assert state(connection) == ([(2, "c1", "1"), (3, "c2", "2")], [(2, 1)])


def test_a_mended_malformed_line_becomes_a_record(connection, tmp_path):
    mend(connection, landed(connection, tmp_path / "o.csv"), 4, customer_id="c3", amount="3")
    assert state(connection) == ([(2, "c1", "1"), (3, "c2", "x"), (4, "c3", "3")], [(3, 0)])
    assert connection.execute("select count(*) from raw.malformed_lines").fetchall() == [(0,)]


def test_mending_the_same_line_again_keeps_one_row(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv")
    for amount in ("2", "2", "3"):
        mend(connection, file, 3, customer_id="c2", amount=amount)
    assert state(connection) == ([(2, "c1", "1"), (3, "c2", "3")], [(2, 1)])


def test_landing_the_same_file_again_keeps_what_was_mended(connection, tmp_path):
    mend(connection, landed(connection, tmp_path / "o.csv"), 4, customer_id="c3", amount="3")
    before = state(connection)
    landed(connection, tmp_path / "o.csv")
    assert state(connection) == before


def test_a_corrected_file_of_the_same_name_supersedes_what_was_mended(connection, tmp_path):
    mend(connection, landed(connection, tmp_path / "o.csv"), 3, customer_id="c2", amount="2")
    landed(connection, tmp_path / "o.csv", "c,a\nc1,1\nc2,5\n")
    assert state(connection) == ([(2, "c1", "1"), (3, "c2", "5")], [(2, 0)])
    assert replayed_texts(connection, "orders") == {}


def test_a_column_that_was_declared_later_is_null_in_mended_lines(connection, tmp_path):
    content = "c,a,t\nc1,1,x\nc2,x,y\n"
    mend(connection, landed(connection, tmp_path / "o.csv", content), 3, customer_id="c2", amount="2")
    landed(connection, tmp_path / "o.csv", content, RawSetShape("orders", {**ORDERS.columns, "till": "t"}))
    rows = connection.execute("select source_line, amount, till from raw.orders order by 1").fetchall()
    assert rows == [(2, "1", "x"), (3, "2", None)]
