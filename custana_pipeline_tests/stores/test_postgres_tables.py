"""Raw sets that are tables of a PostgreSQL server, against a real one."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from custana_pipeline.errors import CustanaError, DataFault, Transient, WrongUse
from custana_pipeline.orchestration.assets.raw import land_raw_set
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores import databases
from custana_pipeline.stores.databases import bring_in, extract
from custana_pipeline.stores.settings import Settings, load_settings
from custana_pipeline.stores.source_files import files_of
from custana_pipeline_tests.stores.postgres_server import PASSWORD, Server, running

VARIABLE = "CUSTANA_SHOP_DB_PASSWORD"
COLUMNS = ("order_id", "customer_id", "ordered_at", "unit_price")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        server.execute(f"create role reader login password '{PASSWORD.replace(chr(39), chr(39) * 2)}'")
        yield server


@pytest.fixture
def shop(server: Server, monkeypatch) -> Server:
    """The server with a table of three order lines, of which one has a comma, a line end, quotes and no price."""
    monkeypatch.setenv(VARIABLE, PASSWORD)
    server.execute(
        "drop table if exists order_lines cascade",
        "create table order_lines (order_id int, customer_id text, ordered_at timestamptz, unit_price numeric(9, 2), "
        "photo bytea)",
        "insert into order_lines values (2, E'Müller, \"Jo\"\\nLinz', '2024-07-01 10:00:00+00', null), "
        "(1, '007', '2024-01-01 10:00:00+00', 2.50), (3, '', '2024-01-02 10:00:00+00', -1)",
        "grant select on order_lines to reader",
    )
    return server


def settings(server: Server, folder: Path, raw: dict[str, Any] | None = None, **connection: Any) -> Settings:
    """A source whose order lines are a table of the server."""
    declared = {
        "kind": "postgres",
        "port": server.port,
        "database": "shop",
        "user": "reader",
        "password_from": VARIABLE,
        **connection,
    }
    table = {"connection": "shop_db", "table": "public.order_lines", "columns": COLUMNS, "order_by": ("order_id",)}
    pack = {
        "timezone": "Europe/Vienna",
        "calendar": {"start": dt.date(2024, 1, 1)},
        "raw": {"transactions": {**table, **(raw or {})}},
    }
    return load_settings(source="tables", data_dir=folder, packs={"tables": pack}, connections={"shop_db": declared})


def land(given: Settings) -> tuple[list[tuple], Any]:
    """Brings the table in and lands it; the rows in raw.transactions, and what was landed."""
    project = Project(given)
    bring_in(given, "transactions")
    files = files_of(given, "transactions")
    with project.warehouse.transaction(may_read=files) as session:
        session.prepare()
        landed, plan = land_raw_set(session, project, "transactions", files)
        query = f"select source_file, source_line, {', '.join(COLUMNS)} from raw.transactions order by source_line"
        return session.rows(query), (landed, plan)


def refusal(given: Settings, kind: type[CustanaError]) -> str:
    """What is told of a table that cannot be brought in; never the password."""
    with pytest.raises(kind) as caught:
        bring_in(given, "transactions")
    assert PASSWORD not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_table_lands_as_text_in_the_order_of_its_key_and_the_local_time_of_the_source(shop, tmp_path):
    rows, (landed, _) = land(settings(shop, tmp_path))
    name = "shop_db.public.order_lines.parquet"
    assert rows == [
        (name, 1, "1", "007", "2024-01-01 11:00:00", "2.50"),
        (name, 2, "2", 'Müller, "Jo"\nLinz', "2024-07-01 12:00:00", None),
        (name, 3, "3", None, "2024-01-02 11:00:00", "-1.00"),
    ]
    assert [file.record_count for file in landed] == [3]


def test_a_table_that_did_not_change_is_the_same_file(shop, tmp_path):
    given = settings(shop, tmp_path)
    land(given)
    _, (landed, plan) = land(given)
    assert (landed, plan.unchanged) == ([], ("shop_db.public.order_lines.parquet",))


def test_rows_that_were_changed_or_deleted_replace_those_of_yesterday(shop, tmp_path):
    given = settings(shop, tmp_path)
    land(given)
    shop.execute(
        "delete from order_lines where order_id = 2", "update order_lines set unit_price = 9 where order_id = 3"
    )
    rows, _ = land(given)
    assert [(order, price) for _, _, order, _, _, price in rows] == [("1", "2.50"), ("3", "9.00")]


def test_many_rows_come_in_batches_of_bounded_size_and_all_of_them(shop, tmp_path, monkeypatch):
    sizes = []
    arrow = databases._arrow
    monkeypatch.setattr(databases, "_arrow", lambda batch, schema: sizes.append(len(batch)) or arrow(batch, schema))
    shop.execute("insert into order_lines select n, 'c' || n, now(), 1 from generate_series(4, 120000) n")
    given = settings(shop, tmp_path)
    bring_in(given, "transactions")
    assert sizes == [50_000, 50_000, 20_000]
    path = extract(given, "transactions")
    assert path is not None
    assert pq.read_metadata(path).num_rows == 120_000


def test_a_view_with_a_missing_optional_column_is_read(shop, tmp_path):
    shop.execute(
        "create view cheap as select order_id, customer_id, ordered_at from order_lines",
        "grant select on cheap to reader",
    )
    given = settings(shop, tmp_path, {"table": "cheap", "optional": ("unit_price",)})
    rows, _ = land(given)
    assert [row[5] for row in rows] == [None, None, None]


@pytest.mark.parametrize(
    ("raw", "connection", "told"),
    [
        ({"table": "public.orders"}, {}, "no such table or view for user reader"),
        ({"table": "nowhere.order_lines"}, {}, "no such table or view"),
        ({"columns": ("order_id", "price")}, {}, "no column price"),
        ({"order_by": ("line_no",)}, {}, "no column line_no"),
        ({"columns": ("order_id", "photo")}, {}, "column photo is binary (bytea)"),
        ({}, {"database": "market"}, "does not know database market"),
        ({}, {"user": "stranger"}, "refuses user stranger"),
        ({}, {"tls": "require"}, "no connection by TLS (require)"),
        ({"connection": "other_db"}, {}, "no [connections.other_db]"),
    ],
)
def test_what_custana_toml_has_wrong_is_told_in_one_line(shop, tmp_path, raw, connection, told):
    assert told in refusal(settings(shop, tmp_path, raw, **connection), WrongUse)


def test_a_wrong_password_is_told_by_its_variable_and_not_by_its_value(shop, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "not the password")
    assert "password_from" in refusal(settings(shop, tmp_path), WrongUse)
    monkeypatch.delenv(VARIABLE)
    assert VARIABLE in refusal(settings(shop, tmp_path), WrongUse)


def test_a_table_that_may_not_be_read_asks_for_a_grant(shop, tmp_path):
    shop.execute("revoke select on order_lines from reader")
    assert "grant select" in refusal(settings(shop, tmp_path), WrongUse)


def test_a_server_that_is_not_there_is_tried_again(shop, tmp_path):
    assert "cannot be reached" in refusal(settings(shop, tmp_path, port=1), Transient)


def test_a_table_that_is_locked_or_slow_is_given_up_after_its_timeout(shop, tmp_path):
    with shop.connect() as other, other.transaction():
        other.execute("lock table order_lines in access exclusive mode")
        assert "timeout_seconds = 1" in refusal(settings(shop, tmp_path, timeout_seconds=1), Transient)


def test_an_empty_table_is_no_data_unless_it_may_be_empty(shop, tmp_path):
    shop.execute("truncate order_lines")
    assert refusal(settings(shop, tmp_path), DataFault).startswith("NO_DATA: shop_db.public.order_lines has no row")
    bring_in(settings(shop, tmp_path, {"required": False}), "transactions")
    assert files_of(settings(shop, tmp_path, {"required": False}), "transactions") == []


def test_a_connection_that_is_lost_halfway_leaves_the_file_of_yesterday(shop, tmp_path, monkeypatch):
    given = settings(shop, tmp_path)
    bring_in(given, "transactions")
    path = extract(given, "transactions")
    assert path is not None
    yesterday = path.read_bytes()
    shop.execute("insert into order_lines select n, repeat('c', 500), now(), 1 from generate_series(4, 200000) n")
    arrow = databases._arrow

    def cut_off(batch, schema):
        shop.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'custana'")
        return arrow(batch, schema)

    monkeypatch.setattr(databases, "_arrow", cut_off)
    assert "went away while public.order_lines was read" in refusal(given, Transient)
    assert path.read_bytes() == yesterday
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_rows_that_are_not_as_many_as_were_counted_put_nothing_in_place(shop, tmp_path, monkeypatch):
    from custana_pipeline.stores import postgres_tables

    monkeypatch.setattr(postgres_tables, "_batches", lambda *given: iter([[("1", "c", "x", "1")]]))
    assert "1 rows were read and 3 were counted" in refusal(settings(shop, tmp_path), DataFault)
    assert files_of(settings(shop, tmp_path), "transactions") == []


def test_what_is_read_is_one_snapshot_and_nothing_can_be_written(shop, tmp_path):
    table = databases.table_of(settings(shop, tmp_path, user="shop"), "transactions")
    assert table is not None
    with databases.opened(table) as rows:
        shop.execute("insert into order_lines values (4, 'late', now(), 1)")
        assert (rows.row_count, sum(map(len, rows.batches))) == (3, 3)
    shop.execute(
        "create function wipe() returns int language sql as 'delete from order_lines; select 1'",
        "create view wiping as select wipe() as order_id",
    )
    with pytest.raises(CustanaError):
        bring_in(settings(shop, tmp_path, {"table": "wiping", "columns": ("order_id",)}, user="shop"), "transactions")
    shop.execute("drop view wiping", "drop function wipe")
