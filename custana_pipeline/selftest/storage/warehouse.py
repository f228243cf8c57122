"""Trials of the warehouse file: kills, damage, other processes, too little memory."""

import random
import shutil
import time
from pathlib import Path

from custana_pipeline.errors import Damaged
from custana_pipeline.selftest.storage.processes import ended, heard, kill, program, started
from custana_pipeline.selftest.storage.programs import ROWS, marks, write_mark
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores import snapshots, verification, warehouse_file
from custana_pipeline.stores.repair import Mender
from custana_pipeline.stores.verification import Places
from custana_pipeline.stores.warehouse import Warehouse


@trial("A2")
def kill_inside_checkpoint(run: Trial) -> None:
    """Kills a writer right after it has said that a checkpoint begins, and reads the whole warehouse."""
    draw, path = run.random, run.scratch / "warehouse" / "shop.duckdb"
    path.parent.mkdir()
    for _ in range(run.times(quick=3, full=20)):
        with started(program("checkpoint_for_ever", path)) as writer:
            for _ in range(draw.randint(1, 6)):
                acknowledged = int(heard(writer))
            time.sleep(draw.uniform(0, 0.03))
            later = kill(writer)
        acknowledged = int(later[-1]) if later else acknowledged
        _expect_whole(path, acknowledged)


@trial("A3")
def kill_during_replay(run: Trial) -> None:
    """Kills processes that open a warehouse while they replay its write-ahead log, then opens it."""
    draw, path = run.random, run.scratch / "warehouse" / "shop.duckdb"
    write_mark(Warehouse(path), 0)
    with started(program("leave_a_log", path, 60)) as writer:
        expect(heard(writer) == "written", "the writer did not write")
        kill(writer)
    expect(warehouse_file.size(warehouse_file.wal_of(path)) > 0, "there is no write-ahead log to replay")
    for _ in range(run.times(quick=3, full=20)):
        with started(program("only_open", path)) as opener:
            heard(opener)
            time.sleep(draw.uniform(0, 0.1))
    with Warehouse(path).reading() as session:
        rows = session.rows("select count(*), max(mark) from raw.part_3")[0]
    expect(rows == (ROWS + 60 * 200, 60), f"after the kills the table has {rows}")


@trial("A11")
def little_memory(run: Trial) -> None:
    """Sorts three million rows with 200 MB of memory."""
    path = run.scratch / "warehouse" / "shop.duckdb"
    write_mark(Warehouse(path), 1)
    done = ended(program("sort_in_little_memory", path, run.times(quick=1_500_000, full=3_000_000)))
    expect(done.returncode in (0, 1), f"the process ended with {done.returncode}")
    expect(done.returncode == 0 or "memory" in done.stderr, f"the message was {done.stderr[-200:]}")
    expect(marks(Warehouse(path)) == {(1, ROWS)}, "the tables from before are not whole")
    expect(not list(warehouse_file.spill_folder(path).glob("*")), "spilled rows were left behind")


@trial("A12")
def flipped_bits(run: Trial) -> None:
    """Flips single bits of a warehouse and cuts off its end, then looks, runs on it, and restores it."""
    draw, path = run.random, run.scratch / "warehouse" / "shop.duckdb"
    write_mark(Warehouse(path), 1)
    snapshots.keep(path, "night", {"as_of": "2025-01-15"}, 1)
    whole = path.read_bytes()
    for number in range(run.times(quick=24, full=60)):
        path.write_bytes(_cut(whole, draw) if number % 3 == 0 else _flipped(whole, draw))
        expect(verification.of_warehouse(path).is_damaged, f"damage {number} was not found")
        _expect_no_snapshot_of(path)
    places = Places(run.scratch)
    deeds = list(Mender(places, "now").mend(list(verification.verify(places))))
    expect(path.read_bytes() == whole, f"the repair did not bring the warehouse back: {deeds}")
    expect(list(run.scratch.glob("damaged/now/warehouse/*.duckdb")), "the damaged file was not kept aside")
    if run.is_full:
        _damaged_shop(run)


@trial("A13")
def damaged_log(run: Trial) -> None:
    """Cuts, flips and swaps the write-ahead log that a killed writer has left, then opens, looks and repairs."""
    draw, path = run.random, run.scratch / "warehouse" / "shop.duckdb"
    write_mark(Warehouse(path), 0)
    base = path.read_bytes()
    with started(program("leave_a_log", path, 20)) as writer:
        heard(writer)
    log = warehouse_file.wal_of(path)
    left, foreign = log.read_bytes(), _foreign_log(run.scratch / "other")
    for number in range(run.times(quick=15, full=51)):
        path.write_bytes(base)
        log.write_bytes((_cut, _flipped, lambda *_: foreign)[number % 3](left, draw))
        _expect_prefix_or_refusal(run.scratch, path, f"log {number}")


def _expect_prefix_or_refusal(data: Path, path: Path, what: str) -> None:
    """A damaged log gives a prefix of what was committed, or a refusal that `verify --repair` gets past."""
    places = Places(data)
    try:
        with Warehouse(path).reading() as session:
            rows = [session.rows(f"select max(mark), count(*) from raw.part_{part}")[0] for part in range(4)]
        expect(
            all(count == ROWS + last * 200 for last, count in rows), f"{what}: rows are missing in the middle: {rows}"
        )
        expect(len(set(rows)) == 1, f"{what}: a part of a transaction is there: {rows}")
    except Damaged as refusal:
        expect("custana verify --repair" in str(refusal), f"{what}: the refusal names no mend: {refusal}")
        shutil.rmtree(data / "damaged", ignore_errors=True)
        list(Mender(places, "now").mend(list(verification.verify(places))))
        expect(marks(Warehouse(path)) == {(0, ROWS)}, f"{what}: the repaired warehouse is not that of before")
        expect(list(data.glob("damaged/now/warehouse/*.wal")), f"{what}: the log was not kept aside")


def _foreign_log(folder: Path) -> bytes:
    path = folder / "shop.duckdb"
    write_mark(Warehouse(path), 7)
    with started(program("leave_a_log", path, 3)) as writer:
        heard(writer)
    return warehouse_file.wal_of(path).read_bytes()


def _damaged_shop(run: Trial) -> None:
    """The commands themselves on a damaged warehouse of the small shop."""
    shop = run.shop(has_run=True)
    path, before = shop.data / "warehouse" / "shop.duckdb", shop.published()
    whole = path.read_bytes()
    path.write_bytes(_flipped(whole, run.random))
    looked = shop.custana("verify")
    expect(looked.code == 3, f"custana verify ended with {looked.code}: {looked.err[-300:]}")
    run_on = shop.run("--as-of", "2025-01-16")
    expect(run_on.code != 0 or shop.custana("verify").code == 0, "a run published from a damaged warehouse")
    expect(run_on.code == 0 or shop.published() == before, "a failed run moved CURRENT")
    mended = shop.custana("verify", "--repair")
    expect(mended.code == 0, f"custana verify --repair ended with {mended.code}: {mended.err[-300:]}")


def _expect_no_snapshot_of(path: Path) -> None:
    before = [each.sha256 for each in snapshots.listed(path)]
    sealed = warehouse_file.sealed(path)
    try:
        warehouse_file.scan(path)
    except Damaged:
        try:
            snapshots.keep(path, "bad", {}, 1)
        except Damaged:
            pass
        else:
            expect(False, "a damaged warehouse took the place of a snapshot")
    expect([each.sha256 for each in snapshots.listed(path)] == before, "the good snapshot is gone")
    expect(warehouse_file.sealed(path) == sealed, "a damaged warehouse was sealed")


def _expect_whole(path: Path, acknowledged: int) -> None:
    found = marks(Warehouse(path))
    expect(len(found) == 1, f"tables of several transactions: {sorted(found)}")
    mark, rows = next(iter(found))
    expect(
        rows == ROWS and mark >= acknowledged, f"{acknowledged} was acknowledged, and {mark} with {rows} rows is there"
    )
    warehouse_file.scan(path)


def _flipped(content: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << draw.randrange(8))]) + content[place + 1 :]


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(1, len(content))]
