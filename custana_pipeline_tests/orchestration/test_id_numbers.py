"""Numbers in place of ids: they stay while files come, go with the last line, and are seen by nobody."""

from pathlib import Path

import pytest

from custana_pipeline.errors import ContractBroken
from custana_pipeline.orchestration import increments
from custana_pipeline.orchestration.audits import Judged, audit
from custana_pipeline.orchestration.project import Project
from custana_pipeline_tests.orchestration.test_increments import ingest, put, shop

FIRST = ["o1,c5,p2,2024-01-05 10:00:00,1,2.00", "o2,c3,p1,2024-01-05 11:00:00,1,2.00"]
LATER = ["o3,c4,p0,2024-01-06 10:00:00,1,2.00", "o4,c5,p2,2024-01-06 11:00:00,1,2.00"]
EVENTS = ["c4,p9,view,2024-01-05 10:00:00", "c3,p1,view,2024-01-05 10:00:00", "stranger,,view,2024-01-05 10:00:00"]


def numbers(project: Project, kind: str) -> dict[str, int]:
    with project.warehouse.reading() as session:
        return dict(
            session.rows(f"select {kind}_id, {kind}_number from cleaned.{kind}_numbers where {kind}_number > 0")
        )  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """New files are cleaned alone, however many lines they have."""
    monkeypatch.setattr(increments, "MOST_NEW_SHARE", 1.0)


def begun(folder: Path) -> Project:
    put(folder, "customers_0.csv", ["c7,1980,f,Moss,2023-01-01"])
    put(folder, "products_0.csv", ["p1,tea,food"])
    put(folder, "transactions_0.csv", FIRST)
    put(folder, "events_0.csv", EVENTS)
    return shop(folder, "grown")


def test_ids_are_numbered_in_the_order_of_their_text_and_those_of_later_tables_behind(tmp_path: Path) -> None:
    project = begun(tmp_path)
    ingest(project)
    assert numbers(project, "customer") == {"c3": 1, "c5": 2, "c7": 3}
    assert numbers(project, "product") == {"p1": 1, "p2": 2, "p9": 3}


def test_an_id_keeps_its_number_when_a_file_comes_and_new_ids_get_the_next(tmp_path: Path) -> None:
    project = begun(tmp_path)
    ingest(project)
    before = numbers(project, "product")
    put(tmp_path, "transactions_1.csv", LATER)
    ingest(project)
    with project.warehouse.reading() as session:
        assert increments.whole_builds(session, "transactions") == 1
    assert numbers(project, "product") == before | {"p0": 4}
    assert numbers(project, "customer") == {"c3": 1, "c5": 2, "c7": 3, "c4": 4}


def test_events_of_customers_whom_no_other_table_names_have_the_id_until_one_does(tmp_path: Path) -> None:
    project = begun(tmp_path)
    query = "select customer_number, customer_id from cleaned.events_lines order by source_line"
    ingest(project)
    with project.warehouse.reading() as session:
        assert session.rows(query) == [(None, "c4"), (1, None), (None, "stranger")]
    put(tmp_path, "transactions_1.csv", LATER)
    ingest(project)
    with project.warehouse.reading() as session:
        assert session.rows(query) == [(4, None), (1, None), (None, "stranger")]


def test_kept_lines_are_the_same_in_whatever_order_their_ids_were_numbered(tmp_path: Path) -> None:
    project = begun(tmp_path)
    ingest(project)
    put(tmp_path, "transactions_1.csv", LATER)
    grown, anew = ingest(project), ingest(shop(tmp_path, "anew"))
    assert numbers(project, "customer") != numbers(shop(tmp_path, "anew"), "customer")
    assert grown == anew
    assert {row[0] for row in grown["cleaned.events"]} == {"c3", "c4"}


def test_the_id_of_whoever_has_no_line_any_more_is_gone(tmp_path: Path) -> None:
    project = begun(tmp_path)
    ingest(project)
    put(tmp_path, "transactions_0.csv", FIRST[1:])
    put(tmp_path, "events_0.csv", EVENTS[1:2])
    ingest(project)
    assert set(numbers(project, "customer")) == {"c3", "c7"}
    put(tmp_path, "customers_0.csv", ["c8,1980,f,Moss,2023-01-01"])
    ingest(project)
    assert set(numbers(project, "customer")) == {"c3", "c8"}
    assert set(numbers(project, "product")) == {"p1"}


def test_lines_that_are_not_kept_lead_to_their_id_too(tmp_path: Path) -> None:
    project = begun(tmp_path)
    put(tmp_path, "transactions_1.csv", ["o5,c9,p1,soon,1,2.00", "o6,n/a,p1,2024-01-05 10:00:00,1,2.00"])
    lines = ingest(project)["cleaned.transactions_lines"]
    found = {(row[3], row[5]) for row in lines if row[3]}
    assert found == {("unparsable_date", "c9"), ("no_customer", None)}


def test_lines_whose_number_leads_to_no_id_are_no_table(tmp_path: Path) -> None:
    project = begun(tmp_path)
    ingest(project)
    with (
        pytest.raises(ContractBroken, match="shows not each of its 2 lines"),
        project.warehouse.transaction() as session,
    ):
        session.rows("delete from cleaned.customer_numbers where customer_id = 'c3'")
        audit(session, project, "transactions", Judged(None, increments.Plan("", (), is_whole=True)))
