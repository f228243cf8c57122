"""What the bench has run without a second process has none."""

from types import SimpleNamespace

import pytest

from bench.speed import alone
from custana_pipeline.orchestration import ahead
from custana_pipeline.stores.run_profile import PROFILE


def test_no_second_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "this_machine", lambda: SimpleNamespace(cores=8))
    need = {"memory_there_bytes": 10**11, "memory_bytes": 10**9, "all_input_bytes": 10**9}
    monkeypatch.setattr(PROFILE, "need", need)
    monkeypatch.setattr(ahead, "_is_worthwhile", ahead._is_worthwhile)  # to be put back
    assert ahead._is_worthwhile()
    alone.switch_off()
    assert not ahead._is_worthwhile()
