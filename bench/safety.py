"""Measures what safety costs: the whole chain as shipped against the same chain without its safeguards, in turn.

    python bench/safety.py                                                 the sample, five pairs
    python bench/safety.py --pairs 3 run --source SOURCE --input FILE --as-of DAY

The bare chain is the installed command with these switched off in its process, and only there: forcing files to disk,
hashes of source files, lists and models, the laws and contracts that judge tables, the circuit breakers, the scan and
the snapshot before publication, the question before each commit whether the run may still write, and the clearing away
before and after a run. The figures go into bench/safety.md.
"""

import argparse
import importlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

PROJECT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("safety.md")
BARE, SAFE = "--bare", "--safe"
"""The command without its safeguards, and as shipped but for imports: both begin with those of the safeguards."""
LIMIT = 1.15
PACKAGE = "custana_pipeline"


class Checksum:
    """Stands in for sha256: next to free, and enough to tell two files apart."""

    def __init__(self, content: bytes = b"") -> None:
        self.sum = zlib.crc32(content[:4096], len(content))

    def update(self, content: bytes) -> None:
        self.sum = zlib.crc32(content[:4096], self.sum ^ len(content))

    def hexdigest(self) -> str:
        return f"{self.sum:064x}"


def file_digest(file: BinaryIO, _: str) -> Checksum:
    """Stands in for hashlib.file_digest, and gives what Checksum gives of the whole content."""
    told = Checksum()
    told.sum = zlib.crc32(file.read(4096), os.fstat(file.fileno()).st_size)
    return told


CHEAP_HASHES = SimpleNamespace(sha256=Checksum, file_digest=file_digest)
HASHING = ("raw.landing", "stores.durable_files", "stores.tracking_models", "models.persistence")
NOTHING_DONE = {
    "raw.file_stamps": ("refuse_changed",),
    "stores.warehouse": ("run_lock.refuse_if_lost",),
    "stores.housekeeping": ("before_run", "after_run"),
    "orchestration.assets.features": ("refuse_faulty", "refuse_lost_in_days"),
}
"""Module -> what does nothing in it while the bare chain runs."""
NOTHING_FOUND: dict[str, object] = {
    "orchestration.audits.conservation": [],
    "orchestration.audits.rejected_share": [],
    "orchestration.audits.money_by_file": {},
    "orchestration.audits.watch": {},
}
ALL_PASS, ALL_ROWS_PASS = "cleaned.gate.judge", "orchestration.audits._judged"
"""The judges of frames, and of the rows of a cleaned table, whose number comes last."""
NOTHING_KEPT = "orchestration.assets.applications.keeping_snapshot"


def switch_off() -> None:
    """Takes the safeguards out of this process; AttributeError where one is not there any more under its name."""
    os.fsync = lambda _: None  # type: ignore[assignment]
    for name in HASHING:
        _replace(f"{name}.hashlib", CHEAP_HASHES)
    for module, names in NOTHING_DONE.items():
        for name in names:
            _replace(f"{module}.{name}", lambda *_, **__: None)
    for place, told in NOTHING_FOUND.items():
        _replace(place, lambda *_, told=told, **__: told)
    verdict = importlib.import_module(f"{PACKAGE}.cleaned.gate").Verdict
    _replace(ALL_PASS, lambda *_, **__: verdict("", 0, ()))
    _replace(ALL_ROWS_PASS, lambda *given: verdict("", given[-1], ()))
    _replace(NOTHING_KEPT, lambda *_: nullcontext(lambda: None))


def safeguards() -> list[str]:
    """All that is switched off, by module and name."""
    nothing_done = [f"{module}.{name}" for module, names in NOTHING_DONE.items() for name in names]
    return [
        *(f"{name}.hashlib" for name in HASHING),
        *nothing_done,
        *NOTHING_FOUND,
        ALL_PASS,
        ALL_ROWS_PASS,
        NOTHING_KEPT,
    ]


def found(place: str) -> tuple[Any, str]:
    """The module of a safeguard and its name there; AttributeError where there is none."""
    holder, _, name = place.rpartition(".")
    try:
        module: Any = importlib.import_module(f"{PACKAGE}.{holder}")
    except ModuleNotFoundError:  # a module that the holder has imported
        outer, _, inner = holder.rpartition(".")
        module = getattr(importlib.import_module(f"{PACKAGE}.{outer}"), inner)
    getattr(module, name)
    return module, name


def _replace(place: str, stand_in: Any) -> None:
    setattr(*found(place), stand_in)


@dataclass(frozen=True)
class Pair:
    """Seconds of one run of each kind, one after the other."""

    safe: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.safe / self.bare


def main() -> int:
    """Measures the pairs and writes the page; with --bare or --safe runs the command."""
    if sys.argv[1:2] in ([BARE], [SAFE]):
        return run(sys.argv[2:], bare=sys.argv[1] == BARE)
    parser = argparse.ArgumentParser(description="Measure what safety costs, and write bench/safety.md.")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="run ..., else the sample")
    told = parser.parse_args()
    command = told.command or ["run"]
    pairs = []
    for number in range(told.pairs):
        # the one that begins changes, so that a machine that gets busier favours neither
        order = (False, True) if number % 2 else (True, False)
        seconds = {bare: measure(command, bare=bare) for bare in order}
        pairs.append(Pair(seconds[False], seconds[True]))
        print(f"{number + 1}/{told.pairs}: safe {pairs[-1].safe:.1f} s, bare {pairs[-1].bare:.1f} s")
    PAGE.write_text(page(pairs, command), encoding="utf-8")
    print(f"ratio {statistics.median(pair.ratio for pair in pairs):.3f}, limit {LIMIT}; written to {PAGE.name}")
    return 0


def run(arguments: Sequence[str], *, bare: bool) -> int:
    """Runs the command in this process."""
    from custana_pipeline import cli

    for place in safeguards():
        found(place)
    if bare:
        switch_off()
    sys.argv = ["custana", *arguments]
    cli.main()
    return 0


def measure(command: Sequence[str], *, bare: bool) -> float:
    """Wall seconds of the command in a data folder of its own; exits with its output where it fails."""
    folder = Path(tempfile.mkdtemp(prefix="custana-safety-"))
    start = [sys.executable, str(Path(__file__)), BARE if bare else SAFE]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CUSTANA_", "OMP_"))}
    try:
        began = time.monotonic()
        ended = subprocess.run(
            [*start, *command],
            cwd=PROJECT,
            env={**kept, "CUSTANA_DATA_DIR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        if ended.returncode:
            sys.exit(
                f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout[-1000:]}{ended.stderr[-2000:]}"
            )
        return seconds
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def page(pairs: Sequence[Pair], command: Sequence[str]) -> str:
    """The page as Markdown."""
    shown = " ".join(Path(each).name if "/" in each else each for each in command)
    told = "" if command == ["run"] else f" {shown}"
    rows = "\n".join(f"| {pair.safe:.1f} | {pair.bare:.1f} | {pair.ratio:.3f} |" for pair in pairs)
    middle = statistics.median(pair.ratio for pair in pairs)
    return f"""# What safety costs

`python bench/safety.py --pairs {len(pairs)}{told}` ran `custana {shown}` as shipped and, in turn, without its
safeguards (its docstring lists them), each a whole process in a data folder of its own, and wrote this page.

**Ratio {middle:.3f}** (median of {len(pairs)} pairs; limit {LIMIT}; load average at the end {os.getloadavg()[0]:.1f}).

| as shipped, s | bare, s | ratio |
|---|---|---|
{rows}
"""


if __name__ == "__main__":
    sys.exit(main())
