"""What MLflow and Dagster have in their books of a run."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from custana_pipeline_tests.whole_chain.nights import AS_OF

BASELINES = {
    "behavior": {"base_rate", "recency_rule", "frequency_rule", "bg_nbd", "two_column_forest"},
    "demand": {"mean", "last_window", "last_year_pace", "bg_nbd", "two_column_linear"},
    "segmentation": {"rfm_quantiles"},
}
CANDIDATES = {
    "behavior": {"decision_tree", "random_forest", "logistic_regression", "gradient_boosting"},
    "demand": {"ridge", "regression_tree", "svr", "gradient_boosting"},
    "segmentation": {"kmeans", "dbscan"},
}


@pytest.fixture
def client(shop: Path) -> MlflowClient:
    """MLflow's store of the first run."""
    uri = f"sqlite:///{shop / 'data' / 'mlflow' / 'mlflow.db'}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture
def instance(shop: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of the first run."""
    with dg.DagsterInstance.from_config(str(shop / "data" / "dagster")) as opened:
        yield opened


def runs_of(client: MlflowClient, analysis: str, version: Path) -> tuple[Run, list[Run]]:
    """The parent run of the run that made the version, and those nested in it."""
    experiment = client.get_experiment_by_name(f"sample-{analysis}")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    made_by = json.loads((version / "run.json").read_text())["dagster_run_id"]
    (parent,) = [each for each in runs if each.data.tags.get("dagster.run_id") == made_by]
    return parent, [each for each in runs if each.data.tags.get("mlflow.parentRunId") == parent.info.run_id]


@pytest.mark.parametrize("analysis", CANDIDATES)
def test_mlflow_has_one_parent_an_analysis_and_a_nested_run_for_each_trial(
    client: MlflowClient, instance: dg.DagsterInstance, version: Path, analysis: str
) -> None:
    parent, nested = runs_of(client, analysis, version)
    assert {each.info.status for each in (parent, *nested)} == {"FINISHED"}
    by_role = {role: {each.data.tags["custana.candidate"] for each in nested if each.data.tags["custana.role"] == role}
               for role in ("candidate", "baseline")}  # fmt: skip
    assert by_role["candidate"] >= CANDIDATES[analysis]
    assert by_role["baseline"] == BASELINES[analysis]
    champions = Counter(
        each.data.tags["custana.target"] for each in nested if each.data.tags["custana.is_champion"] == "true"
    )
    assert set(champions.values()) <= {1}
    tags = parent.data.tags
    assert (tags["dagster.asset"], tags["dagster.partition"]) == (f"models/{analysis}", AS_OF)
    assert instance.get_run_by_id(tags["dagster.run_id"]) is not None


def test_each_champion_is_registered_under_its_alias(client: MlflowClient) -> None:
    names = {"sample-behavior", "sample-demand-future_purchase", "sample-demand-future_amount", "sample-segmentation"}
    registered = {model.name: model.aliases for model in client.search_registered_models()}
    assert registered.keys() == names
    for name, aliases in registered.items():
        serving = client.get_model_version_by_alias(name, "champion")
        assert aliases == {"champion": int(serving.version)}


def test_dagster_has_the_run_with_every_asset_made_and_every_check_passed(
    instance: dg.DagsterInstance, version: Path
) -> None:
    run_id = json.loads((version / "run.json").read_text())["dagster_run_id"]
    found = instance.get_run_by_id(run_id)
    assert found is not None
    assert (found.status, found.job_name, found.tags["dagster/partition"]) == (
        dg.DagsterRunStatus.SUCCESS,
        "nightly",
        AS_OF,
    )
    events = [entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event]
    made = {event.asset_key.to_user_string() for event in events if event.is_step_materialization and event.asset_key}
    assert Counter(name.split("/")[0] for name in made) == {
        "raw": 4,
        "cleaned": 5,
        "features": 13,
        "models": 5,
        "applications": 11,
    }
    failed = [
        event.asset_check_evaluation_data.check_name
        for event in events
        if event.event_type_value == "ASSET_CHECK_EVALUATION" and not event.asset_check_evaluation_data.passed
    ]
    assert set(failed) <= {"beats_the_best_naive_rule", "promotion_gate", "inputs_are_like_those_of_training"}


def test_the_metadata_of_a_model_leads_to_its_run_in_mlflow(
    client: MlflowClient, instance: dg.DagsterInstance, version: Path
) -> None:
    made = dg.EventRecordsFilter(
        dg.DagsterEventType.ASSET_MATERIALIZATION, asset_key=dg.AssetKey(["models", "behavior"])
    )
    parent, _ = runs_of(client, "behavior", version)
    (record,) = [
        record
        for record in instance.get_event_records(made, limit=10)
        if record.run_id == parent.data.tags["dagster.run_id"]
    ]
    assert record.asset_materialization is not None
    assert parent.info.run_id in str(record.asset_materialization.metadata["mlflow_run"].value)
