"""`custana run` that is told to stop ends: no step is tried again, no other one begins, and the published stays."""

import datetime as dt
import os
import signal
import time
from typing import Any, NoReturn

import dagster as dg
import pytest

from custana_pipeline.orchestration.assets import models
from custana_pipeline.orchestration.failures import failure_alert
from custana_pipeline.stores import dagster_home
from custana_pipeline_tests.commands.shop_files import Shop, every, fingerprint, purchases

LINES = purchases(range(1, 61), every(20, dt.date(2024, 1, 5), dt.date(2025, 1, 1)))
STOPPED_CODE = 130


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_stop_ends_with_the_step_that_heard_it(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, signal_number: int
) -> None:
    def stopped(*_: Any) -> NoReturn:
        os.kill(os.getpid(), signal_number)
        time.sleep(60)
        raise AssertionError("The signal was not heard.")

    monkeypatch.setattr(models, "learned_of", stopped)
    before = fingerprint(shop.data / "published")
    answer = shop.write(LINES).run(capsys)
    assert answer.exit_code == STOPPED_CODE
    assert fingerprint(shop.data / "published") == before
    with dagster_home.opened(shop.data / "dagster") as instance:
        (run,) = instance.get_runs(limit=1)
        kinds = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.dagster_event]
        heard = next(event for event in kinds if event.event_type == dg.DagsterEventType.STEP_FAILURE)
        after = kinds[kinds.index(heard) :]
        assert not [event for event in kinds if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]
        assert not [event for event in after if event.event_type == dg.DagsterEventType.STEP_SUCCESS]
        assert failure_alert(instance, run).code == "STOPPED"
