"""A second run with nothing new: only where files, settings, code and what was left are all as they were."""

import datetime as dt
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from custana_pipeline.raw import landing
from custana_pipeline.raw.landing import hash_file
from custana_pipeline.stores import receipts
from custana_pipeline.stores.list_files import PublishedList
from custana_pipeline.stores.publishing import Publication, publish
from custana_pipeline.stores.receipts import standing
from custana_pipeline.stores.settings import Settings, load_settings
from custana_pipeline_tests.conftest import REPOSITORY

DAY, NEXT_DAY = dt.date(2024, 7, 1), dt.date(2024, 7, 2)


def settings_of(folder: Path) -> Settings:
    """The sample's settings with input, SQL models and data of the test's own."""
    settings = load_settings(
        project_dir=REPOSITORY, source="sample", data_dir=folder / "data", input=str(folder / "files")
    )
    return settings.model_copy(update={"project_dir": folder})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A shop for which a run has just published, as far as files tell."""
    for name in ("transactions", "customers", "products"):
        put(tmp_path / "files" / f"{name}.csv", "a line")
    put(tmp_path / "dbt_like_sql" / "cleaned" / "transactions.sql", "select 1")
    for name in (
        "warehouse/sample.duckdb",
        "mlflow/mlflow.db",
        "dagster/history/runs.db",
        "mlflow/artifacts/sample-behavior/model.skops",
        "snapshots/sample/run.duckdb",
    ):
        put(tmp_path / "data" / name, "whole")
    settings = settings_of(tmp_path)
    table = pa.table({"as_of": [DAY], "customer_id": ["c1"]})
    lists = {"one": PublishedList(table, ("customer_id",), {})}
    publish(Publication(DAY, "sample", 90, lists, "<html></html>"), settings.published_dir)
    keep(settings)
    return settings


def keep(settings: Settings, next_day: dt.date = DAY, begun: dict[str, Any] | None = None) -> None:
    """The receipt of a run that landed files of one line each."""
    content = hashlib.sha256(b"a line").hexdigest()
    landed = {(name, f"{name}.csv"): content for name in ("transactions", "customers", "products")}
    receipts.keep(settings, begun or receipts.beginning(settings), (DAY, next_day), landed)


def put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_the_lists_stand_where_nothing_has_changed_whether_the_day_is_typed_or_not(settings: Settings) -> None:
    for as_of in ("2024-07-01", None):
        found = standing(settings, as_of)
        assert found is not None
        assert (found.as_of, found.version) == ("2024-07-01", settings.published_dir / "2024-07-01")


def test_another_day_is_a_whole_run(settings: Settings) -> None:
    assert standing(settings, "2024-07-02") is None
    keep(settings, NEXT_DAY)
    assert standing(settings, None) is None
    assert standing(settings, "2024-07-01") is not None


def _edited_in_place(path: Path) -> None:
    """Other bytes of the same length, and the time of writing set back."""
    before = path.stat()
    path.write_text("X" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a new file": lambda home: put(home / "files" / "transactions-2.csv", "a line"),
    "a file with other bytes": lambda home: _edited_in_place(home / "files" / "transactions.csv"),
    "a file that is gone": lambda home: (home / "files" / "customers.csv").unlink(),
    "another SQL model": lambda home: put(home / "dbt_like_sql" / "cleaned" / "transactions.sql", "select 2"),
    "one more SQL model": lambda home: put(home / "dbt_like_sql" / "cleaned" / "more.sql", "select 1"),
    "an edited list": lambda home: _edited_in_place(home / "data" / "published" / "2024-07-01" / "one.csv"),
    "a list that is gone": lambda home: (home / "data" / "published" / "2024-07-01" / "one.parquet").unlink(),
    "a file too many among the lists": lambda home: put(home / "data" / "published" / "2024-07-01" / "two.csv", ""),
    "an edited manifest": lambda home: _edited_in_place(home / "data" / "published" / "2024-07-01" / "manifest.json"),
    "no link of the day": lambda home: (home / "data" / "published" / "2024-07-01").unlink(),
    "no CURRENT": lambda home: (home / "data" / "published" / "CURRENT").unlink(),
    "another CURRENT": lambda home: put(home / "data" / "published" / "CURRENT", "versions/other\n"),
    "a warehouse that was written to": lambda home: _edited_in_place(home / "data" / "warehouse" / "sample.duckdb"),
    "no warehouse": lambda home: (home / "data" / "warehouse" / "sample.duckdb").unlink(),
    "no snapshot": lambda home: (home / "data" / "snapshots" / "sample" / "run.duckdb").unlink(),
    "a damaged model": lambda home: _edited_in_place(
        home / "data" / "mlflow" / "artifacts" / "sample-behavior" / "model.skops"
    ),
    "no books of MLflow": lambda home: (home / "data" / "mlflow" / "mlflow.db").unlink(),
    "a damaged receipt": lambda home: put(home / "data" / "receipts" / "sample.json", "{"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_what_goes_in_or_of_what_was_left_is_a_whole_run(
    change: str, settings: Settings, tmp_path: Path
) -> None:
    CHANGES[change](tmp_path)
    assert standing(settings, "2024-07-01") is None


def _copied_anew(path: Path) -> None:
    """The same bytes in another file, as a transfer of a whole folder leaves them."""
    aside = path.with_name("aside")
    aside.write_bytes(path.read_bytes())
    aside.replace(path)


SAME_BYTES: dict[str, Callable[[Path], object]] = {
    "touched": os.utime,
    "copied anew": _copied_anew,
    "another name for it": lambda path: os.link(path, path.parents[1] / "kept.csv"),
}


@pytest.mark.parametrize("change", SAME_BYTES)
def test_a_file_with_another_stamp_and_the_bytes_that_were_landed_is_no_news(
    change: str, settings: Settings, tmp_path: Path
) -> None:
    before = receipts.beginning(settings)
    SAME_BYTES[change](tmp_path / "files" / "transactions.csv")
    assert receipts.beginning(settings) != before
    assert standing(settings, "2024-07-01") is not None


def test_where_it_is_not_known_what_was_landed_a_file_with_another_stamp_is_news(
    settings: Settings, tmp_path: Path
) -> None:
    receipts.keep(settings, receipts.beginning(settings), (DAY, DAY), {})
    assert standing(settings, "2024-07-01") is not None
    os.utime(tmp_path / "files" / "transactions.csv")
    assert standing(settings, "2024-07-01") is None


def test_a_file_that_is_written_while_it_is_read_is_news(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def and_written(path: Path) -> str:
        content = hash_file(path)
        put(path, "a word")
        return content

    os.utime(tmp_path / "files" / "transactions.csv")
    monkeypatch.setattr(landing, "hash_file", and_written)
    assert standing(settings, "2024-07-01") is None


def test_files_are_not_read_where_something_else_is_new(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing, "hash_file", lambda path: pytest.fail(f"{path} was read"))
    os.utime(tmp_path / "files" / "transactions.csv")
    assert standing(settings.model_copy(update={"seed": 8}), "2024-07-01") is None
    put(tmp_path / "files" / "customers.csv", "a longer line")
    assert standing(settings, "2024-07-01") is None


@pytest.mark.parametrize("change", [{"seed": 8}, {"horizon_days_override": 30}, {"snapshots": 2}])
def test_any_setting_with_an_effect_is_a_whole_run(change: dict[str, int], settings: Settings) -> None:
    assert standing(settings.model_copy(update=change), "2024-07-01") is None


def test_a_port_of_the_pages_has_no_effect(settings: Settings) -> None:
    assert standing(settings.model_copy(update={"dagster_port": 3999}), "2024-07-01") is not None


def test_another_version_of_a_library_is_a_whole_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "_installed", lambda: ["scikit_learn-9.dist-info"])
    assert standing(settings, "2024-07-01") is None


def test_a_file_that_changed_while_the_run_went_on_is_not_vouched_for(settings: Settings, tmp_path: Path) -> None:
    begun = receipts.beginning(settings)
    put(tmp_path / "files" / "transactions.csv", "a line that came too late")
    keep(settings, begun=begun)
    assert standing(settings, "2024-07-01") is None


def test_a_run_that_begins_tears_up_the_receipt(settings: Settings) -> None:
    receipts.tear_up(settings)
    assert standing(settings, "2024-07-01") is None


def test_there_is_no_receipt_where_a_piece_is_missing(settings: Settings) -> None:
    receipts.tear_up(settings)
    settings.warehouse_path.unlink()
    keep(settings)
    assert not (settings.data_dir / "receipts" / "sample.json").exists()


def test_the_receipt_tells_no_setting_in_plain_text(settings: Settings) -> None:
    told = (settings.data_dir / "receipts" / "sample.json").read_text()
    assert settings.owner not in told
