"""Trials of what is published: readers beside a publisher, kills, and the order in which things reach the disk."""

import json
import re
import shutil
import time
from pathlib import Path

import pyarrow.parquet as pq

from custana_pipeline.selftest.storage.failing_calls import injector, may_trace, traced
from custana_pipeline.selftest.storage.processes import ended, heard, kill, program, started
from custana_pipeline.selftest.storage.programs import LISTS, PUBLICATIONS, publish_one
from custana_pipeline.selftest.trial import NotRun, Trial, expect, trial
from custana_pipeline.stores.durable_files import sha256_of

READS = 200


@trial("A5")
def reader_during_publication(run: Trial) -> None:
    """Reads all lists through CURRENT over and over while version after version is published."""
    folder = run.scratch / "published"
    wanted = run.times(quick=PUBLICATIONS, full=10 * PUBLICATIONS)
    reads = 0
    with started(program("publish_for_ever", folder)) as publisher:
        newest = int(heard(publisher))
        while reads < READS or newest < wanted:
            seen = marks_read(folder)
            expect(len(seen) == 1, f"read {reads} saw lists of several versions: {sorted(seen)}")
            reads += 1
            if reads % (READS // PUBLICATIONS) == 0:
                newest = int(heard(publisher))


@trial("A6")
def kill_in_export(run: Trial) -> None:
    """Kills a publisher at any moment, again and again, and compares every file with its manifest."""
    draw, folder = run.random, run.scratch / "published"
    for _ in range(run.times(quick=4, full=40)):
        with started(program("publish_for_ever", folder)) as publisher:
            newest = int(heard(publisher))
            time.sleep(draw.uniform(0, 0.3))
            later = kill(publisher)
        newest = int(later[-1]) if later else newest
        seen = marks_read(folder)
        expect(len(seen) == 1 and min(seen) >= newest, f"{newest} was published, and CURRENT shows {sorted(seen)}")
        for version in (folder / "versions").glob("[!.]*"):
            expect_whole(version)
    ended(program("publish_for_ever", folder, 1))
    expect(not list(folder.rglob(".*")), f"left behind: {[path.name for path in folder.rglob('.*')]}")


@trial("A10")
def nth_write_fails(run: Trial) -> None:
    """Fails the n-th write, flush or rename of a publication, for one n after another until none is left to fail."""
    place, how = run.scratch / "place", injector(run.scratch)
    calls = how.calls_of(program("publish_one", place, 1))
    before, failed = marks_read(place / "published"), 0
    for number in range(1, calls + 1, run.times(quick=max(1, calls // 8), full=1)):
        done = ended(how.failing(program("publish_one", place, 1 + number), number))
        failed += done.returncode != 0
        expect("Traceback" not in done.stderr, f"write {number} failing ended in {done.stderr[-300:]}")
        now = marks_read(place / "published")
        expect(len(now) == 1, f"write {number} failing left lists of several versions")
        expect(now in ([before, {1 + number}] if done.returncode else [{1 + number}]), f"write {number} left {now}")
        before = now
    expect(failed, "no failing write made the publication fail")
    publish_one(place, 5000)
    expect(marks_read(place / "published") == {5000}, "after the failures nothing can be published any more")
    shutil.rmtree(place)


@trial("A16")
def order_of_flushes(run: Trial) -> None:
    """Traces a publication: every file and folder is flushed before CURRENT leads to it."""
    if not may_trace(run.scratch):
        raise NotRun("needs strace, and the right to trace processes")
    trace = run.scratch / "trace"
    ended(traced(f"-o {trace} -y -e trace=fsync,fdatasync,/^rename.*", program("publish_one", run.scratch, 1)))
    calls = [
        line
        for line in trace.read_text(encoding="utf-8").splitlines()
        if re.search(r"\b(fsync|fdatasync|rename\w*)\(", line)
    ]
    moved = [number for number, line in enumerate(calls) if "rename" in line and '/CURRENT"' in line]
    expect(moved, "CURRENT was not put in place by a rename")
    flushed = " ".join(line for line in calls[: moved[0]] if "sync(" in line)
    for name in [*(f"{each}.{kind}" for each in LISTS for kind in ("csv", "parquet")), "report.html", "manifest.json"]:
        expect(name in flushed, f"{name} was not flushed before CURRENT was moved")
    expect("/versions>" in flushed, "the folder of the versions was not flushed before CURRENT was moved")
    expect(
        any("sync(" in line and "/published>" in line for line in calls[moved[0] :]), "CURRENT's folder was not flushed"
    )


def marks_read(folder: Path) -> set[int]:
    """The marks that a reader sees in all lists and the report, from one look at CURRENT."""
    version = folder / (folder / "CURRENT").read_text(encoding="utf-8").strip()
    seen = {mark for name in LISTS for mark in pq.read_table(version / f"{name}.parquet")["mark"].to_pylist()}
    return seen | {int((version / "report.html").read_text(encoding="utf-8").strip("<p>/"))}


def expect_whole(version: Path) -> None:
    """The entry fails where a file of the version has not the hash of its manifest."""
    manifest = json.loads((version / "manifest.json").read_text(encoding="utf-8"))
    wrong = [name for name, facts in manifest["files"].items() if sha256_of(version / name) != facts["sha256"]]
    expect(not wrong, f"{version.name} is torn: {', '.join(wrong)}")
