"""A run ends whose last step fails while others are skipped, whatever the order of its steps."""

import subprocess
import sys

PATIENT_SECONDS = 120
RUN = """
import os
import dagster as dg
from custana_pipeline.orchestration.skipped_steps import tell_of_all

@dg.asset(output_required=False)
def untrained():
    return
    yield

@dg.asset(deps=[untrained])
def skipped(): ...

@dg.asset(op_tags={"dagster/priority": "-1"})
def fails():
    raise ValueError

@dg.asset(deps=[fails])
def abandoned(): ...

@dg.asset(deps=[abandoned, skipped])
def of_both(): ...

@dg.asset(deps=[of_both])
def of_that(): ...

tell_of_all()
result = dg.materialize([untrained, skipped, fails, abandoned, of_both, of_that], raise_on_error=False)
told = sorted(event.step_key for event in result.all_events if event.event_type_value == "STEP_SKIPPED")
print("ended", result.success, *told, flush=True)
os._exit(0)
"""


def test_what_is_skipped_for_an_abandoned_step_is_told_and_the_run_ends() -> None:
    told = subprocess.run(
        [sys.executable, "-c", RUN], capture_output=True, text=True, check=True, timeout=PATIENT_SECONDS
    )
    assert told.stdout.splitlines()[-1] == "ended False of_both of_that skipped"
