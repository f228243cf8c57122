"""Fixtures that every stage uses: a real DuckDB warehouse in a folder of its own, and the real data where it is."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from custana_pipeline.stores.sql_models import SqlModels
from custana_pipeline.stores.warehouse import Warehouse

REPOSITORY = Path(__file__).resolve().parents[1]


def datasets_dir() -> Path:
    """The folder of the public data sets: CUSTANA_DATASETS, or shared/datasets beside the repository."""
    return Path(os.environ.get("CUSTANA_DATASETS", REPOSITORY.parent / "shared" / "datasets"))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse with its schemas."""
    made = Warehouse(tmp_path / "test.duckdb", memory_limit="1GB")
    with made.transaction() as session:
        session.prepare()
    return made


@pytest.fixture(scope="session")
def sql_models() -> SqlModels:
    """The project's SQL models with the sample's source pack."""
    return SqlModels.read(REPOSITORY / "dbt_like_sql", "sample")


def dataset(relative: str) -> Path:
    """A file of the public data sets; the test is skipped where it is not there."""
    path = datasets_dir() / relative
    if not path.exists():
        pytest.skip(f"the public data set {relative} is not here (README, 'Real data')")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the whole runs, which take longest, so that two processes end at about the same time."""
    items.sort(key=lambda item: not any(name in str(item.path) for name in ("whole_chain", "test_too_little")))
