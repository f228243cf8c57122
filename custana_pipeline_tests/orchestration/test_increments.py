"""Cleaning of new files alone: the tables are those of cleaning everything anew, line for line."""

import random
import shutil
from functools import cache
from pathlib import Path

import pytest

from custana_pipeline.orchestration import increments
from custana_pipeline.orchestration.assets import cleaned, raw
from custana_pipeline.orchestration.audits import CONTRACTS
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.settings import load_settings
from custana_pipeline.stores.source_files import files_of
from custana_pipeline.stores.sql_models import SqlModels
from custana_pipeline_tests.conftest import REPOSITORY

HEADERS = {
    "transactions": "order_id,customer_id,product_id,ordered_at,quantity,unit_price",
    "events": "customer_id,product_id,event_type,happened_at",
    "customers": "customer_id,birth_year,gender,location,signed_up_at",
    "products": "product_id,name,category",
}
TABLES = [f"cleaned.{table}{suffix}" for table in CONTRACTS for suffix in ("", "_lines")] + ["cleaned.money_read"]


@pytest.fixture
def added(monkeypatch) -> list[str]:
    """The tables that new lines were added to, in order; any share of new lines may be added."""
    tables: list[str] = []
    add = increments.add_new_lines

    def noted(session, project, table, plan) -> bool:
        done = add(session, project, table, plan)
        tables.extend([table] if done else [])
        return done

    monkeypatch.setattr(cleaned, "add_new_lines", noted)
    monkeypatch.setattr(increments, "MOST_NEW_SHARE", 1.0)
    return tables


def shop(folder: Path, data: str) -> Project:
    settings = load_settings(project_dir=REPOSITORY, source="sample", data_dir=folder / data, input=str(folder / "in"))
    project = Project(settings.model_copy(update={"max_rejected_share": 1.0}))
    # parsing all models takes longer than everything else
    vars(project)["models"] = models()
    return project


@cache
def models() -> SqlModels:
    return SqlModels.read(REPOSITORY / "dbt_like_sql", "sample")


def put(folder: Path, name: str, lines: list[str]) -> None:
    place = folder / "in" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text("\n".join([HEADERS[name.split("_")[0]], *lines]) + "\n")


def ingest(project: Project) -> dict[str, list[tuple]]:
    """Lands and cleans what is there; the rows of all cleaned tables."""
    for name in project.settings.pack.raw:
        files = files_of(project.settings, name)
        with project.warehouse.transaction(may_read=files) as session:
            session.prepare()
            raw.land_raw_set(session, project, name, files)
    for table in CONTRACTS:
        with project.warehouse.transaction() as session:
            session.prepare()
            cleaned.clean_table(session, project, table)
    with project.warehouse.reading() as session:
        return {table: sorted(session.rows(shown(session, table)), key=repr) for table in TABLES}


def shown(session: Session, table: str) -> str:
    """The rows of a table with the ids in place of their numbers, which depend on the order in which files came."""
    columns = ", ".join(
        f"(select {name}_id from cleaned.{name}_numbers as numbers where numbers.{column} = rows.{column})"
        if column in ("customer_number", "product_number") and (name := column.split("_")[0])
        else column
        for column in session.columns(table)
    )
    return f"select {columns} from {table} as rows"


def order_line(pick: random.Random) -> str:
    price = pick.choice(["1.50", "2", "", "x", "-3"])
    day = pick.choice(["2024-01-05 10:00:00", "2024-02-07 11:30:00", " 2024-03-01 00:00:00", "soon", ""])
    customer = pick.choice(["c1", "c2", "c3", "", "n/a", "c\u00e9"])
    return f"o{pick.randrange(3)},{customer},p{pick.randrange(3)},{day},{pick.choice(['1', '2', '-1', 'y'])},{price}"


def event(pick: random.Random) -> str:
    customer = pick.choice(["c1", "c2", "c3", "c4", "c5", "c6", ""])
    return f"{customer},p1,{pick.choice(['view', 'cart', ''])},{pick.choice(['2024-01-04 09:00:00', 'x'])}"


@pytest.mark.parametrize("seed", range(2))
def test_files_that_come_one_by_one_make_the_tables_that_all_of_them_at_once_make(tmp_path, added, seed):
    pick = random.Random(seed)
    names = [f"{kind}_{day}.csv" for kind in ("transactions", "events") for day in range(3)]
    if seed % 2:
        pick.shuffle(names)
    put(tmp_path, "products_0.csv", ["p1,tea,food"])
    put(tmp_path, "customers_0.csv", ["c4,1980,f,Moss,2023-01-01"])
    put(tmp_path, "transactions_00.csv", ["o1,c1,p1,2024-01-05 10:00:00,1,2.00"])
    put(tmp_path, "events_00.csv", ["c1,p1,view,2024-01-05 10:00:00"])
    project = shop(tmp_path, "grown")
    ingest(project)
    for step, name in enumerate(names):
        make = order_line if name.startswith("transactions") else event
        put(tmp_path, name, [make(pick) for _ in range(pick.choice([3, 12]))])
        if step == 3:
            put(tmp_path, "customers_1.csv", ["c5,1970,m,Moss,2023-01-01", "c4,1981,f,Moss,2023-02-01"])
        grown = ingest(project)
    assert grown == ingest(shop(tmp_path, f"anew{seed}"))
    assert {"transactions", "events"} <= set(added)


def test_an_event_is_kept_once_its_customer_is_known(tmp_path, added):
    put(tmp_path, "products_0.csv", ["p1,tea,food"])
    put(tmp_path, "customers_0.csv", ["c4,1980,f,Moss,2023-01-01"])
    put(tmp_path, "transactions_0.csv", ["o1,c1,p1,2024-01-05 10:00:00,1,2.00"])
    put(tmp_path, "events_0.csv", ["c1,p1,view,2024-01-05 10:00:00", "c2,p1,view,2024-01-05 10:00:00"])
    project = shop(tmp_path, "grown")
    assert len(ingest(project)["cleaned.events"]) == 1
    put(tmp_path, "transactions_1.csv", ["o2,c2,p1,2024-01-06 10:00:00,1,2.00"])
    assert len(ingest(project)["cleaned.events"]) == 2
    assert "events" in added


def test_a_line_without_a_readable_moment_is_found_again_in_another_file(tmp_path, added):
    put(tmp_path, "products_0.csv", ["p1,tea,food"])
    put(tmp_path, "customers_0.csv", ["c1,1980,f,Moss,2023-01-01"])
    put(tmp_path, "transactions_0.csv", ["o1,c1,p1,2024-01-05 10:00:00,1,2.00", "o2,,p1,soon,1,2.00"])
    put(tmp_path, "events_0.csv", ["c1,p1,view,soon", "c1,p1,view,2024-01-05 10:00:00"])
    project = shop(tmp_path, "grown")
    ingest(project)
    put(tmp_path, "transactions_1.csv", ["o2,,p1,soon,1,2.00", "o2,,p1,later,1,2.00"])
    put(tmp_path, "events_1.csv", ["c1,p1,view,soon", "c1,p1,view,2024-01-05 10:00:00", "c1,p1,cart,soon"])
    grown = ingest(project)
    assert {"transactions", "events"} <= set(added)
    duplicates = {
        table: sum("exact_duplicate" in row for row in grown[f"cleaned.{table}_lines"])
        for table in ("transactions", "events")
    }
    assert duplicates == {"transactions": 1, "events": 2}
    assert grown == ingest(shop(tmp_path, "anew"))


def test_events_are_cleaned_anew_where_a_customer_of_theirs_is_gone_and_only_there(tmp_path, added):
    people = ["c1,1980,f,Moss,2023-01-01", "c2,1980,f,Moss,2023-01-01", "c3,1980,f,Moss,2023-01-01"]
    put(tmp_path, "products_0.csv", ["p1,tea,food"])
    put(tmp_path, "customers_0.csv", people)
    put(tmp_path, "transactions_0.csv", ["o1,c1,p1,2024-01-05 10:00:00,1,2.00"])
    put(tmp_path, "events_0.csv", ["c1,p1,view,2024-01-05 10:00:00", "c2,p1,view,2024-01-05 10:00:00"])
    project = shop(tmp_path, "grown")
    ingest(project)
    put(tmp_path, "customers_0.csv", people[:2])
    assert len(ingest(project)["cleaned.events"]) == 2
    assert "events" in added
    added.clear()
    put(tmp_path, "customers_0.csv", people[:1])
    assert len(ingest(project)["cleaned.events"]) == 1
    assert "events" not in added


def test_a_file_that_changed_has_everything_cleaned_anew(tmp_path, added):
    put(tmp_path, "products_0.csv", ["p1,tea,food"])
    put(tmp_path, "customers_0.csv", ["c1,1980,f,Moss,2023-01-01"])
    for day in range(2):
        put(tmp_path, f"transactions_{day}.csv", [f"o{day},c1,p1,2024-01-05 10:00:00,1,2.00"])
    project = shop(tmp_path, "grown")
    ingest(project)
    put(tmp_path, "transactions_0.csv", ["o9,c1,p1,2024-01-05 10:00:00,1,3.00"])
    grown = ingest(project)
    assert "transactions" not in added
    assert grown == ingest(shop(tmp_path, "anew"))


def test_a_run_with_nothing_new_judges_nothing_again(tmp_path, added):
    put(tmp_path, "products_0.csv", ["p1,tea,food"])
    put(tmp_path, "customers_0.csv", ["c1,1980,f,Moss,2023-01-01"])
    put(tmp_path, "transactions_0.csv", ["o1,c1,p1,2024-01-05 10:00:00,1,2.00"])
    project = shop(tmp_path, "grown")
    first = ingest(project)
    assert ingest(project) == first
    assert set(added) >= {"transactions", "customers", "products"}


def test_a_copy_of_a_file_or_one_without_a_record_has_nothing_cleaned_anew(tmp_path, added):
    put(tmp_path, "products_0.csv", ["p1,tea,food"])
    put(tmp_path, "customers_0.csv", ["c1,1980,f,Moss,2023-01-01"])
    put(tmp_path, "transactions_0.csv", ["o1,c1,p1,2024-01-05 10:00:00,1,2.00"])
    put(tmp_path, "events_0.csv", ["c1,p1,view,2024-01-05 10:00:00"])
    project = shop(tmp_path, "grown")
    ingest(project)
    added.clear()
    for table in ("transactions", "events"):
        shutil.copy(tmp_path / "in" / f"{table}_0.csv", tmp_path / "in" / f"{table}_1.csv")
    put(tmp_path, "transactions_2.csv", ["o1,c1"])
    grown = ingest(project)
    assert {"transactions", "events"} <= set(added)
    assert grown == ingest(shop(tmp_path, "anew"))


def test_stored_lines_that_lost_money_are_made_anew_from_the_files(tmp_path, added):
    put(tmp_path, "products_0.csv", ["p1,tea,food"])
    put(tmp_path, "customers_0.csv", ["c1,1980,f,Moss,2023-01-01"])
    put(tmp_path, "transactions_0.csv", ["o1,c1,p1,2024-01-05 10:00:00,1,2.00"])
    project = shop(tmp_path, "grown")
    first = ingest(project)
    with project.warehouse.transaction() as session:
        session.rows("update cleaned.transactions_lines set amount = amount - 0.01")
    assert ingest(project) == first


@pytest.mark.parametrize("table", ["transactions", "events"])
def test_the_models_are_signed_as_they_are(tmp_path, table):
    model = shop(tmp_path, "none").models[f"cleaned.{table}_lines"]
    assert model.is_signed, f"sign {model.path.name} again with `-- increment: {model.code_version}`"
