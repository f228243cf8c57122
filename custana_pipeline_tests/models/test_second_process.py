"""The second process trains what it is given as the first one would, and ends with it."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.learning import TrainingInput, learned
from custana_pipeline.models.second_process import SecondProcess
from custana_pipeline_tests.models.shop import HORIZON_DAYS, days_of_shop, snapshots

PATIENT_MILLISECONDS = 60_000
STARTER = """
import os
from custana_pipeline.models.second_process import SecondProcess
print(SecondProcess().pid, flush=True)
os._exit(0)
"""


def behavior(rows: pd.DataFrame | None = None) -> TrainingInput:
    given = snapshots() if rows is None else rows
    return TrainingInput("behavior", given, days_of_shop(), horizon_days=HORIZON_DAYS, seed=7)


@pytest.fixture
def process() -> Iterator[SecondProcess]:
    process = SecondProcess()
    yield process
    process.end()


def has_ended(pid: int) -> bool:
    """Whether the process ends in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    try:
        return bool(waiting.poll(PATIENT_MILLISECONDS))
    finally:
        os.close(descriptor)


def test_it_learns_what_the_first_process_would_have_learned(process: SecondProcess) -> None:
    given = behavior()
    found, expected = process.submit([given]).result(), learned(given)
    assert found is not None
    assert found.data_version == expected.data_version
    assert found.dtypes == expected.dtypes
    pd.testing.assert_frame_equal(found.importances, expected.importances)
    ours, theirs = expected.training.champions["is_recommended"], found.training.champions["is_recommended"]
    assert (theirs.name, theirs.metrics) == (ours.name, ours.metrics)
    today = given.rows[given.rows["as_of"] == given.known.as_of]
    np.testing.assert_array_equal(theirs.estimator.predict_proba(today), ours.estimator.predict_proba(today))


def test_what_cannot_be_learned_from_is_left_to_the_first_process_and_the_next_is_learned(
    process: SecondProcess,
) -> None:
    broken = process.submit([behavior(snapshots().drop(columns="customer_id"))])
    assert broken.result() is None
    assert process.submit([behavior()]).result() is not None


def test_what_it_has_not_come_to_can_be_cancelled(process: SecondProcess) -> None:
    first, second = [behavior()], [behavior()]
    begun, waiting = process.submit(first), process.submit(second)
    assert waiting.cancel()
    assert begun.result() is not None
    assert (len(first), len(second)) == (0, 1)


def test_one_that_is_killed_gives_nothing_back(process: SecondProcess) -> None:
    coming = process.submit([behavior()])
    os.kill(process.pid, signal.SIGKILL)
    assert coming.result() is None
    assert process.submit([behavior()]).result() is None


def test_it_is_ended_whatever_it_is_at() -> None:
    process = SecondProcess()
    process.submit([behavior()])
    process.end()
    assert has_ended(process.pid)


def test_it_ends_with_whoever_started_it() -> None:
    told = subprocess.run([sys.executable, "-c", STARTER], capture_output=True, text=True, check=True)
    assert has_ended(int(told.stdout))


def test_it_does_not_end_at_an_interruption_that_is_meant_for_the_first_process(process: SecondProcess) -> None:
    assert process.submit([behavior()]).result() is not None  # so that it has begun to hear
    os.kill(process.pid, signal.SIGINT)
    assert process.submit([behavior()]).result() is not None
