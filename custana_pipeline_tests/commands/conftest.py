"""A shop whose lists of yesterday are published, and a Dagster home to copy."""

import datetime as dt
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from custana_pipeline.orchestration import ahead
from custana_pipeline.stores import dagster_home
from custana_pipeline.stores.list_files import PublishedList
from custana_pipeline.stores.publishing import Publication, publish
from custana_pipeline_tests.commands.shop_files import Shop
from custana_pipeline_tests.stores.tracking_template import copy_of_empty_store


@pytest.fixture(autouse=True)
def trained_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process knows nothing of what a test has exchanged in this one."""
    monkeypatch.setattr(ahead, "_is_worthwhile", lambda: False)


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty Dagster home; laying one out takes seconds, copying it hundredths."""
    return dagster_home.prepare(tmp_path_factory.mktemp("home") / "dagster")


@pytest.fixture
def shop(tmp_path: Path, prepared_home: Path) -> Shop:
    """A shop without files, for which lists have been published once."""
    data = tmp_path / "data"
    shutil.copytree(prepared_home, data / "dagster")
    copy_of_empty_store(data / "mlflow")
    table = pa.table({"as_of": [dt.date(2024, 12, 31)], "customer_id": ["c1"]})
    lists = {"recommended_customers": PublishedList(table, ("as_of", "customer_id"), {})}
    publish(Publication(dt.date(2024, 12, 31), "sample", 90, lists, "<html></html>"), data / "published")
    return Shop(tmp_path / "files", data)
