"""The machine is lost in the middle of a run, and everything is started again; then many days are made up for."""

import datetime as dt
import time

from custana_pipeline.selftest.orchestration.backfill import Reader, backfill, wait_for_backfill
from custana_pipeline.selftest.orchestration.kills import held_warehouse
from custana_pipeline.selftest.orchestration.pages import Pages, Receiver, receiver
from custana_pipeline.selftest.trial import Trial, expect, trial

BOUND_SECONDS = 60.0
FIRST_DAY, DAYS, BACKFILL_SECONDS = dt.date(2025, 1, 16), 30, 2400.0


@trial("B3", "B6")
def lost_host(run: Trial) -> None:
    """Kills every process of a running `custana ui` and its run at once, and starts it again; one run at a time."""
    shop = run.shop(has_run=run.is_full)
    with receiver() as hook:
        pages = Pages(shop, {"CUSTANA_ALERT_WEBHOOK": hook.address})
        for _ in range(run.times(quick=1, full=5)):
            pages.start()
            with held_warehouse(shop):
                lost = pages.launch("ingest")
                pages.worker(lost)
                pages.kill_all()
            began = time.monotonic()
            pages.start()
            with run.case("B3"):
                _judge_lost(pages, hook, lost, began)
            with run.case("B6"):
                status = pages.ended(pages.launch("ingest"), BOUND_SECONDS)
                expect(status == "SUCCESS", f"the next run ended as {status}")
            pages.kill_all()
        if run.is_full:
            pages.start()
            with run.case("B6"):
                _thirty_days(pages)


def _judge_lost(pages: Pages, hook: Receiver, lost: str, began: float) -> None:
    status = pages.ended(lost, BOUND_SECONDS)
    expect(status == "FAILURE", f"the lost run ended as {status}")
    left = BOUND_SECONDS - (time.monotonic() - began)
    expect(hook.of_run(lost, max(left, 30))["code"] == "DIED", "the alert does not say that the run died")


def _thirty_days(pages: Pages) -> None:
    """Thirty days are made up for from the page, one run after the other, while somebody reads what is published."""
    days = [(FIRST_DAY + dt.timedelta(days=number)).isoformat() for number in range(DAYS)]
    with Reader(pages.shop.data / "published") as reader:
        wait_for_backfill(pages, backfill(pages, days), BACKFILL_SECONDS)
    expect(not reader.faults, f"of {reader.reads} reads {len(reader.faults)} failed: {reader.faults[:1]}")
    expect(len(reader.versions) > 1, f"only {len(reader.versions)} versions were seen in {reader.reads} reads")
