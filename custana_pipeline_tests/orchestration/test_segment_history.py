"""Which segmentation a day goes on from, and what is made of one that cannot be loaded."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from custana_pipeline.errors import Damaged
from custana_pipeline.models.persistence import dump
from custana_pipeline.models.segment_ground import SegmentationSettings
from custana_pipeline.models.segmentation import train_segmentation
from custana_pipeline.models.training import Training
from custana_pipeline.orchestration.champions import COLUMNS, TABLE
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.segment_history import previous_segments
from custana_pipeline.stores.session import Session
from custana_pipeline_tests.models.customers import customers
from custana_pipeline_tests.orchestration.packs import shipped

MONDAY, TUESDAY, WEDNESDAY = (dt.date(2025, 6, day) for day in (2, 3, 4))


@pytest.fixture(scope="module")
def trained() -> Training:
    return train_segmentation(customers(), None, SegmentationSettings(cluster_counts=(3,), stability_refits=1))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(shipped("sample", tmp_path))


@pytest.fixture
def session(project: Project) -> Iterator[Session]:
    with project.warehouse.transaction() as opened:
        opened.prepare()
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        opened.connection.execute(f"create table {TABLE} ({columns})")
        yield opened


def served(session: Session, project: Project, day: dt.date, archive: bytes, sha256: str = "") -> Path:
    """A champion of `day` whose file holds `archive`."""
    path = project.settings.mlflow_dir / f"{day}.skops"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive)
    row = {
        "as_of": day, "target": "segment", "candidate": "kmeans", "model_version": f"kmeans-{day}",
        "artifact_path": path.name, "sha256": sha256 or hashlib.sha256(archive).hexdigest(), "state": "TRAINED",
    }  # fmt: skip
    names = ", ".join(row)
    session.rows(f"insert into {TABLE} ({names}) values ({', '.join('$' + name for name in row)})", row)
    return path


def listed(session: Session, day: dt.date) -> None:
    rows = pd.DataFrame(
        {"as_of": [day], "customer_id": ["anna"], "segment_id": [2], "segment_name": ["Loyal"], "model_version": ["m"]}
    )
    session.replace_day("applications.customer_segments", rows, day)


def test_the_first_day_goes_on_from_nothing(session: Session, project: Project) -> None:
    assert previous_segments(session, project, TUESDAY) is None


def test_a_day_goes_on_from_the_newest_day_before_it_and_never_from_itself_or_a_later_one(
    session: Session, project: Project, trained: Training
) -> None:
    archive = dump(trained.champions["segment"].estimator)
    for day in (WEDNESDAY, MONDAY, TUESDAY):
        served(session, project, day, archive)
        listed(session, day)
    found = previous_segments(session, project, TUESDAY)
    assert found is not None
    assert (found.as_of, found.model_version, found.fault) == (MONDAY, "kmeans-2025-06-02", "")
    assert found.assignments["customer_id"].tolist() == ["anna"]


def test_a_loaded_model_remembers_its_ids_names_and_fit(session: Session, project: Project, trained: Training) -> None:
    estimator = trained.champions["segment"].estimator
    served(session, project, MONDAY, dump(estimator))
    found = previous_segments(session, project, TUESDAY)
    assert found is not None
    assert found.identity is not None
    assert found.identity.names_by_id == estimator[-1].names_by_id
    assert found.identity.memory == estimator[-1].memory
    assert found.estimator.predict(customers()).tolist() == estimator.predict(customers()).tolist()
    later = train_segmentation(customers(), None, SegmentationSettings(cluster_counts=(3,), stability_refits=1), found)
    assert "serves on" in later.reason


@pytest.mark.parametrize("fault", ["changed", "another hash"])
def test_a_model_that_is_not_the_one_written_stops_the_run(
    session: Session, project: Project, trained: Training, fault: str
) -> None:
    archive = dump(trained.champions["segment"].estimator)
    path = served(session, project, MONDAY, archive, "0" * 64 if fault == "another hash" else "")
    if fault == "changed":
        path.write_bytes(archive[:-1] + b"x")
    with pytest.raises(Damaged, match="its sha256 differs"):
        previous_segments(session, project, TUESDAY)


@pytest.mark.parametrize("fault", ["gone", "no identity", "no archive"])
def test_a_model_that_is_gone_or_cannot_be_read_is_a_fresh_fit_with_the_reason(
    session: Session, project: Project, trained: Training, fault: str
) -> None:
    whole = trained.champions["segment"].estimator
    archive = dump(trained.evaluated[1].estimator if fault == "no identity" else whole)
    if fault == "no archive":
        archive = b"no archive"
    path = served(session, project, MONDAY, archive)
    if fault == "gone":
        path.unlink()
    found = previous_segments(session, project, TUESDAY)
    assert found is not None
    assert found.estimator is None
    assert found.fault
    later = train_segmentation(customers(), None, SegmentationSettings(cluster_counts=(3,), stability_refits=1), found)
    assert found.fault in later.reason
    assert later.is_trained


def test_a_day_that_was_not_trainable_is_passed_over(session: Session, project: Project, trained: Training) -> None:
    served(session, project, MONDAY, dump(trained.champions["segment"].estimator))
    session.rows(f"insert into {TABLE} (as_of, analysis, state) values ($day, 'segmentation', 'NOT_TRAINABLE')",
                 {"day": TUESDAY})  # fmt: skip
    found = previous_segments(session, project, WEDNESDAY)
    assert found is not None
    assert found.as_of == MONDAY
