"""What is written past MLflow's client is what MLflow would have written, and can read."""

import datetime as dt
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.sklearn import load_model
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from custana_pipeline.errors import CustanaError
from custana_pipeline.stores.skops_archives import archive_of
from custana_pipeline.stores.tracking import Tracker
from custana_pipeline.stores.tracking_bulk import NestedRun, write_nested
from custana_pipeline.stores.tracking_records import AnalysisRun, Origin, Trial, column_types
from custana_pipeline.stores.tracking_store import client
from custana_pipeline_tests.stores.tracking_template import copy_of_empty_store

ROWS = pd.DataFrame({"purchase_frequency": [1.0, 9.0, 2.0, 8.0], "purchase_amount": [10.0, 90.0, 15.0, 70.0]})
BOUGHT = np.array([0, 1, 0, 1])
MEASURED = {-30: {"auc": 0.7, "recall": 0.5}, 0: {"auc": 0.8, "log_loss": float("nan")}}


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    return Tracker(copy_of_empty_store(tmp_path / "my data" / "mlflow"))


@pytest.fixture
def store(tracker: Tracker) -> MlflowClient:
    return client(tracker.store)


def logged_model(tracker: Tracker, store: MlflowClient) -> str:
    trial = Trial("logistic", "candidate", "buys", {}, {"auc": 0.8}, estimator=LogisticRegression().fit(ROWS, BOUGHT))
    run = AnalysisRun(
        "shop", "behavior", dt.date(2025, 1, 1), "TRAINED", "", Origin("d", "c"), column_types(ROWS.dtypes), (trial,)
    )
    experiment_id = tracker.log_analysis(run).experiment_id
    return store.search_logged_models([experiment_id])[0].artifact_location


def test_mlflow_reads_a_stored_model_back(
    tracker: Tracker, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = logged_model(tracker, store)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")  # what somebody else's notebook would say
    pipeline: Any = load_model(place)
    assert pipeline.predict(ROWS).tolist() == BOUGHT.tolist()
    as_function: Any = mlflow.pyfunc.load_model(place)
    assert as_function.predict(ROWS).tolist() == BOUGHT.tolist()
    assert as_function.metadata.get_input_schema().input_names() == list(ROWS.columns)


def test_what_a_stored_model_needs_is_pinned(tracker: Tracker, store: MlflowClient) -> None:
    needed = mlflow.pyfunc.get_model_dependencies(logged_model(tracker, store))
    lines = Path(needed).read_text().split()
    assert all("==" in line for line in lines)
    assert {line.split("==")[0] for line in lines} >= {"scikit-learn", "skops", "numpy"}


def as_told(run: Run) -> tuple:
    tags = {key: value for key, value in run.data.tags.items() if key != "mlflow.parentRunId"}
    info = run.info
    return run.data.metrics, run.data.params, tags, (info.run_name, info.status, info.lifecycle_stage, info.user_id)


def test_a_nested_run_is_the_same_as_through_the_client(tracker: Tracker, store: MlflowClient) -> None:
    experiment_id = store.create_experiment("shop", artifact_location=(tracker.store.artifacts / "shop").as_uri())
    parent = store.create_run(experiment_id).info
    run = NestedRun("mean", {"custana.role": "baseline"}, {"window": 90, "rule": "x" * 5000}, MEASURED)
    write_nested(store, parent, [run])
    other = store.create_run(experiment_id, run_name="mean", tags={"custana.role": "baseline"}).info
    metrics = [Metric("auc", 0.7, 1, -30), Metric("recall", 0.5, 1, -30), Metric("auc", 0.8, 1, 0)]
    store.log_batch(other.run_id, metrics, [Param("window", "90"), Param("rule", "x" * 4000)])
    store.set_terminated(other.run_id)
    written = store.get_run(run.run_id)
    assert as_told(written) == as_told(store.get_run(other.run_id))
    assert written.info.artifact_uri == str(other.artifact_uri).replace(other.run_id, run.run_id)
    assert [each.step for each in store.get_metric_history(run.run_id, "auc")] == [-30, 0]


def test_nested_runs_are_found_below_their_parent(tracker: Tracker, store: MlflowClient) -> None:
    experiment_id = store.create_experiment("shop", artifact_location=(tracker.store.artifacts / "shop").as_uri())
    parent = store.create_run(experiment_id).info
    write_nested(store, parent, [NestedRun(name, {}, {}, {}) for name in ("mean", "ridge")])
    found = store.search_runs([experiment_id], f"tags.`mlflow.parentRunId` = '{parent.run_id}'")
    assert sorted(str(run.info.run_name) for run in found) == ["mean", "ridge"]


def test_all_nested_runs_are_written_or_none(tracker: Tracker, store: MlflowClient) -> None:
    experiment_id = store.create_experiment("shop", artifact_location=(tracker.store.artifacts / "shop").as_uri())
    parent = store.create_run(experiment_id).info
    twice = NestedRun("mean", {}, {}, {0: {"auc": 0.5}})
    with pytest.raises(Exception, match="UNIQUE"):
        write_nested(store, parent, [twice, twice])
    assert [run.info.run_id for run in store.search_runs([experiment_id])] == [parent.run_id]


def test_an_archive_with_a_type_that_nobody_reviewed_is_refused() -> None:
    tree = DecisionTreeClassifier().fit(ROWS, BOUGHT)
    assert archive_of(tree, "tree", ["sklearn.tree._tree.Tree"])[:2] == b"PK"
    with pytest.raises(CustanaError, match=r"sklearn\.tree\._tree\.Tree"):
        archive_of(tree, "tree", [])
