"""A run with too little memory or disk ends with a sentence that names the setting, and what was published stays."""

import datetime as dt
import json
import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

from custana_pipeline.errors import CustanaError
from custana_pipeline.stores import estimates, faults
from custana_pipeline.stores.machine import Machine
from custana_pipeline.stores.settings import Settings, load_settings
from custana_pipeline.stores.warehouse import Warehouse
from custana_pipeline_tests.commands.shop_files import AS_OF, SECRET, Shop, every, fingerprint, purchases
from custana_pipeline_tests.conftest import REPOSITORY

LINES = purchases(range(1, 61), every(20, dt.date(2024, 1, 5), dt.date(2025, 1, 1)))
MEMORIES = [(12_000_000, 0.7e9, True), (127_000_000, 0.73e9, False), (127_000_000, 1.07e9, True)]
"""Bytes of text, memory that there is, and whether a generated shop of that size was seen to end well with it."""
ULIMIT = """import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1_900_000_000, 1_900_000_000))
from custana_pipeline.cli import main
main()"""


def test_a_query_without_memory_ends_the_run_and_what_was_published_stays(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "duckdb_memory_limit", "1MB")
    before = fingerprint(shop.data / "published")
    answer = shop.write(LINES).run(capsys)
    assert answer.exit_code == 1
    assert "raise CUSTANA_MEMORY_LIMIT" in answer.err
    assert "What was published before still stands." in answer.err
    assert SECRET not in answer.err + answer.out
    assert fingerprint(shop.data / "published") == before


def test_a_process_that_may_have_next_to_no_memory_does_not_begin(shop: Shop) -> None:
    before = fingerprint(shop.data / "published")
    shop.write(LINES)
    told = ["run", "--source", "sample", "--input", str(shop.folder), "--data-dir", str(shop.data), "--as-of", AS_OF]
    ended = subprocess.run([sys.executable, "-c", ULIMIT, *told], capture_output=True, text=True, env={**os.environ})
    assert ended.returncode == 1, ended.stderr
    assert "CUSTANA_MEMORY_LIMIT" in ended.stderr
    assert ended.stderr.endswith("Nothing was changed.\n")
    assert not (shop.data / "warehouse" / "sample.duckdb").exists()
    assert fingerprint(shop.data / "published") == before


def test_a_disk_that_cannot_hold_the_tables_is_named_before_the_run_begins(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "free_bytes", lambda _where: 20_000_000)
    before = fingerprint(shop.data / "published")
    answer = shop.write(LINES).run(capsys)
    assert answer.exit_code == 1
    assert f"in {shop.data}, and 20 MB are free" in answer.err
    assert "CUSTANA_DATA_DIR" in answer.err
    assert fingerprint(shop.data / "published") == before


@pytest.mark.parametrize(("text_bytes", "there", "is_begun"), MEMORIES)
def test_a_run_whose_models_would_clearly_not_fit_is_not_begun(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, text_bytes: int, there: float, is_begun: bool
) -> None:
    monkeypatch.setattr(estimates, "_input_bytes", lambda *_: (text_bytes, text_bytes))
    monkeypatch.setattr(estimates, "this_machine", lambda: Machine(int(there), 2))
    settings = load_settings(project_dir=REPOSITORY, source="sample", data_dir=shop.data)
    need = estimates.need_of(settings, Warehouse(shop.folder / "none.duckdb", memory_limit="300MB"))
    with nullcontext() if is_begun else pytest.raises(CustanaError, match="CUSTANA_MEMORY_LIMIT"):
        estimates.refuse_what_cannot_fit(need, settings)


def test_the_need_is_the_second_line_of_a_run_and_stands_in_its_profile(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "duckdb_memory_limit", "1MB")  # which ends it soon
    answer = shop.write(LINES).run(capsys)
    assert answer.out.splitlines()[1].startswith("custana: needs about ")
    need = json.loads((shop.data / "profile.json").read_text())["need"]
    assert need["new_input_bytes"] == sum(file.stat().st_size for file in shop.folder.iterdir())
    assert need["memory_limit_bytes"] == 1_000_000
