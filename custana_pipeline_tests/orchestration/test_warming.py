import threading
from pathlib import Path

import pytest

from custana_pipeline.orchestration import warming
from custana_pipeline_tests.orchestration.packs import shipped


def test_imports_begin_with_the_first_step_and_the_first_features_wait_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, told = threading.Event(), []

    def import_all(_: object) -> None:
        told.append("begun")
        may_end.wait(10)
        told.append("ended")

    monkeypatch.setattr(warming, "_import_all", import_all)
    with warming.warming(shipped("sample", tmp_path)):
        assert told == []
        warming.step_begins("raw__transactions")
        warming.step_begins("cleaned__transactions")
        assert "ended" not in told
        may_end.set()
        warming.step_begins("features__activity")
        assert told == ["begun", "ended"]
        warming.step_begins("models__behavior")


def test_a_run_that_ends_before_its_first_step_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "_import_all", lambda _: pytest.fail("nothing is needed"))
    with warming.warming(shipped("sample", tmp_path)):
        pass
    warming.step_begins("features__activity")
