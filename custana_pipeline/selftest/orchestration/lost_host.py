"""The machine is lost in the middle of a run, and everything is started again."""

import time

from custana_pipeline.selftest.orchestration.kills import held_warehouse
from custana_pipeline.selftest.orchestration.pages import Pages, receiver
from custana_pipeline.selftest.trial import Trial, expect, trial

BOUND_SECONDS = 60.0


@trial("B3", "B6")
def lost_host(run: Trial) -> None:
    """Kills every process of a running `custana ui` and its run at once, and starts it again; one run at a time."""
    shop = run.shop()
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
                status = pages.ended(lost, BOUND_SECONDS)
                expect(status == "FAILURE", f"the lost run ended as {status}")
                left = BOUND_SECONDS - (time.monotonic() - began)
                expect(hook.of_run(lost, max(left, 30))["code"] == "DIED", "the alert does not say that the run died")
            with run.case("B6"):
                status = pages.ended(pages.launch("ingest"), BOUND_SECONDS)
                expect(status == "SUCCESS", f"the next run ended as {status}")
            pages.kill_all()
