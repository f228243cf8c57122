import subprocess
import sys
import threading
from pathlib import Path

import pytest

from custana_pipeline.orchestration import warming
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline_tests.orchestration.packs import shipped


@pytest.fixture(autouse=True)
def without_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming.tracking_store, "initialise", lambda _: None)


def begin_early_steps() -> None:
    warming.step_begins("raw__transactions")
    warming.step_begins("cleaned__transactions")


def test_features_wait_for_what_they_reckon_with_and_models_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_keep, told = threading.Event(), []

    def import_all(names: tuple[str, ...]) -> None:
        if names == warming._KEEPING:
            may_keep.wait(10)
        told.append(names)

    monkeypatch.setattr(warming, "_import_all", import_all)
    with warming.warming(shipped("sample", tmp_path)):
        begin_early_steps()
        warming.step_begins("features__activity")
        warming.step_begins("models__recommendations")
        assert told == [warming._RECKONING]
        may_keep.set()
        warming.step_begins("models__behavior")
        assert told == [warming._RECKONING, warming._KEEPING]


def test_whoever_asks_for_mlflow_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(warming, "_import_all", told.append)
    settings = shipped("sample", tmp_path)
    with warming.warming(settings):
        begin_early_steps()
        assert Project(settings).tracker.folder == settings.mlflow_dir
        assert told == [warming._RECKONING, warming._KEEPING]


def test_imports_begin_with_the_first_step_and_the_early_ones_do_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(warming, "_import_all", lambda _: may_end.wait(10))
    with warming.warming(shipped("sample", tmp_path)):
        assert warming._warming[0].ident is None
        begin_early_steps()
        assert warming._warming[0].is_alive()
        may_end.set()


def test_what_cannot_be_imported_stops_nobody_from_waiting_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ImportError("no such module")

    monkeypatch.setattr(warming, "_import_all", broken)
    with warming.warming(shipped("sample", tmp_path)):
        warming.step_begins("features__activity")
        warming.step_begins("models__behavior")


def test_a_step_that_need_not_wait_adds_nothing_to_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "_import_all", lambda _: None)
    with warming.warming(shipped("sample", tmp_path)):
        warming.step_begins("models__behavior")
        monkeypatch.setattr(PROFILE, "within", lambda _: pytest.fail("nobody waited"))
        warming.step_begins("models__demand")


def test_a_run_that_ends_before_its_first_step_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "_import_all", lambda _: pytest.fail("nothing is needed"))
    with warming.warming(shipped("sample", tmp_path)):
        pass
    warming.step_begins("features__activity")


def test_no_part_of_sqlalchemy_that_dagsters_books_ask_is_imported_on_the_side() -> None:
    program = """if True:
        import sys
        from custana_pipeline.orchestration import code_location, warming
        from custana_pipeline.stores import dagster_events, tracking_store
        with warming.warming(None):
            before = set(sys.modules)
            import mlflow.models, mlflow.store.tracking.dbmodels.models
        new = {name for name in set(sys.modules) - before if name.startswith("sqlalchemy.")}
        apart = ("sqlalchemy.connectors", "sqlalchemy.dialects", "sqlalchemy.ext.mutable")
        assert "mlflow" not in before and new, "nothing is imported on the side"
        print(sorted(name for name in new if not name.startswith(apart)))
    """
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
