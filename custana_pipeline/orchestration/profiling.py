"""Which stage of the profile a run is in, as its events tell."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from custana_pipeline.stores.run_profile import PROFILE, begun_anew, stage_of_table
from custana_pipeline.stores.settings import Settings

ROW_COUNT = "dagster/row_count"


@contextmanager
def profiled(settings: Settings) -> Iterator[None]:
    """Measures the run of the block and writes its profile, however it ends."""
    with begun_anew() as profile:
        try:
            yield
        finally:
            profile.write(settings.data_dir)


def measure(event: dg.DagsterEvent) -> None:
    """Moves the profile on: a step that starts begins its stage, and a table that is made has rows."""
    if event.event_type == dg.DagsterEventType.STEP_START and event.step_key is not None:
        PROFILE.enter(stage_of_table(event.step_key.replace("__", ".", 1)))
    if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key is not None:
        rows = event.step_materialization_data.materialization.metadata.get(ROW_COUNT)
        if rows is not None:
            PROFILE.made(".".join(event.asset_key.path), int(str(rows.value)))


def profile_line() -> str:
    """Seconds and peak memory of each stage that took time, in the order of the chain."""
    return ", ".join(
        f"{each['stage']} {each['seconds']:.1f} s {each['peak_mb'] / 1024:.2f} GB"
        for each in PROFILE.facts()["stages"]
        if each["seconds"] >= 0.05
    )
