"""What SQL can do outside the warehouse's own file: nothing, but for reading what it was given."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from custana_pipeline.stores import faults
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_text import literal, without_patterns
from custana_pipeline.stores.warehouse import Warehouse

CANARY = "canary-4711"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("given [1], é'.csv", "secret.csv", "other.csv"):
        (tmp_path / name).write_text(f"a\n{CANARY}\n")
    return tmp_path


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    with Warehouse(folder / "shop.duckdb").transaction(may_read=[folder / "given [1], é'.csv"]) as opened:
        yield opened


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('{secret}')",
        "select * from read_text('{secret}')",
        "select * from read_blob('{secret}')",
        "select * from '{secret}'",
        'select * from "{secret}"',
        "select * from glob('{folder}/*')",
        "select * from read_csv('{folder}/*.csv')",
        "select * from read_text('/proc/self/environ')",
        "select * from sniff_csv('{secret}')",
        "select * from query('select * from read_text(''{secret}'')')",
        "select * from read_csv('http://127.0.0.1:9/x.csv')",
        "attach '{folder}/new.duckdb' as new",
        "copy (select 1) to '{folder}/out.csv'",
        "export database '{folder}/out'",
        "install httpfs",
        "load httpfs",
        "load '{folder}/x.duckdb_extension'",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "set allowed_paths = ['{secret}']",
        "set lock_configuration = false",
        "reset lock_configuration",
        "set temp_directory = '/tmp'",
        "set threads = 64",
        "pragma enable_profiling",
        "call enable_logging()",
        "create function f() as table select * from read_text('{secret}')",
    ],
)
def test_a_statement_reaches_nothing_outside(session: Session, folder: Path, statement: str) -> None:
    with pytest.raises(duckdb.Error):
        session.connection.execute(statement.format(secret=folder / "secret.csv", folder=folder)).fetchall()
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith("shop.duckdb")) == [
        "given [1], é'.csv",
        "other.csv",
        "secret.csv",
    ]


def test_a_file_that_was_given_can_be_read_whatever_its_name(session: Session, folder: Path) -> None:
    given = literal(without_patterns(str(folder / "given [1], é'.csv")))
    assert session.rows(f"select a from read_csv({given})") == [(CANARY,)]


def test_a_python_variable_is_no_table(session: Session) -> None:
    frame = pd.DataFrame({"a": [1]})
    session.connection.register("incoming", frame)
    assert session.rows("select * from incoming") == [(1,)]
    with pytest.raises(duckdb.CatalogException):
        session.rows("select * from frame")


def test_a_second_connection_of_this_process_is_as_closed_and_in_utc(tmp_path: Path, folder: Path) -> None:
    warehouse = Warehouse(tmp_path / "two.duckdb")
    with warehouse.transaction(), warehouse.transaction() as second:
        assert second.rows("select current_setting('timezone')") == [("UTC",)]
        with pytest.raises(duckdb.Error):
            second.rows(f"select * from read_text('{folder / 'secret.csv'}')")


def test_a_table_larger_than_memory_still_spills(tmp_path: Path) -> None:
    small = Warehouse(tmp_path / "small.duckdb", memory_limit="120MB")
    with small.transaction() as session:
        session.prepare()
        wide = "select repeat('x', 400) || range as s from range(400000)"
        assert session.rows(f"select max(s) from (select s, row_number() over (order by s) as n from ({wide}))") == [
            ("x" * 400 + "99999",)
        ]
    assert not list(tmp_path.glob("*.spill/*"))


def test_spilling_leaves_a_fifth_of_the_free_disk_to_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "free_bytes", lambda _where: 1000 * 1024**2)
    with Warehouse(tmp_path / "shop.duckdb").transaction() as session:
        told = session.rows("select current_setting('max_temp_directory_size'), current_setting('temp_directory')")
    assert told == [("800.0 MiB", str(tmp_path / "shop.spill"))]


def test_a_second_connection_of_this_process_opens_though_the_disk_has_filled_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter(range(1000, 0, -100))
    monkeypatch.setattr(faults, "free_bytes", lambda _where: next(free) * 1024**2)
    warehouse = Warehouse(tmp_path / "shop.duckdb")
    with warehouse.transaction(), warehouse.transaction() as second:
        assert second.rows("select current_setting('max_temp_directory_size')") == [("800.0 MiB",)]
