"""What is told of raw sets: where their lines are counted, and how one is declared that a source does not have."""

import shutil
from pathlib import Path

import pytest

from custana_pipeline.errors import BadFile, ContractBroken
from custana_pipeline.orchestration.assets import cleaned
from custana_pipeline.orchestration.audits import counting_parameters, counts_by_table
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.sql_models import SqlModels
from custana_pipeline_tests.conftest import REPOSITORY
from custana_pipeline_tests.orchestration import packs
from custana_pipeline_tests.orchestration.test_increments import HEADERS, ingest, shop

LINES = {
    "transactions": "o1,c1,p1,2024-01-05 10:00:00,1,2.00",
    "events": "c1,p1,view,2024-01-05 09:00:00\nc1,p1,view",
    "customers": "c1,1980,f,Moss,2023-01-01",
    "products": "p1,tea,food",
}


def in_folders(project: Project) -> Project:
    """The project with a folder for each raw set, all of which it needs."""
    settings = project.settings
    sets = {
        name: each.model_copy(update={"files": (f"{name}/*.csv",), "required": True})
        for name, each in settings.pack.raw.items()
    }
    pack = settings.pack.model_copy(update={"raw": sets})
    told = Project(settings.model_copy(update={"packs": {settings.source: pack}}))
    vars(told)["models"] = project.models
    return told


def put_all(folder: Path) -> None:
    for name, lines in LINES.items():
        file = folder / "in" / name / "2024.csv"
        file.parent.mkdir(parents=True)
        file.write_text(f"{HEADERS[name]}\n{lines}\n")


def test_a_source_without_files_of_a_set_is_told_how_that_is_declared(tmp_path: Path) -> None:
    put_all(tmp_path)
    (tmp_path / "in" / "events" / "2024.csv").unlink()
    with pytest.raises(BadFile, match=r"has `required = false` for raw set events in custana\.toml"):
        ingest(in_folders(shop(tmp_path, "data")))


def test_a_malformed_line_counts_where_its_raw_set_does_though_files_of_others_have_its_name(tmp_path: Path) -> None:
    put_all(tmp_path)
    project = in_folders(shop(tmp_path, "data"))
    ingest(project)
    with project.warehouse.transaction() as session:
        session.build(project.models["cleaned.line_counts"], counting_parameters(project))
        found = counts_by_table(session).set_index("table_name")
    rejected = found.loc[found["status"] == "rejected", "line_count"].to_dict()
    assert rejected == {"events": 1}


def test_file_names_that_two_raw_sets_of_a_table_share_are_told_with_the_mend(tmp_path: Path) -> None:
    put_all(tmp_path)
    project = in_folders(shop(tmp_path, "data"))
    shutil.copytree(REPOSITORY / "dbt_like_sql", tmp_path / "sql")
    with (tmp_path / "in" / "products" / "2024.csv").open("a") as products:
        products.write("p2,cup,kitchen\n")
    lines = tmp_path / "sql" / "sources" / "sample" / "transactions.sql"
    lines.write_text(
        f"{lines.read_text().rstrip()}\nwhere raw.transactions.product_id in (select product_id from raw.products)\n"
    )
    vars(project)["models"] = SqlModels.read(tmp_path / "sql", "sample")
    with pytest.raises(ContractBroken, match=r"Raw sets products and transactions share file names \(1\).*rename"):
        ingest(project)


def test_a_table_that_the_source_has_not_is_cleaned_before_anything_has_landed(tmp_path: Path) -> None:
    project = packs.project("cdnow", tmp_path)
    with project.warehouse.transaction() as session:
        session.prepare()
        cleaned.clean_table(session, project, "customers")
        assert session.count("cleaned.customers") == 0
