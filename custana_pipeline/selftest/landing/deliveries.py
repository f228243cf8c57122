"""C18, C20 and C21: files that are huge, no files at all, still being written, or delivered twice, late or anew."""

import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from custana_pipeline.orchestration.assets import raw
from custana_pipeline.raw import landing
from custana_pipeline.raw.contracts import InspectedFile
from custana_pipeline.selftest.landing.cases import FileCase, try_files
from custana_pipeline.selftest.landing.ingestion import GOOD_LINES, HEADER, Ingested, Ingestion, order, orders
from custana_pipeline.selftest.trial import Trial, expect, trial

NEW = 500
MEGABYTES_ALLOWED = 900
WRITER_SECONDS = 0.002
BEGUN_SECONDS = 20.0
AFTER = {
    "while it is inspected": (landing, "stamp_of"),
    "before it is loaded": (raw, "plan_landing"),
    "while it is loaded": (raw, "land_all"),
}
"""What has just been done when a file is written: noted which file it is, chosen what to load, and loaded it."""


@trial("C18")
def huge_and_strange_files(run: Trial) -> None:
    """Huge fields, lines and counts, paths that are no ordinary files, and names that would break a terminal."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wide = "\n".join(
        [HEADER + "".join(f",c{n}" for n in range(10_000)), *(order(n) + "," * 10_000 for n in range(1, 101))]
    )
    named = [
        {"transactions\n1.csv": orders()},
        {"transactions\x1b[31m.csv": orders()},
        {"transactions\u202e.csv": orders()},
    ]
    named.append({os.fsdecode(b"transactions\xe9.csv"): orders()})
    good = [{"transactions [1]*'.csv": orders()}, {"transactions_é.csv": orders()}, {"Transactions.CSV": orders()}]
    try_files(
        run,
        [
            FileCase("a field of 3 MB", orders(order(NEW, product_id="x" * 3_000_000)), reasons={"too_long_field": 1}),
            FileCase("an id of 1 MB", orders(order(NEW, customer_id="x" * 1_000_000)), reasons={"unreadable_id": 1}),
            FileCase("a line of 20 MB", orders(order(NEW, product_id="x" * 20_000_000)), "line 102 is longer than"),
            FileCase("10,000 columns", (wide + "\n").encode()),
            FileCase("20,000 short rows", orders(*["x"] * 20_000), "too_few_fields 20,000"),
            FileCase("a million blank lines", orders() + b"\n" * 1_000_000, "more than 10,000 blank lines"),
            *(FileCase(ascii(next(iter(files))), files, "its name holds signs that cannot be seen") for files in named),
            *(FileCase(ascii(next(iter(files))), files) for files in good),
        ],
    )
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    expect(grown < MEGABYTES_ALLOWED, f"the memory grew by {grown:.0f} MB")
    for name, make in PLACES.items():
        ingestion = Ingestion(run.scratch / f"place-{name}").put({"transactions_1.csv": orders()})
        make(ingestion.folder / "transactions_2.csv")
        found = ingestion.run()
        expect("transactions_2.csv: it " in found.refusal, f"{name} in the input: {found}")


def _socket(path: Path) -> None:
    # a socket's path may have 107 bytes, so it is bound by a short one
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


PLACES: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "fifo": os.mkfifo,
    "socket": _socket,
    "dangling": lambda path: path.symlink_to("nowhere.csv"),
    "loop": lambda path: path.symlink_to(path.name),
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@trial("C20")
def files_that_are_being_written(run: Trial) -> None:
    """Writers that append to the file or replace it while it is read, at set moments and at any; then none does."""
    for name, write in (("appended", _append), ("replaced", _replace)):
        ingestion = Ingestion(run.scratch / name).put({"transactions.csv": orders(good=20_000)})
        path = ingestion.folder / "transactions.csv"
        for moment, follows in AFTER.items():
            with _writing_after(follows, write, path):
                _expect_refused(ingestion.run(), f"{name} {moment}")
        with _writing(write, path) as written:
            for _ in range(run.times(quick=2, full=10)):
                with _looked_at() as looks:
                    found = ingestion.run()
                if found.refusal:
                    _expect_refused(found, name)
                else:
                    missed = sum(looks[0] < began and ended < looks[-1] for began, ended in written)
                    expect(not missed, f"{name}: {found}, with {missed} writes while it was read")
        lines = path.read_bytes().count(b"\n") - 1
        found = ingestion.run()
        expect(found.kept + sum(found.reasons.values()) == lines, f"{name} and done: {found} of {lines} lines")


def _expect_refused(found: Ingested, told: str) -> None:
    expect("changed while it was read: wait until it is written" in found.refusal, f"{told}: {found}")
    expect(found.exit_code == 1, f"{told}: it is no passing fault ({found.exit_code})")


@contextmanager
def _writing_after(place: tuple[ModuleType, str], write: Callable[[Path, int], None], path: Path) -> Iterator[None]:
    """Writes each time that a function of the landing has ended, before anything else is done."""
    original = getattr(*place)

    def and_written(*given: Any) -> Any:
        found = original(*given)
        write(path, 0)
        return found

    with patch.object(*place, and_written):
        yield


@contextmanager
def _looked_at() -> Iterator[list[float]]:
    """When a run had noted which file it reads, and each time that it began to ask whether that is still there."""
    looks: list[float] = []
    noted, asked = landing.stamp_of, raw.refuse_changed

    def note(path: Path) -> tuple[int, ...]:
        found = noted(path)
        looks.append(time.monotonic())
        return found

    def ask(inspected: InspectedFile) -> None:
        looks.append(time.monotonic())
        asked(inspected)

    with patch.object(landing, "stamp_of", note), patch.object(raw, "refuse_changed", ask):
        yield looks


def _append(path: Path, number: int) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(order(30_000 + number) + "\n")


def _replace(path: Path, number: int) -> None:
    """Another file of the same size and time of writing in its place."""
    aside, found = path.with_name("aside"), path.stat()
    aside.write_bytes(path.read_bytes()[:-2] + str(number % 10).encode() + b"\n")
    os.utime(aside, ns=(found.st_atime_ns, found.st_mtime_ns))
    aside.replace(path)


@contextmanager
def _writing(write: Callable[[Path, int], None], path: Path) -> Iterator[list[tuple[float, float]]]:
    """A thread that writes again and again until the block ends, and when it did; it has begun when the block does."""
    done, begun = threading.Event(), threading.Event()
    written: list[tuple[float, float]] = []

    def go_on() -> None:
        number = 0
        while not done.wait(WRITER_SECONDS):
            began = time.monotonic()
            write(path, number)
            written.append((began, time.monotonic()))
            begun.set()
            number += 1

    writer = threading.Thread(target=go_on, daemon=True)
    writer.start()
    try:
        expect(begun.wait(BEGUN_SECONDS), "the writer has not begun")
        yield written
    finally:
        done.set()
        writer.join()


@trial("C21")
def deliveries_twice_late_and_anew(run: Trial) -> None:
    """The same file again, under another name, late, corrected, renamed, and gone."""
    first, second = orders(), ("\n".join([HEADER, *(order(NEW + n) for n in range(10))]) + "\n").encode()
    ingestion = Ingestion(run.scratch / "shop").put({"transactions_2.csv": first})
    steps: list[tuple[str, dict[str, bytes], tuple[str, ...], int]] = [
        ("the first time", {}, (), GOOD_LINES),
        ("the same again", {"transactions_2.csv": first}, (), GOOD_LINES),
        ("the same under another name", {"transactions_3.csv": first}, (), GOOD_LINES),
        ("a late file of an old day", {"transactions_1.csv": second}, (), GOOD_LINES + 10),
        (
            "a corrected file of the same name",
            {"transactions_1.csv": second[: second.rindex(b"o509")]},
            (),
            GOOD_LINES + 9,
        ),
        ("the first name gone", {}, ("transactions_2.csv",), GOOD_LINES + 9),
        ("both copies gone", {}, ("transactions_3.csv",), GOOD_LINES + 9),
        ("back again", {"transactions_2.csv": first}, (), GOOD_LINES + 9),
        ("renamed", {"transactions_old.csv": first}, ("transactions_2.csv",), GOOD_LINES + 9),
    ]
    for name, put, gone, wanted in steps:
        for each in gone:
            (ingestion.folder / each).unlink()
        found = ingestion.put(put).run()
        expect((found.kept, sum(found.reasons.values())) == (wanted, 0), f"{name}: {found}, wanted {wanted} kept")
    twice = Ingestion(run.scratch / "twice").put({"transactions_a.csv": first, "transactions_A.csv": first}).run()
    expect(twice.kept == GOOD_LINES, f"two files of one content, equal but for case: {twice}")
