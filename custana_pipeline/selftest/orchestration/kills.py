"""Runs under `custana ui` that are killed, stopped, hung or fed with bad data; one start of the servers for all."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from custana_pipeline.selftest.orchestration.pages import Pages, Receiver, receiver, wait_for
from custana_pipeline.selftest.security.network import judge_pages
from custana_pipeline.selftest.shop import Shop
from custana_pipeline.selftest.trial import Trial, expect, trial

LIMIT_SECONDS = 15
ALERT_SECONDS = 60.0
CANARY = "wilhelmina.q@shop.example"


@trial("B1", "B4", "B7", "B9", "F6")
def kills(run: Trial) -> None:
    """Stops, kills and hangs the workers of runs that the page launched, and gives one of them a bad file."""
    shop = run.shop(has_run=True)
    before = shop.published()
    with receiver() as hook:
        told = {"CUSTANA_ALERT_WEBHOOK": hook.address, "CUSTANA_MAX_RUNTIME_SECONDS": str(LIMIT_SECONDS)}
        pages = Pages(shop, told)
        pages.start()
        with run.case("F6"):
            judge_pages(pages)
        with held_warehouse(shop):
            stopped = pages.launch("ingest")
            with run.case("B4"):
                _sigterm(pages, stopped)
                expect(shop.published() == before, "what was published has changed")
            with run.case("B1"):
                _sigkill(pages, hook, _retry_of(pages, stopped))
            with run.case("B7"):
                _hung(pages, hook)
        with run.case("B9"):
            _silent_failure(pages, hook)
        with run.case("B1"):
            expect(pages.ended(pages.launch("ingest"), 90) == "SUCCESS", "the next run did not succeed")
            expect(shop.published() == before, "what was published has changed")


@contextmanager
def held_warehouse(shop: Shop) -> Iterator[None]:
    """Keeps the warehouse open, so that a run waits for it."""
    path = shop.data / "warehouse" / "shop.duckdb"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(duckdb.connect(str(path))):
        yield


def is_gone(pid: int) -> bool:
    """Whether no process of that number is left, but for one that waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _sigterm(pages: Pages, run_id: str) -> None:
    os.kill(pages.worker(run_id), signal.SIGTERM)
    expect(pages.ended(run_id, 10) == "FAILURE", "a run that was stopped did not end as failed")


def _sigkill(pages: Pages, hook: Receiver, run_id: str) -> None:
    pid = pages.worker(run_id)
    os.kill(pid, signal.SIGKILL)
    expect(pages.ended(run_id, 5) == "FAILURE", "a run whose worker was killed did not end as failed")
    wait_for(lambda: is_gone(pid), "the worker's process survived", 5)
    expect(hook.of_run(run_id, ALERT_SECONDS)["code"] == "DIED", "the alert does not say that the run died")


def _hung(pages: Pages, hook: Receiver) -> None:
    run_id = pages.launch("ingest")
    pid = pages.worker(run_id)
    expect(pages.ended(run_id, LIMIT_SECONDS + 30) == "FAILURE", "a hung run did not end as failed")
    told = hook.of_run(run_id, ALERT_SECONDS)
    expect(told["code"] == "TOO_LONG", f"the alert says {told['code']}")
    wait_for(lambda: is_gone(pid), "the hung process survived", 15)
    expect(not _tried_again(pages, run_id), "a hung run was tried again")


def _silent_failure(pages: Pages, hook: Receiver) -> None:
    bad = pages.shop.folder / "customers-late.csv"
    bad.write_text(f"customer_id,gender\n{CANARY},f\n", encoding="utf-8")
    run_id = pages.launch("ingest")
    expect(pages.ended(run_id, 90) == "FAILURE", "a run with a bad file did not fail")
    told = hook.of_run(run_id, ALERT_SECONDS)
    bad.unlink()
    expect("raw/customers" in told["assets"], f"the alert names {told['assets']} instead of the asset")
    expect(told["kind"] in ("BadFile", "DataFault"), f"the alert gives the kind {told['kind']}")
    expect(told["run_id"] == run_id and told["code"] and told["text"], "the alert lacks its run, code or text")
    expect(CANARY not in str(hook.got), "an alert holds a customer's value")
    log = (pages.shop.data / "logs" / "alerts.log").read_text(encoding="utf-8")
    expect(run_id in log and CANARY not in log, "alerts.log lacks the run, or holds a customer's value")
    expect(not _tried_again(pages, run_id), "bad data were tried again")


def _retry_of(pages: Pages, run_id: str) -> str:
    """The run that the daemon makes of one that was stopped from outside."""
    wait_for(lambda: _tried_again(pages, run_id), "a run that was stopped from outside was not tried again", 60)
    return _tried_again(pages, run_id)[0]


def _tried_again(pages: Pages, run_id: str) -> list[str]:
    query = """query($id: String!) { runsOrError(filter: {tags: [{key: "dagster/parent_run_id", value: $id}]}) {
      ... on Runs { results { runId } } } }"""
    return [each["runId"] for each in pages.ask(query, id=run_id)["runsOrError"]["results"]]
