"""What a run watches beside the rows: whether the feed goes on, and what is new in it."""

import datetime as dt
from pathlib import Path

import pytest

from custana_pipeline.errors import DataFault
from custana_pipeline.orchestration.assets import cleaned
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.watch import KNOWN_TABLE, _new
from custana_pipeline.stores.warehouse import Warehouse
from custana_pipeline_tests.orchestration.test_increments import ingest, put, shop

FIRST = dt.date(2024, 1, 1)
DAYS = [FIRST + dt.timedelta(days=past) for past in range(100)]
IN_TIME, TOO_LATE = dt.date(2024, 4, 10), dt.date(2024, 5, 1)
EARLIER = "select 'seen' as known, 'a.csv' as source_file, 1 as source_line"
LATER = """select * from (values ('new', 'b.csv', 5), ('new', 'a.csv', 5), ('seen', 'a.csv', 1))
    as lines (known, source_file, source_line)"""


@pytest.fixture
def project(tmp_path):
    lines = [f"o{day}-{number},c{number},p1,{day} 10:00:00,1,2.00" for day in DAYS for number in range(20)]
    put(tmp_path, "transactions_0.csv", [*lines, "o1,c1,p1,2099-01-01 00:00:00,1,2.00"])
    put(tmp_path, "customers_0.csv", ["c1,1980,f,Moss,2023-01-01"])
    put(tmp_path, "products_0.csv", ["p1,tea,food"])
    put(tmp_path, "events_0.csv", ["c1,p1,view,2024-01-05 10:00:00"])
    project = shop(tmp_path, "data")
    ingest(project)
    return project


def judged(project, as_of: dt.date | None) -> dict[str, str]:
    with project.warehouse.transaction() as session:
        session.prepare()
        found = cleaned.clean_table(session, project, "transactions", as_of).findings
    return {check: finding.told for check, finding in found.items()}


def test_a_line_of_2099_does_not_hide_that_the_feed_has_ended(project):
    with pytest.raises(DataFault, match="2024-04-30 has 0 order lines, the median of 8 such weekdays before it is 20"):
        judged(project, TOO_LATE)


def test_with_a_line_of_2099_the_last_day_is_judged_as_ever(project):
    assert judged(project, IN_TIME)["volume_is_as_usual"].startswith("2024-04-09 has 20 order lines")


def test_with_a_line_of_2099_the_newest_day_that_is_over_is_judged_where_files_are_only_taken_in(project):
    pack = project.settings.pack
    is_open = pack.model_copy(update={"calendar": pack.calendar.model_copy(update={"end": None})})
    shop_of = Project(project.settings.model_copy(update={"packs": {project.settings.source: is_open}}))
    vars(shop_of)["models"] = project.models
    assert judged(shop_of, None)["volume_is_as_usual"].startswith("2024-04-09 has 20 order lines")


def test_a_day_that_later_days_followed_is_not_judged(project):
    told = judged(project, dt.date(2024, 4, 1))
    assert told["volume_is_as_usual"] == told["lines_are_of_yesterday"]
    assert "is a day of the past" in told["volume_is_as_usual"]


def test_where_a_new_value_stands_is_told_alike_in_whatever_order_lines_are_read(tmp_path: Path) -> None:
    place = {"place": "shop", "column": "customers.location"}
    with Warehouse(tmp_path / "shop.duckdb").transaction() as session:
        session.prepare()
        session.rows(f"create table {KNOWN_TABLE} (place varchar, column_name varchar, known varchar, state varchar)")
        assert _new(session, EARLIER, {**place, "state": "1"}) is None
        assert _new(session, LATER, {**place, "state": "2"}) == (1, 2, "a.csv:5", "new")
