"""The whole chain on a small simulated shop, through the command, from files to published lists."""

import csv
import datetime as dt
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from custana_pipeline.raw.simulator import SimulationPlan, simulate
from custana_pipeline.stores.file_locks import holding
from custana_pipeline_tests.commands.shop_files import Told, command, fingerprint

AS_OF = "2025-02-01"
PROMISED = {
    "recommended_customers": "as_of customer_id p_buy score_decile is_recommended reasons model_version",
    "demand_forecast": "as_of customer_id expected_purchases expected_amount expected_net_amount "
    "lower_amount upper_amount",
    "customer_value": "as_of customer_id horizon_value horizon_lower horizon_upper year_purchases year_value "
    "year_lower year_upper value_decile note model_version",
    "product_recommendations": "as_of customer_id list rank product_id score reason",
    "customer_segments": "as_of customer_id segment_id segment_name",
    "segment_profiles": "as_of segment_id segment_name",
    "segment_offers": "as_of segment_id product_id",
    "segment_migrations": "as_of previous_as_of from_segment_id to_segment_id customers share",
}
A_ROW_A_CUSTOMER = ("recommended_customers", "demand_forecast", "customer_value", "customer_segments")
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


def run(capsys: pytest.CaptureFixture[str], files: Path, data: Path, *options: str) -> Told:
    """`custana run` on a folder of the simulated shop."""
    told = ["run", "--source", "sample", "--input", str(files), "--data-dir", str(data)]
    return command(capsys, *told, "--as-of", AS_OF, *options)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of the test session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


@pytest.fixture
def shop(root: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the shop's `files` and the `data` of two runs of one day, made once a test session.

    `first.json` tells what was published after the first of them.
    """
    folder, made = root / "whole-chain", root / "whole-chain" / "made"
    with holding(root / "whole-chain.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            simulate(SimulationPlan(customers=400, days=500), folder / "files")
            told = run(capsys, folder / "files", folder / "data")
            assert told.exit_code == 0, told.err
            (folder / "first.json").write_text(json.dumps(fingerprint(folder / "data" / "published")))
            told = run(capsys, folder / "files", folder / "data", "--again")
            assert told.exit_code == 0, told.err
            before = fingerprint(folder / "data")
            told_third = run(capsys, folder / "files", folder / "data")
            third = {"told": told_third.out, "is_untouched": fingerprint(folder / "data") == before}
            (folder / "third.json").write_text(json.dumps(third))
            made.write_text(told.out)
    return folder


def test_a_run_with_nothing_new_says_so_and_touches_not_a_byte(shop: Path) -> None:
    third = json.loads((shop / "third.json").read_text())
    assert third["told"].startswith("custana: nothing new since ")
    assert f"data/published/{AS_OF} stands" in third["told"]
    assert third["is_untouched"]


@pytest.fixture
def version(shop: Path) -> Path:
    """The folder that CURRENT names."""
    published = shop / "data" / "published"
    return published / (published / "CURRENT").read_text().strip()


def rows(version: Path, query: str) -> list[tuple]:
    """The rows of a query in which {name} stands for the Parquet file of a list."""
    with duckdb.connect() as connection:
        return connection.execute(query.format(**{name: f"'{version / name}.parquet'" for name in PROMISED})).fetchall()


def test_the_lists_have_the_columns_that_other_programs_read(version: Path) -> None:
    for name, promised in PROMISED.items():
        columns = [column for column, *_ in rows(version, f"describe from {{{name}}}")]
        assert [column for column in promised.split() if column not in columns] == []
        with (version / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert next(csv.reader(file)) == columns


def test_every_list_is_of_the_day_and_has_the_rows_of_its_csv(version: Path) -> None:
    for name in PROMISED:
        # nothing was listed before the first day of a warehouse
        days = [] if name == "segment_migrations" else [(dt.date.fromisoformat(AS_OF),)]
        assert rows(version, f"select distinct as_of from {{{name}}}") == days
        with (version / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert rows(version, f"select count(*) from {{{name}}}") == [(sum(1 for _ in csv.reader(file)) - 1,)]


def known_customers(shop: Path) -> set[str]:
    """Customers with a purchase before as_of, from the files alone."""
    query = """select distinct trim(customer_id) from read_csv(?, all_varchar = true, ignore_errors = true)
        where lower(trim(customer_id)) not in ('null', 'nan', 'none', 'n/a', 'unknown', '')
        and try_strptime(trim(ordered_at), '%Y-%m-%d %H:%M:%S') between '1990-01-01' and '2025-01-31 23:59:59'
        and try_cast(quantity as double) > 0 and try_cast(unit_price as decimal(18, 4)) >= 0"""
    with duckdb.connect() as connection:
        found = connection.execute(query, [str(shop / "files" / "transactions.csv")]).fetchall()
    return {customer for (customer,) in found}


def test_every_customer_with_a_purchase_before_the_day_is_in_every_list(shop: Path, version: Path) -> None:
    known = known_customers(shop)
    assert len(known) > 250
    for name in (*A_ROW_A_CUSTOMER, "product_recommendations"):
        assert {customer for (customer,) in rows(version, f"select distinct customer_id from {{{name}}}")} == known
    for name in A_ROW_A_CUSTOMER:
        assert rows(version, f"select count(*) from {{{name}}}") == [(len(known),)]


def test_scores_are_what_they_are_called(version: Path) -> None:
    wrong = {
        "recommended_customers": "p_buy not between 0 and 1 or score_decile not between 1 and 10 or reasons is null",
        "demand_forecast": "expected_purchases < 0 or expected_amount < 0 or lower_amount > upper_amount",
        "customer_value": "horizon_value < 0 or year_value < horizon_value or year_value > year_upper",
        "product_recommendations": "list not in ('buy_again', 'discover') or rank not between 1 and 10",
        "customer_segments": "segment_name is null or segment_name = ''",
    }
    for name, condition in wrong.items():
        assert rows(version, f"select count(*) from {{{name}}} where {condition}") == [(0,)]
    better = "select count(*) from {recommended_customers} one join {recommended_customers} other"
    assert rows(version, f"{better} on one.score_decile < other.score_decile and one.p_buy < other.p_buy") == [(0,)]


def test_the_manifest_names_the_bytes_of_every_file_and_current_names_the_version(shop: Path, version: Path) -> None:
    manifest = json.loads((version / "manifest.json").read_text())
    files = {path.name for path in version.iterdir()} - {"manifest.json", "run.json"}
    assert files == manifest["files"].keys()
    for name, facts in manifest["files"].items():
        content = (version / name).read_bytes()
        assert (facts["sha256"], facts["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    digest = hashlib.sha256((version / "manifest.json").read_bytes()).hexdigest()
    assert version.name == f"{AS_OF}-{digest[:8]}"
    assert (shop / "data" / "published" / AS_OF).resolve() == version.resolve()


def test_the_report_needs_nothing_from_elsewhere(version: Path) -> None:
    report = (version / "report.html").read_text(encoding="utf-8")
    assert AS_OF in report
    for fetched in ('src="http', 'href="http', "@import", "url(http"):
        assert fetched not in report


def test_the_lines_that_the_terminal_counts_add_up(shop: Path) -> None:
    told = {words[0]: words[1:] for words in (row.split() for row in (shop / "made").read_text().splitlines()) if words}
    for table in ("transactions", "customers", "products", "events"):
        read, *parts = (int(number.replace(",", "")) for number in told[table])
        assert read == sum(parts)


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


def test_the_same_day_again_publishes_nothing_new(shop: Path) -> None:
    assert fingerprint(shop / "data" / "published") == json.loads((shop / "first.json").read_text())


def test_a_bad_file_after_a_good_night_leaves_lists_and_tables_as_they_were(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = tmp_path / "spoilt"
    shutil.copytree(shop, spoilt, symlinks=True)
    database = str(spoilt / "data" / "warehouse" / "sample.duckdb")
    query = "select (select count(*) from raw.transactions), (select count(*) from cleaned.transactions)"
    with duckdb.connect(database, read_only=True) as connection:
        tables = connection.execute(query).fetchall()
    before = fingerprint(spoilt / "data" / "published")
    late = [f"O9{number:06d},C00001,P0001,not a day,1,1.00" for number in range(2000)]
    header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price"
    (spoilt / "files" / "transactions-late.csv").write_text("\n".join([header, *late]) + "\n")
    told = run(capsys, spoilt / "files", spoilt / "data")
    assert told.exit_code == 3
    assert "unparsable_date 2,0" in told.err
    assert fingerprint(spoilt / "data" / "published") == before
    with duckdb.connect(database, read_only=True) as connection:
        assert connection.execute(query).fetchall()[0][1] == tables[0][1]


def other_future(path: Path, column: int) -> None:
    """Of the lines at or after the day: a third changed, a third deleted, a third doubled for a stranger."""
    lines = path.read_text(encoding="utf-8").split("\n")
    kept, changed = [], 0
    for text in lines:
        fields = text.split(",")
        if len(fields) <= column or not AS_OF <= fields[column] < "2026":
            kept.append(text)
            continue
        changed += 1
        if changed % 3 == 0:
            kept.append(text.replace(",P0", ",P9"))
        if changed % 3 == 1:
            kept += [text, text.replace(",C0", ",C9").replace("C0", "C9", 1 if text.startswith("C") else 0)]
    assert changed > 50
    path.write_text("\n".join(kept), encoding="utf-8")


def test_another_future_makes_the_same_lists(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(shop / "files", tmp_path / "files")
    other_future(tmp_path / "files" / "transactions.csv", column=3)
    other_future(tmp_path / "files" / "events.csv", column=3)
    told = run(capsys, tmp_path / "files", tmp_path / "data")
    assert told.exit_code == 0, told.err
    lists = [
        {name: digest for name, digest in fingerprint(folder / "published" / AS_OF).items() if "." in name}
        for folder in (shop / "data", tmp_path / "data")
    ]
    differing = {name for name in lists[0] if lists[0][name] != lists[1][name]}
    assert differing <= {"manifest.json", "run.json", "report.html"}
    assert len(lists[0]) == len(lists[1]) >= 2 * len(PROMISED)
