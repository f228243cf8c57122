"""Raw sets that are tables of a SQLite or DuckDB file."""

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from custana_pipeline.errors import BadFile, CustanaError, Transient, WrongUse
from custana_pipeline.stores.databases import bring_in, extract
from custana_pipeline.stores.settings import Settings, load_settings

ORDERS = (
    "create table order_lines (order_id integer, customer_id varchar, unit_price decimal(9, 2), photo blob)",
    "insert into order_lines values (2, 'Jo, \"x\"', null, null), (1, '007', 2.5, null)",
)


def settings(folder: Path, kind: str, raw: dict[str, Any] | None = None) -> Settings:
    """A source whose order lines are a table of the file shop.db."""
    columns = ("order_id", "customer_id", "unit_price")
    table = {"connection": "shop_db", "table": "order_lines", "columns": columns, "order_by": ("order_id",)}
    pack = {"calendar": {"start": dt.date(2024, 1, 1)}, "raw": {"transactions": {**table, **(raw or {})}}}
    connection = {"kind": kind, "database": str(folder / "shop.db")}
    given = {"packs": {"tables": pack}, "connections": {"shop_db": connection}}
    return load_settings(source="tables", data_dir=folder / "data", **given)


@pytest.fixture(params=["sqlite", "duckdb"])
def kind(request, tmp_path) -> str:
    """The kind of database that shop.db is."""
    connect: Any = sqlite3.connect if request.param == "sqlite" else duckdb.connect
    connection = connect(str(tmp_path / "shop.db"))
    for statement in ORDERS:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return request.param


def rows(given: Settings) -> list[tuple]:
    """What is brought in, in its order."""
    bring_in(given, "transactions")
    path = extract(given, "transactions")
    return duckdb.sql(
        f"select * from read_parquet('{path}', file_row_number = true) order by file_row_number"
    ).fetchall()


def test_a_table_is_read_as_text_in_the_order_of_its_key(kind, tmp_path):
    price = "2.5" if kind == "sqlite" else "2.50"
    assert rows(settings(tmp_path, kind)) == [("1", "007", price, 0), ("2", 'Jo, "x"', None, 1)]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"table": "orders"}, "no such table or view"),
        ({"columns": ("order_id", "price")}, "no column price"),
        ({"columns": ("order_id", "photo")}, "column photo is binary"),
    ],
)
def test_what_custana_toml_has_wrong_is_told(kind, tmp_path, raw, told):
    with pytest.raises(WrongUse, match=told):
        rows(settings(tmp_path, kind, raw))


def test_a_file_that_is_no_database_is_refused(kind, tmp_path):
    (tmp_path / "shop.db").write_bytes(b"order_id,customer_id\n" * 1000)
    with pytest.raises(BadFile, match=r"cannot be read from shop\.db"):
        rows(settings(tmp_path, kind))


def test_a_broken_file_in_a_folder_named_like_a_lock_is_not_waited_for(tmp_path):
    place = tmp_path / "clock"
    place.mkdir()
    (place / "shop.db").write_bytes(b"order_id,customer_id\n" * 1000)
    with pytest.raises(BadFile, match=r"cannot be read from shop\.db"):
        rows(settings(place, "duckdb"))


def test_a_file_that_another_connection_writes_to_is_waited_for(tmp_path, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **told: connect(*given, **{**told, "timeout": 0}))
    with closing(connect(str(tmp_path / "shop.db"), isolation_level=None)) as writer:
        for statement in (*ORDERS, "begin exclusive"):
            writer.execute(statement)
        with pytest.raises(Transient, match=r"another process is writing to shop\.db"):
            rows(settings(tmp_path, "sqlite"))


def test_a_file_that_is_not_there_is_told_and_not_made(tmp_path):
    with pytest.raises(WrongUse, match=r"no file shop\.db"):
        rows(settings(tmp_path, "sqlite"))
    assert not (tmp_path / "shop.db").exists()


@pytest.mark.parametrize(
    "raw",
    [
        {"table": "order_lines; drop table order_lines"},
        {"table": 'order_lines" where "1'},
        {"table": "a.b.c"},
        {"columns": ("order_id", "(select 1)")},
        {"columns": {"order_id": 'order_id", password as "x'}},
        {"order_by": ("order_id desc",)},
        {"files": ("orders.csv",)},
        {"connection": ""},
        {"header": False},
    ],
)
def test_a_table_or_column_that_is_no_plain_name_is_refused_as_a_setting(tmp_path, raw):
    with pytest.raises(WrongUse, match=r"packs\.tables\.raw\.transactions"):
        settings(tmp_path, "sqlite", raw)


@pytest.mark.parametrize(
    "connection",
    [
        {"kind": "postgres", "database": "shop"},
        {"kind": "postgres", "database": "shop", "user": "me", "password": "plain"},
        {"kind": "postgres", "database": "shop", "user": "me", "password_from": "not a variable"},
        {"kind": "postgres", "database": "shop", "user": "me", "host": "db host=evil"},
        {"kind": "oracle", "database": "shop", "user": "me"},
        {"kind": "sqlite", "database": "shop.db", "user": "me"},
    ],
)
def test_a_connection_that_is_not_wholly_declared_is_refused(connection):
    with pytest.raises(CustanaError) as caught:
        load_settings(connections={"shop_db": connection})
    assert "connections.shop_db" in str(caught.value)
    assert "plain" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "mode"), [("127.0.0.1", "prefer"), ("/run/postgresql", "prefer"), ("db.shop.example", "verify-full")]
)
def test_a_server_elsewhere_has_to_prove_who_it_is_unless_told_otherwise(host, mode):
    declared = {"kind": "postgres", "database": "shop", "user": "me", "host": host}
    assert load_settings(connections={"shop_db": declared}).connections["shop_db"].tls_mode == mode
