"""Many failures at once, passing and lasting faults, a cold start, and a tracker that is killed while it writes."""

import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest import mock

import dagster as dg
from pydantic import SecretStr

from custana_pipeline.orchestration.alerting import TICK_SECONDS, alert_sensor
from custana_pipeline.orchestration.code_location import build_definitions
from custana_pipeline.orchestration.project import Project
from custana_pipeline.selftest.orchestration.pages import Pages, receiver, wait_for
from custana_pipeline.selftest.orchestration.schedule import settings_of
from custana_pipeline.selftest.shop import AS_OF
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores import dagster_home
from custana_pipeline.stores.warehouse import Warehouse

FAILURES = 50
ALL_TOLD_SECONDS = 600
_HEALTH = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"


@dg.job
def failing() -> None:
    """A job to fail."""


@trial("B10")
def backlog(run: Trial) -> None:
    """Fails fifty runs at once and counts the ticks of the alert's sensor until all are told."""
    settings = settings_of(run.shop())
    home = dagster_home.prepare(settings.dagster_home)
    quiet = mock.patch("custana_pipeline.orchestration.alerting._LOGGER")
    with quiet, receiver() as hook, dagster_home.opened(home) as instance:
        told = settings.model_copy(update={"alert_webhook": SecretStr(hook.address)})
        failed = set()
        for _ in range(FAILURES):
            lost = instance.create_run_for_job(failing, status=dg.DagsterRunStatus.STARTED)
            instance.report_run_failed(lost, "lost")
            failed.add(lost.run_id)
        ticks, cursor = 0, None
        while {each["run_id"] for each in hook.got} != failed and ticks * TICK_SECONDS < ALL_TOLD_SECONDS:
            result = alert_sensor(Project(told))(dg.build_sensor_context(instance=instance, cursor=cursor))
            cursor, ticks = getattr(result, "cursor", None), ticks + 1
        left = len(failed - {each["run_id"] for each in hook.got})
        expect(not left, f"{left} of {FAILURES} were not told within {ticks} ticks of {TICK_SECONDS} s")
        expect(len(hook.got) == FAILURES, f"{len(hook.got)} alerts came for {FAILURES} failures")


@trial("B11")
def passing_and_lasting(run: Trial) -> None:
    """Runs ingest while another process holds the warehouse for a moment, and then on a file that is bad."""
    shop = run.shop()
    settings = settings_of(shop)
    impatient = Warehouse(settings.warehouse_path, memory_limit="1GB", threads=1, lock_wait_seconds=0.1)
    home = dagster_home.prepare(settings.dagster_home)
    with mock.patch.object(Project, "warehouse", impatient), dagster_home.opened(home) as instance:
        job = build_definitions(settings).resolve_job_def("ingest")
        with _holder(settings.warehouse_path) as let_go:
            ended_well, retries = _carried_out(instance, job, let_go)
        expect(ended_well, "a run that met a lock for a moment failed")
        expect(retries, "a run that met a lock was not tried again")
        (shop.folder / "customers-bad.csv").write_bytes(b"customer_id,\x00\n")
        ended_well, retries = _carried_out(instance, job, lambda: None)
        expect(not ended_well, "a run with a bad file succeeded")
        expect(not retries, f"bad data were tried again {retries} times")


@contextmanager
def _holder(path: Path) -> Iterator[Callable[[], None]]:
    """Another process that has the warehouse open until it is told to let go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdout.readline()
        stdin = process.stdin

        def let_go() -> None:
            stdin.close()
            process.wait(30)

        try:
            yield let_go
        finally:
            process.kill()


def _carried_out(instance: dg.DagsterInstance, job: dg.JobDefinition, let_go: Callable[[], None]) -> tuple[bool, int]:
    """Whether a run ended well, and how often a step of it was tried again; lets go when the first one is."""
    run_id, retries = str(uuid.uuid4()), []

    def heard(entry: dg.EventLogEntry) -> None:
        if entry.dagster_event and entry.dagster_event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY:
            retries.append(entry.step_key)
            let_go()

    instance.add_event_listener(run_id, heard)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    ended = job.execute_in_process(instance=instance, run_id=run_id, raise_on_error=False, run_config=quiet)
    return ended.success, len(retries)


@trial("B5")
def cold_start(run: Trial) -> None:
    """Starts two `custana ui` and a `custana run` together on an empty home, and then has the page run something."""
    for _ in range(run.times(quick=1, full=5)):
        shop = run.shop()
        both = [Pages(shop), Pages(shop)]
        empty = shop.root / "nothing"
        empty.mkdir()
        servers = [shop.start(*each.arguments) for each in both]
        command = shop.start("run", "--input", str(empty), "--as-of", AS_OF)
        wait_for(lambda those=servers: any(each.poll() is not None for each in those), "two custana ui serve", 60)
        late = 0 if servers[0].poll() is not None else 1
        expect(servers[late].returncode == 2, f"the second custana ui ended with {servers[late].returncode} for 2")
        said = (shop.root / f"started-{late}.log").read_text(encoding="utf-8")
        expect("serves" in said, "the second custana ui does not say that another one serves already")
        expect(command.wait(120) == 3, f"the run of an empty folder ended with {command.returncode} instead of 3")
        pages = both[1 - late]
        wait_for(pages.data_log("dagster-daemon").exists, "custana ui did not start its daemon", 120)
        wait_for(lambda those=pages: _is_healthy(those), "a part of the daemon is not healthy", 90)
        expect(pages.ended(pages.launch("ingest"), 90) == "SUCCESS", "a run after the cold start failed")
        pages.kill_all()


def _is_healthy(pages: Pages) -> bool:
    told = pages.ask(_HEALTH)["instance"]["daemonHealth"]["allDaemonStatuses"]
    return all(each["healthy"] for each in told if each["required"])


@trial("B12")
def killed_tracker(run: Trial) -> None:
    """Kills a training while it writes to MLflow, without any server, trains again, and then spoils MLflow's file."""
    shop = run.shop()
    table = shop.root / "flat.csv"
    rows = [f"{_row(run, number)}\n" for number in range(300)]
    table.write_text("purchase_frequency,purchase_amount,age,is_recommended\n" + "".join(rows), encoding="utf-8")
    train = ("train", "behavior", str(table), "--out", str(shop.root / "predictions.csv"))
    database = shop.data / "mlflow" / "mlflow.db"
    for _ in range(run.times(quick=1, full=10)):
        process = shop.start(*train)
        # it writes for a tenth of a second
        wait_for(lambda: _standing_at_running(database), "no training was seen while it wrote to MLflow", 60, 0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        expect(_standing_at_running(database), "the kill came too late")
    again = shop.custana(*train)
    expect(again.code == 0, f"the next training ended with {again.code}: {again.err[-200:]}")
    expect(not _standing_at_running(database), "an orphan still stands as RUNNING after the next training")
    database.write_bytes(b"spoilt" * 1000)
    spoilt = shop.custana(*train)
    expect(spoilt.code == 1, f"with a spoilt store a training ended with {spoilt.code}")
    expect("mlflow.db" in spoilt.err and "Traceback" not in spoilt.err, "a spoilt store is not told as such")


def _row(run: Trial, number: int) -> str:
    """A row of a flat file whose label hangs on its first column, with some chance."""
    frequency = number % 10
    bought = int(run.random.random() + frequency / 20 > 0.75) if number % 3 else int(frequency > 4)
    return f"{frequency},{number % 7 * 10 + 5},{20 + number % 50},{bought}"


def _standing_at_running(database: Path) -> int:
    """How many of MLflow's runs stand as RUNNING."""
    if not database.is_file():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
            return int(connection.execute("select count(*) from runs where status = 'RUNNING'").fetchone()[0])
    except sqlite3.Error:  # it is being made
        return 0
