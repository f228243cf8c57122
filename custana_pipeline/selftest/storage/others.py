"""Trials of other processes and of the disk: an open reader, two runs at once, a full disk, a run that is over."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from custana_pipeline.selftest.shop import AS_OF, Shop
from custana_pipeline.selftest.storage.processes import ended, heard, kill, program, started, until
from custana_pipeline.selftest.storage.programs import ROWS, marks, write_mark
from custana_pipeline.selftest.trial import NotRun, Trial, expect, trial
from custana_pipeline.stores import dagster_home, warehouse_file
from custana_pipeline.stores.warehouse import Warehouse

DISK_MB = 40


@trial("A7")
def open_reader(run: Trial) -> None:
    """Holds the warehouse open for reading, starts a writer, and lets go when it has told whom it waits for."""
    path = run.scratch / "warehouse" / "shop.duckdb"
    write_mark(Warehouse(path), 1)
    with started(program("hold_open", path)) as reader:
        heard(reader)
        with started(program("grow", path, 1000)) as writer:
            told = heard(writer)
            expect(f"{reader.pid}" in told, f"the message names no process: {told}")
            expect("close it" in told and "data/published" in told, f"the message says no way out: {told}")
            time.sleep(run.times(quick=0, full=30))
            kill(reader)
            expect(writer.wait(30) == 0, f"the writer ended with {writer.returncode}")
    if run.is_full:
        _reader_of_a_shop(run)


@trial("A8")
def two_at_once(run: Trial) -> None:
    """Starts two runs at once, each of which counts one up by reading and writing apart."""
    path = run.scratch / "warehouse" / "shop.duckdb"
    with Warehouse(path).transaction() as session:
        session.connection.execute("create table counter as select 0 as n")
    with started(program("count_one", path)) as one, started(program("count_one", path)) as other:
        expect(one.wait(60) == 0 and other.wait(60) == 0, "one of the two failed")
        told = {one.pid: "".join(kill(other)), other.pid: "".join(kill(one))}
    waits = [pid for pid, said in told.items() if "waiting" in said and f"process {pid}" in said]
    expect(len(waits) == 1, f"not one of the two told whom it waits for: {told}")
    with Warehouse(path).reading() as session:
        counted = session.rows("select n from counter")[0][0]
    expect(counted == 2, f"two that counted one up each came to {counted}")
    if run.is_full:
        _two_runs_of_a_shop(run)


@trial("A9")
def full_disk(run: Trial) -> None:
    """Fills a disk of 40 MB: by a table that is too large, then by ballast, and takes the ballast away again."""
    with _small_disk(run.scratch / "disk") as disk:
        path = disk / "warehouse" / "shop.duckdb"
        write_mark(Warehouse(path), 1)
        before = warehouse_file.size(path)
        failed = ended(program("grow", path, 3_000_000))
        expect(failed.returncode == 1, f"the process ended with {failed.returncode}: {failed.stderr[-200:]}")
        expect(
            "MB free" in failed.stderr and "Traceback" not in failed.stderr, f"the message was {failed.stderr[-200:]}"
        )
        expect(marks(Warehouse(path)) == {(1, ROWS)}, "the tables from before cannot be read")
        expect(warehouse_file.size(path) == before, f"the file stayed grown to {warehouse_file.size(path):,} bytes")
        ballast = disk / "ballast"
        with ballast.open("wb") as file, _until_full():
            while True:
                os.write(file.fileno(), b"0" * 65536)
        failed = ended(program("grow", path, 20_000))
        expect(failed.returncode == 1 and "MB free" in failed.stderr, f"on a full disk: {failed.stderr[-200:]}")
        expect(marks(Warehouse(path)) == {(1, ROWS)}, "on a full disk the tables cannot be read")
        ballast.unlink()
        done = ended(program("grow", path, 20_000))
        expect(done.returncode == 0, f"with room again it ended with {done.returncode}: {done.stderr[-200:]}")


@trial("B2")
def zombie_writer(run: Trial) -> None:
    """Stops a run, ends it in Dagster's books, lets it go on, and looks for anything that it has changed since."""
    shop = run.shop(has_run=True)
    before, version = _newest_change(shop), shop.published()
    zombie = shop.start("run", "--as-of", "2025-01-20")
    seal = shop.data / "warehouse" / "shop.seal"
    expect(until(lambda: not seal.exists() or zombie.poll() is not None), "the run did not begin to write")
    os.killpg(zombie.pid, signal.SIGSTOP)
    with dagster_home.opened(shop.data / "dagster") as instance:
        going = [each for each in instance.get_runs() if not each.is_finished]
        expect(len(going) == 1, f"{len(going)} runs are under way")
        instance.report_run_failed(going[0], "Ended by the trial.")
    stopped = _newest_change(shop)
    os.killpg(zombie.pid, signal.SIGCONT)
    expect(zombie.wait(120) != 0, "the run that was ended says that it succeeded")
    said = next(shop.root.glob("started-*.log")).read_text(encoding="utf-8")
    expect("was ended already" in said and "Traceback" not in said, f"it said {said[-300:]}")
    expect(shop.published() == version, "the run that was ended has published")
    expect(_newest_change(shop) == stopped, f"the run that was ended has changed the warehouse: {before} {stopped}")


def _newest_change(shop: Shop) -> tuple[tuple[str, int], ...]:
    """How many rows each table of the warehouse has, read when nobody writes."""
    path = shop.data / "warehouse" / "shop.duckdb"
    copy = shop.root / "looked-at.duckdb"
    for source, target in ((path, copy), (warehouse_file.wal_of(path), warehouse_file.wal_of(copy))):
        target.unlink(missing_ok=True)
        if source.exists():
            target.write_bytes(source.read_bytes())
    with Warehouse(copy).reading() as session:
        query = "select schema_name || '.' || table_name, estimated_size from duckdb_tables() order by 1"
        return tuple((str(name), int(rows)) for name, rows in session.rows(query))


def _two_runs_of_a_shop(run: Trial) -> None:
    shop = run.shop(has_run=True)
    before = shop.published()
    both = [shop.start("run", "--as-of", AS_OF) for _ in range(2)]
    expect([process.wait(300) for process in both] == [0, 0], "one of two runs at once failed")
    expect(shop.published() == before, "two runs of one day at once gave another version than one")
    waits = [log for log in shop.root.glob("started-*.log") if "waiting" in log.read_text(encoding="utf-8")]
    expect(len(waits) == 1, f"{len(waits)} of the two told that they wait")


def _reader_of_a_shop(run: Trial) -> None:
    shop = run.shop(has_run=True)
    with started(program("hold_open", shop.data / "warehouse" / "shop.duckdb")) as reader:
        heard(reader)
        nightly = shop.start("run", "--as-of", "2025-01-16")
        log = shop.root / "started-0.log"
        told = until(lambda: f"{reader.pid}" in log.read_text(encoding="utf-8"))
        expect(told, "the run does not name the reader")
        kill(reader)
        expect(nightly.wait(300) == 0, f"the run ended with {nightly.returncode}")


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:  # noqa: S603
        raise NotRun("needs to mount a small tmpfs, which needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)  # noqa: S603, S607


@contextmanager
def _until_full() -> Iterator[None]:
    try:
        yield
    except OSError:
        return
