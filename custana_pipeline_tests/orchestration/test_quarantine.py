"""Lines in quarantine and their way back, where not all of a source has been landed, or is read."""

from pathlib import Path

from custana_pipeline.orchestration.assets import raw
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.quarantine import judged_lines, quarantined_lines, texts_of
from custana_pipeline.orchestration.replaying import KEY_HEADERS, replay
from custana_pipeline.stores.packs import RawSet
from custana_pipeline.stores.source_files import files_of
from custana_pipeline_tests.orchestration.test_increments import put, shop

LINES = ["o1,c1,p1,2024-01-05 10:00:00,1,2.00", "o2,c1,p1,soon,1,2.00"]


def landed(project: Project, *sets: str) -> Project:
    for name in sets:
        files = files_of(project.settings, name)
        with project.warehouse.transaction(may_read=files) as session:
            session.prepare()
            raw.land_raw_set(session, project, name, files)
    return project


def mended(project: Project, path: Path, raw_set: str, cells: dict[str, str]) -> Path:
    """An export of the only line of a set that is in quarantine, with `cells` in place of what it says."""
    with judged_lines(project) as session:
        (line,) = (each for each in quarantined_lines(session, project) if each.raw_set == raw_set)
        assert line.key in texts_of(session, raw_set, list(cells))
    key = (raw_set, line.key.source_file, line.key.source_hash, str(line.key.source_line), line.reason)
    path.write_text("\n".join([",".join([*KEY_HEADERS, *cells]), ",".join([*key, *cells.values()])]) + "\n")
    return path


def test_lines_are_in_quarantine_and_mended_before_files_of_other_sets_have_come(tmp_path: Path) -> None:
    put(tmp_path, "transactions_0.csv", LINES)
    project = landed(shop(tmp_path, "data"), "transactions")
    cells = {"order_id": "o2", "customer_id": "c1", "product_id": "p1", "ordered_at": "2024-01-06 10:00:00"}
    path = mended(project, tmp_path / "mend.csv", "transactions", cells | {"quantity": "1", "unit_price": "2.00"})
    assert replay(project, path).became == {"kept": 1}


def test_a_mended_line_of_a_set_that_no_table_reads_is_taken_in(tmp_path: Path) -> None:
    put(tmp_path, "transactions_0.csv", LINES[:1])
    (tmp_path / "in" / "stores_0.csv").write_text("store,town\ns1,Moss\ns2\n")
    project = shop(tmp_path, "data")
    pack = project.settings.pack
    stores = {"stores": RawSet.model_validate({"files": ("stores*.csv",), "columns": ("store", "town")})}
    changed = pack.model_copy(update={"raw": pack.raw | stores})
    models, project = project.models, Project(project.settings.model_copy(update={"packs": {"sample": changed}}))
    vars(project)["models"] = models
    landed(project, "transactions", "stores")
    replayed = replay(project, mended(project, tmp_path / "mend.csv", "stores", {"store": "s2", "town": "Ulm"}))
    assert (replayed.taken_in, replayed.became) == (1, {})
