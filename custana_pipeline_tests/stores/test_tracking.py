import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from custana_pipeline.errors import CustanaError, Transient
from custana_pipeline.stores.tracking import Tracker
from custana_pipeline.stores.tracking_models import sha256_of
from custana_pipeline.stores.tracking_records import AnalysisRun, Origin, ServingModel, Trial, column_types
from custana_pipeline.stores.tracking_store import TrackingStore, client, translated
from custana_pipeline_tests.stores.tracking_template import copy_of_empty_store

DAY = dt.date(2025, 12, 31)
ROWS = pd.DataFrame({"purchase_frequency": [1.0, 2.0, 3.0, 4.0], "is_returning": [False, True, False, True]})
BOUGHT = [0, 0, 1, 1]
TARGET = "is_recommended"


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    return Tracker(copy_of_empty_store(tmp_path / "my data" / "mlflow"), "http://127.0.0.1:5000")


@pytest.fixture
def store(tracker: Tracker) -> MlflowClient:
    return client(tracker.store)


def _figures() -> dict[str, str]:
    return {"roc": "<svg xmlns='http://www.w3.org/2000/svg'/>"}


def _trial(name: str = "logistic_regression", target: str = TARGET, log_loss: float = 0.4) -> Trial:
    metrics = {"holdout_log_loss": log_loss, "holdout_recall": 0.5}
    estimator = LogisticRegression().fit(ROWS, BOUGHT)
    return Trial(name, "candidate", target, {"C": 1.0, "max_iter": 100}, metrics, _figures, estimator)


def _naive(target: str = TARGET) -> Trial:
    metrics = {"holdout_log_loss": 0.6, "holdout_recall": 0.3}
    return Trial("recency_rule", "baseline", target, {"window_days": 90}, metrics)


def _champion(trial: Trial, target: str = TARGET) -> ServingModel:
    return ServingModel(
        target=target,
        candidate=trial.name,
        registered_model=f"shop-{target}",
        model_version=f"{trial.name}-2025-12-31-0a1b2c3d",
        estimator=trial.estimator,
        columns=tuple(ROWS.columns),
        metrics=trial.metrics,
        best_naive="recency_rule",
        beats_naive=True,
        reason="It has the lowest log loss.",
    )


def _run(as_of: dt.date = DAY, **changes: object) -> AnalysisRun:
    trial = _trial()
    run = AnalysisRun(
        source="shop",
        analysis="behavior",
        as_of=as_of,
        state="TRAINED",
        reason="It has the lowest log loss.",
        origin=Origin("data-1", "code-1", "run-1", "models/behavior", as_of.isoformat()),
        column_types=column_types(ROWS.dtypes),
        trials=(_naive(), trial),
        champions=(_champion(trial),),
        settings={"horizon_days": 90},
        row_counts={"training": 4},
        dropped_columns={"age": "all values are missing"},
    )
    return replace(run, **changes)


def _nested(store: MlflowClient, experiment_id: str, parent_id: str) -> dict[str, Run]:
    found = store.search_runs([experiment_id], f"tags.mlflow.parentRunId = '{parent_id}'")
    return {str(run.info.run_name): run for run in found}


def _status(store: MlflowClient, experiment: str = "shop-behavior") -> list[str]:
    found = store.get_experiment_by_name(experiment)
    assert found
    return [run.info.status for run in store.search_runs([found.experiment_id], order_by=["attributes.start_time"])]


def test_a_training_is_one_run_with_a_nested_run_for_each_candidate_and_baseline(
    tracker: Tracker, store: MlflowClient
) -> None:
    logged = tracker.log_analysis(_run())
    parent = store.get_run(logged.run_id)
    nested = _nested(store, logged.experiment_id, logged.run_id)
    assert (parent.info.run_name, parent.info.status) == ("behavior 2025-12-31", "FINISHED")
    assert nested.keys() == {"recency_rule", "logistic_regression"}
    assert nested["recency_rule"].data.metrics.keys() == nested["logistic_regression"].data.metrics.keys()
    assert nested["logistic_regression"].data.params == {"C": "1.0", "max_iter": "100"}
    assert nested["logistic_regression"].data.tags["custana.is_champion"] == "true"
    assert nested["recency_rule"].data.tags["custana.role"] == "baseline"


def test_the_parent_shows_the_champion_beside_the_best_naive_rule(tracker: Tracker, store: MlflowClient) -> None:
    parent = store.get_run(tracker.log_analysis(_run()).run_id).data
    assert parent.metrics == {
        "holdout_log_loss": 0.4,
        "holdout_recall": 0.5,
        "naive_log_loss": 0.6,
        "naive_recall": 0.3,
    }
    assert parent.params == {"horizon_days": "90", "rows_training": "4"}
    assert (parent.tags["champion"], parent.tags["best_naive"]) == ("logistic_regression", "recency_rule")
    assert parent.tags["beats_naive"] == "true"
    assert "| holdout_log_loss | 0.4 | 0.6 |" in parent.tags["mlflow.note.content"]


def test_the_run_names_where_it_comes_from(tracker: Tracker, store: MlflowClient) -> None:
    tags = store.get_run(tracker.log_analysis(_run()).run_id).data.tags
    told = {name: tags[f"dagster.{name}"] for name in ("run_id", "asset", "partition")}
    assert told == {"run_id": "run-1", "asset": "models/behavior", "partition": "2025-12-31"}
    assert (tags["custana.data_version"], tags["custana.code_version"]) == ("data-1", "code-1")


def test_figures_and_dropped_columns_lie_in_the_folder_of_the_tracker(tracker: Tracker, store: MlflowClient) -> None:
    logged = tracker.log_analysis(_run(figures=_figures))
    nested = _nested(store, logged.experiment_id, logged.run_id)["logistic_regression"].info.run_id
    folder = tracker.store.artifacts / "shop-behavior"
    assert (folder / nested / "artifacts" / "roc.svg").read_text() == _figures()["roc"]
    assert (folder / logged.run_id / "artifacts" / "roc.svg").is_file()
    dropped = folder / logged.run_id / "artifacts" / "dropped_columns.json"
    assert json.loads(dropped.read_text()) == {"age": "all values are missing"}


def test_the_champion_is_registered_with_its_day_its_signature_and_the_hash_of_its_file(
    tracker: Tracker, store: MlflowClient
) -> None:
    registered = tracker.log_analysis(_run()).registered[TARGET]
    version = store.get_model_version(registered.name, str(registered.version))
    assert registered.sha256 == sha256_of(registered.file) == version.tags["sha256"]
    assert (version.tags["as_of"], version.tags["dagster_run_id"]) == ("2025-12-31", "run-1")
    assert registered.url.startswith("http://127.0.0.1:5000/#/models/shop-is_recommended/versions/1")
    described = (registered.file.parent / "MLmodel").read_text()
    assert '"purchase_frequency"' in described
    assert "skops==" in (registered.file.parent / "requirements.txt").read_text()


def test_the_alias_moves_forward_in_time_only(tracker: Tracker, store: MlflowClient) -> None:
    days = [DAY, DAY - dt.timedelta(days=30), DAY + dt.timedelta(days=1)]
    moved = [tracker.log_analysis(_run(day)).registered[TARGET].is_champion for day in days]
    assert moved == [True, False, True]
    assert store.get_registered_model(f"shop-{TARGET}").aliases == {"champion": 3}


def test_too_little_data_is_a_finished_run_that_says_why_and_has_no_model(
    tracker: Tracker, store: MlflowClient
) -> None:
    reason = "12 customers are fewer than 50."
    logged = tracker.log_analysis(_run(state="NOT_TRAINABLE", reason=reason, trials=(), champions=()))
    parent = store.get_run(logged.run_id)
    assert (parent.info.run_name, parent.info.status) == ("behavior 2025-12-31 · NOT_TRAINABLE", "FINISHED")
    assert parent.data.tags["custana.reason"] == reason
    assert reason in parent.data.tags["mlflow.note.content"]
    assert logged.registered == {}
    assert store.search_registered_models() == []


def test_two_targets_are_told_apart_in_names_metrics_and_models(tracker: Tracker, store: MlflowClient) -> None:
    targets = ("future_purchase", "future_amount")
    trials = tuple(make(target=target) for target in targets for make in (_naive, _trial))
    champions = tuple(_champion(_trial(target=target), target) for target in targets)
    logged = tracker.log_analysis(_run(analysis="demand", trials=trials, champions=champions))
    parent = store.get_run(logged.run_id).data
    assert "logistic_regression · future_amount" in _nested(store, logged.experiment_id, logged.run_id)
    assert parent.metrics["future_amount/holdout_log_loss"] == 0.4
    assert parent.tags["champion.future_purchase"] == "logistic_regression"
    assert {each.name for each in logged.registered.values()} == {"shop-future_purchase", "shop-future_amount"}


def test_a_type_that_is_not_trusted_fails_the_run_and_leaves_the_alias(tracker: Tracker, store: MlflowClient) -> None:
    tracker.log_analysis(_run())
    tree = replace(_trial("tree"), estimator=DecisionTreeClassifier().fit(ROWS, BOUGHT))
    later = _run(DAY + dt.timedelta(days=1), trials=(tree,), champions=(_champion(tree),))
    with pytest.raises(CustanaError, match=r"sklearn\.tree\._tree\.Tree"):
        tracker.log_analysis(later)
    assert sorted(_status(store)) == ["FAILED", "FAILED", "FINISHED", "FINISHED", "FINISHED"]
    assert store.get_registered_model(f"shop-{TARGET}").aliases == {"champion": 1}


def test_a_type_that_was_reviewed_is_stored(tracker: Tracker) -> None:
    tree = replace(_trial("tree"), estimator=DecisionTreeClassifier().fit(ROWS, BOUGHT))
    logged = tracker.log_analysis(_run(trials=(tree,), champions=(_champion(tree),)), ["sklearn.tree._tree.Tree"])
    assert logged.registered[TARGET].file.is_file()


def _files(tracker: Tracker) -> set[Path]:
    return {path for path in tracker.store.artifacts.rglob("*") if path.is_file()}


def test_a_run_left_running_by_a_process_that_died_is_removed_with_all_that_it_had_stored(
    tracker: Tracker, store: MlflowClient
) -> None:
    logged = tracker.log_analysis(_run(champions=()))
    before, standing = _files(tracker), {each.info.run_id for each in store.search_runs([logged.experiment_id])}
    foreign = store.create_run(logged.experiment_id).info.run_id
    died = tracker.log_analysis(_run(champions=())).run_id
    store.update_run(died, status="RUNNING")
    assert _files(tracker) > before
    assert tracker.reap_unfinished() == 1
    assert _files(tracker) == before
    assert {each.info.run_id for each in store.search_runs([logged.experiment_id])} == standing | {foreign}
    assert store.get_run(foreign).info.status == "RUNNING"
    assert len(store.search_logged_models([logged.experiment_id])) == 1


def test_a_run_that_died_after_it_had_registered_a_model_is_ended_as_killed(
    tracker: Tracker, store: MlflowClient
) -> None:
    died = tracker.log_analysis(_run())
    store.update_run(died.run_id, status="RUNNING")
    before = _files(tracker)
    assert tracker.reap_unfinished() == 1
    assert store.get_run(died.run_id).info.status == "KILLED"
    assert _files(tracker) == before


def test_a_metric_that_is_not_a_number_is_left_out(tracker: Tracker, store: MlflowClient) -> None:
    odd = replace(_naive(), metrics={"holdout_recall": float("nan"), "holdout_log_loss": 0.6})
    logged = tracker.log_analysis(_run(trials=(odd,), champions=()))
    nested = _nested(store, logged.experiment_id, logged.run_id)["recency_rule"]
    assert nested.data.metrics == {"holdout_log_loss": 0.6}


def test_a_moved_folder_is_told_before_anything_is_written(tracker: Tracker, tmp_path: Path) -> None:
    tracker.log_analysis(_run(trials=(), champions=()))
    moved = tracker.folder.rename(tmp_path / "elsewhere")
    with pytest.raises(CustanaError, match="was moved"):
        Tracker(moved).log_analysis(_run())


def test_a_locked_database_is_a_passing_fault() -> None:
    with pytest.raises(Transient, match="locked by another process"), translated(TrackingStore(Path("/store"))):
        raise MlflowException("(sqlite3.OperationalError) database is locked")


def test_an_error_of_mlflow_never_repeats_what_it_was_given() -> None:
    with pytest.raises(CustanaError) as told, translated(TrackingStore(Path("/store"))):
        raise MlflowException("Invalid value 'ann@example.org'")
    assert "ann@example.org" not in str(told.value)


def test_numbers_are_doubles_to_mlflow_whatever_their_width() -> None:
    dtypes = {"a": "int8", "b": "Float64", "c": "bool", "d": "object", "e": "category"}
    assert list(column_types(dtypes).values()) == ["double", "double", "boolean", "string", "string"]
