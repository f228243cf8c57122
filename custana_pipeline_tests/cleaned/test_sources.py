"""What cleaning finds in the shipped sources: the planted dirt of the sample, the known counts of the public ones."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from custana_pipeline.cleaned.gate import conservation
from custana_pipeline.orchestration.audits import counting_parameters
from custana_pipeline.orchestration.id_numbers import GIVEN, number_ids
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.shared_hashes import SHARED_TABLE, find_shared
from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.stores.landing_sql import land, prepare
from custana_pipeline.stores.settings import load_settings
from custana_pipeline.stores.source_files import files_of
from custana_pipeline.stores.sql_models import SqlModels
from custana_pipeline.stores.warehouse import Warehouse
from custana_pipeline_tests.conftest import REPOSITORY, dataset

NOT_LINES_OF_A_REASON = {"kept", "blank"}


def cleaned_source(folder: Path, source: str, given: Path) -> Warehouse:
    """A warehouse with the source landed and cleaned as its pack says."""
    settings = load_settings(source=source, input=str(given), project_dir=REPOSITORY)
    pack, models = settings.pack, SqlModels.read(REPOSITORY / "dbt_like_sql", source)
    warehouse = Warehouse(folder / f"{source}.duckdb", memory_limit="2GB")
    with warehouse.transaction(may_read=[settings.input_path]) as session:
        session.prepare()
        for name, declared in pack.raw.items():
            shape = RawSetShape(name, declared.headers, declared.format, declared.delimiter, declared.header)
            prepare(session.connection, shape)
            for path in files_of(settings, name):
                land(session.connection, inspect_file(path, shape))
        session.create_source_views(models, {f"raw.{name}": tuple(raw.headers) for name, raw in pack.raw.items()})
        parameters = counting_parameters(Project(settings))
        for table in GIVEN:
            number_ids(session, table)
        for model in models.stage("cleaned"):
            if SHARED_TABLE in model.reads:
                find_shared(session, model.table.removesuffix("_lines"))
            session.build(model, parameters)
    return warehouse


def line_counts(warehouse: Warehouse, table: str) -> dict[str | None, int]:
    query = "select reason, sum(line_count)::bigint from cleaned.line_counts where table_name = $table group by reason"
    with warehouse.reading() as session:
        return dict(session.rows(query, {"table": table}))  # type: ignore[arg-type]


def buyers_before(warehouse: Warehouse, day: str) -> int:
    query = (
        f"select count(distinct customer_id) from cleaned.transactions where not is_return and ordered_date < '{day}'"
    )
    with warehouse.reading() as session:
        return session.rows(query)[0][0]


def assert_lines_add_up(warehouse: Warehouse) -> None:
    with warehouse.reading() as session:
        counts, files = session.frame("select * from cleaned.line_counts"), session.frame("select * from raw.files")
    assert conservation(counts, files) == []


@pytest.fixture(scope="module")
def planted() -> Mapping:
    path = REPOSITORY / "data" / "sample" / "planted.json"
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Warehouse:
    return cleaned_source(tmp_path_factory.mktemp("sample"), "sample", REPOSITORY / "data" / "sample")


@pytest.fixture(scope="module")
def online_retail(tmp_path_factory) -> Warehouse:
    given = dataset("online_retail_ii/online_retail_II.csv.gz")
    return cleaned_source(tmp_path_factory.mktemp("retail"), "online_retail_ii", given)


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory) -> Warehouse:
    return cleaned_source(tmp_path_factory.mktemp("cdnow"), "cdnow", dataset("cdnow/CDNOW_master.txt"))


@pytest.mark.parametrize("table", ["transactions", "customers", "products", "events"])
def test_every_planted_fault_of_the_sample_is_found_and_nothing_else(sample, planted, table):
    kinds = planted[table]["kinds"]
    expected = {name: kind["line_count"] for name, kind in kinds.items() if kind["status"] not in NOT_LINES_OF_A_REASON}
    found = line_counts(sample, table)
    assert found.pop(None) == planted[table]["totals"]["kept_lines"]
    assert found == expected


def test_the_money_of_the_sample_is_what_was_sold_and_returned(sample, planted):
    totals = planted["transactions"]["totals"]
    query = "select is_return, sum(amount) from cleaned.transactions group by is_return order by is_return"
    with sample.reading() as session:
        assert session.rows(query) == [
            (False, Decimal(totals["gross_amount"])),
            (True, -Decimal(totals["return_amount"])),
        ]


@pytest.mark.parametrize(
    ("table", "column"),
    [("customers", "gender"), ("customers", "location"), ("products", "category"), ("events", "event_type")],
)
def test_every_spelling_of_the_sample_is_one_of_the_true_values(sample, planted, table, column):
    query = f"select {column}, count(*) from cleaned.{table} where {column} is not null group by {column}"
    with sample.reading() as session:
        assert dict(session.rows(query)) == planted[table]["values"][column]  # type: ignore[arg-type]


def test_the_repairs_of_the_sample_are_those_planted(sample, planted):
    kinds = {name: kind["line_count"] for table in planted for name, kind in planted[table].get("kinds", {}).items()}
    query = "select column_name, sum(line_count)::bigint from cleaned.repairs group by column_name"
    with sample.reading() as session:
        found = dict(session.rows(query))  # type: ignore[arg-type]
    assert found == {
        "order_id": kinds["missing_order_id"],
        "birth_year": kinds["impossible_birth_year"],
        "gender": kinds["gender_spelling"],
        "location": kinds["location_spelling"],
    }


def test_the_lines_of_each_source_add_up(sample, online_retail, cdnow):
    for warehouse in (sample, online_retail, cdnow):
        assert_lines_add_up(warehouse)


def test_online_retail_has_its_known_counts(online_retail):
    assert line_counts(online_retail, "transactions") == {
        None: 794_163,
        "exact_duplicate": 34_335,
        "no_customer": 226_965,
        "not_a_product": 5_974,
        "zero_price": 5_928,
        "bad_debt_adjustment": 6,
    }


def test_online_retail_has_its_known_customers(online_retail):
    days = ("2011-06-01", "2011-06-12", "2011-09-10")
    assert [buyers_before(online_retail, day) for day in days] == [4_908, 4_951, 5_256]


def test_online_retail_knows_one_country_and_no_float_of_each_customer(online_retail):
    query = """select count(*), count(location), count(*) filter (customer_id like '%.%') from cleaned.customers"""
    with online_retail.reading() as session:
        assert session.rows(query) == [(5_942, 5_942, 0)]


def test_cdnow_has_its_known_counts_and_money(cdnow):
    assert line_counts(cdnow, "transactions") == {None: 69_404, "exact_duplicate": 255}
    query = """select count(distinct customer_number), sum(amount) from cleaned.transactions_lines"""
    with cdnow.reading() as session:
        assert session.rows(query) == [(23_570, Decimal("2500315.63"))]
