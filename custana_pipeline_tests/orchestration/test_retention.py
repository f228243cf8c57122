"""What the warehouse keeps of past days, and of another input."""

import datetime as dt
from pathlib import Path

import pytest

from custana_pipeline.orchestration.assets.raw import begin_anew_for_another_input, land_files
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.retention import forget_old_days
from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.stores.session import Session
from custana_pipeline_tests.orchestration.packs import shipped

FIRST_PURCHASE = dt.date(2024, 1, 1)
ORDERS = RawSetShape("orders", {"order_id": "order_id", "amount": "amount"})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(shipped("sample", tmp_path).model_copy(update={"warehouse_days": 1}))


def ran(session: Session, days: list[dt.date]) -> None:
    """A warehouse in which `days` were run, in that order, with a list and the features of each."""
    session.prepare()
    tables = {"models.champions": "", "models.holdouts": "", "features.activity": "", "applications.lists": ""}
    for table in tables:
        session.connection.execute(f"create table {table} (as_of date)")
        for day in days:
            session.rows(f"insert into {table} values ($day)", {"day": day})
    session.connection.execute("create table cleaned.numbered_transactions (ordered_date date, is_return boolean)")
    session.rows("insert into cleaned.numbered_transactions values ($day, false)", {"day": FIRST_PURCHASE})


def days_of(session: Session, table: str) -> list[dt.date]:
    return [day for (day,) in session.rows(f"select as_of from {table} order by as_of")]


def test_the_day_that_was_run_last_stays_even_when_it_is_the_older_one(project: Project) -> None:
    newer, older = dt.date(2026, 1, 1), dt.date(2025, 6, 1)
    with project.warehouse.transaction() as session:
        ran(session, [newer, older])
        assert forget_old_days(session, project) > 0
        assert days_of(session, "applications.lists") == [older]
        assert days_of(session, "features.activity") == [older]


def test_a_day_before_the_first_purchase_of_this_input_is_forgotten_and_stops_nothing(project: Project) -> None:
    day, from_another_input = dt.date(2026, 1, 1), dt.date(2011, 9, 10)
    with project.warehouse.transaction() as session:
        ran(session, [day, from_another_input])
        forget_old_days(session, project)
        assert days_of(session, "applications.lists") == [day]


def test_a_view_of_old_days_stands_in_nobodys_way(project: Project) -> None:
    newer, older = dt.date(2026, 1, 1), dt.date(2025, 6, 1)
    with project.warehouse.transaction() as session:
        ran(session, [older, newer])
        session.connection.execute("create view features.aaa as select * from features.activity")
        forget_old_days(session, project)
        assert days_of(session, "features.aaa") == [newer]


def landed(session: Session, folder: Path, content: str) -> list[tuple]:
    """Lands orders.csv of one input folder, and returns what raw.orders holds then."""
    folder.mkdir(exist_ok=True)
    file = folder / "orders.csv"
    file.write_text(f"order_id,amount\n{content}")
    begin_anew_for_another_input(session, ORDERS, folder)
    land_files(session, ORDERS, [file])
    return session.rows("select order_id from raw.orders order by order_id")


def test_another_input_is_another_history(project: Project, tmp_path: Path) -> None:
    with project.warehouse.transaction(may_read=[tmp_path]) as session:
        session.prepare()
        assert landed(session, tmp_path / "one", "a,1\n") == [("a",)]
        assert landed(session, tmp_path / "other", "b,2\n") == [("b",)]
        assert session.rows("select count(*) from raw.files") == [(1,)]


def test_a_file_that_is_gone_from_the_same_input_stays_landed(project: Project, tmp_path: Path) -> None:
    with project.warehouse.transaction(may_read=[tmp_path]) as session:
        session.prepare()
        landed(session, tmp_path / "one", "a,1\n")
        begin_anew_for_another_input(session, ORDERS, tmp_path / "one")
        land_files(session, ORDERS, [])
        assert session.rows("select order_id from raw.orders") == [("a",)]
