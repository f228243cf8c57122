"""A step that fails outside of its own body, as when its events cannot be stored: its kind is told, and no text."""

import datetime as dt

import dagster as dg
import pytest

from custana_pipeline.orchestration import run
from custana_pipeline_tests.commands.shop_files import Shop, every, fingerprint, purchases

LINES = purchases(range(1, 11), every(60, dt.date(2024, 1, 5), dt.date(2025, 1, 1)))
SECRET = "Wilhelmina Q. Customer"


@pytest.mark.parametrize("step", ["cleaned/products", "cleaned/line_counts"])
def test_its_kind_is_told_and_not_its_text(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fails(event: dg.DagsterEvent) -> None:
        if event.event_type == dg.DagsterEventType.STEP_START and event.step_key == step.replace("/", "__"):
            raise BufferError(SECRET)

    monkeypatch.setattr(run, "measure", fails)
    before = fingerprint(shop.data / "published")
    answer = shop.write(LINES).run(capsys)
    assert answer.exit_code == 1
    assert f"{step} (BufferError) failed: `custana ui` shows the run" in " ".join(answer.err.split())
    assert SECRET not in answer.out
    assert fingerprint(shop.data / "published") == before
