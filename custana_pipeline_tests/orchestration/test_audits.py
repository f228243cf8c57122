"""Where lines are counted: each under the table that its raw set feeds, whatever its file is called."""

from pathlib import Path

from custana_pipeline.orchestration.audits import counting_parameters, counts_by_table
from custana_pipeline.orchestration.project import Project
from custana_pipeline_tests.orchestration.test_increments import HEADERS, ingest, shop

LINES = {
    "transactions": "o1,c1,p1,2024-01-05 10:00:00,1,2.00",
    "events": "c1,p1,view,2024-01-05 09:00:00\nc1,p1,view",
    "customers": "c1,1980,f,Moss,2023-01-01",
    "products": "p1,tea,food",
}


def in_folders(project: Project) -> Project:
    """The project with a folder for each raw set."""
    settings = project.settings
    sets = {name: each.model_copy(update={"files": (f"{name}/*.csv",)}) for name, each in settings.pack.raw.items()}
    pack = settings.pack.model_copy(update={"raw": sets})
    told = Project(settings.model_copy(update={"packs": {settings.source: pack}}))
    vars(told)["models"] = project.models
    return told


def test_a_malformed_line_counts_where_its_raw_set_does_though_files_of_others_have_its_name(tmp_path: Path) -> None:
    for name, lines in LINES.items():
        file = tmp_path / "in" / name / "2024.csv"
        file.parent.mkdir(parents=True)
        file.write_text(f"{HEADERS[name]}\n{lines}\n")
    project = in_folders(shop(tmp_path, "data"))
    ingest(project)
    with project.warehouse.transaction() as session:
        session.build(project.models["cleaned.line_counts"], counting_parameters(project))
        found = counts_by_table(session).set_index("table_name")
    rejected = found.loc[found["status"] == "rejected", "line_count"].to_dict()
    assert rejected == {"events": 1}
