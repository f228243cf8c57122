from pathlib import Path

import pytest

from custana_pipeline.errors import CustanaError
from custana_pipeline.stores import tracking_store
from custana_pipeline_tests.stores.tracking_template import copy_of_empty_store


def test_a_database_that_is_none_is_refused_before_mlflow_asks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy_of_empty_store(tmp_path / "mlflow")
    (folder / "mlflow.db").write_bytes(b"spoilt" * 1000)
    monkeypatch.setattr(tracking_store, "client", lambda _: pytest.fail("MLflow was asked"))
    with pytest.raises(CustanaError, match=r"mlflow\.db is damaged: move .* away and run again"):
        tracking_store.initialise(folder)


def test_a_store_that_is_prepared_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy_of_empty_store(tmp_path / "mlflow")
    monkeypatch.setattr(tracking_store, "client", lambda _: pytest.fail("MLflow was asked"))
    assert tracking_store.initialise(folder).database.is_file()
