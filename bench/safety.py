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
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

PROJECT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("safety.md")
BARE = "--bare"
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
    "stores.snapshots": ("keep",),
    "stores.housekeeping": ("before_run", "after_run"),
    "orchestration.assets.features": (
        "judge_table",
        "refuse_unreal",
        "refuse_lost_in_days",
        "refuse_lost_in_customers",
        "refuse_other_customers",
    ),
}
"""Module -> what does nothing in it while the bare chain runs."""
NOTHING_FOUND: dict[str, object] = {
    "orchestration.audits.conservation": [],
    "orchestration.audits.rejected_share": [],
    "orchestration.audits.money_by_file": {},
    "orchestration.audits.watch": {},
}
JUDGES = ("orchestration.audits", "cleaned.gate")


def switch_off() -> None:
    """Takes the safeguards out of this process; AttributeError where one is not there any more under its name."""
    os.fsync = lambda _: None  # type: ignore[assignment]
    for name in HASHING:
        _replace(f"{name}.hashlib", CHEAP_HASHES)
    for module, names in NOTHING_DONE.items():
        for name in names:
            _replace(f"{module}.{name}", lambda *_, **__: None)
    for place, found in NOTHING_FOUND.items():
        _replace(place, lambda *_, found=found, **__: found)
    passed = importlib.import_module(f"{PACKAGE}.cleaned.gate").Verdict("", 0, ())
    for module in JUDGES:
        _replace(f"{module}.judge", lambda *_, **__: passed)


def _replace(place: str, stand_in: Any) -> None:
    holder, _, name = place.rpartition(".")
    try:
        module: Any = importlib.import_module(f"{PACKAGE}.{holder}")
    except ModuleNotFoundError:  # a module that the holder has imported
        outer, _, inner = holder.rpartition(".")
        module = getattr(importlib.import_module(f"{PACKAGE}.{outer}"), inner)
    getattr(module, name)
    setattr(module, name, stand_in)


@dataclass(frozen=True)
class Pair:
    """Seconds of one run of each kind, one after the other."""

    safe: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.safe / self.bare


def main() -> int:
    """Measures the pairs and writes the page; with --bare runs the command without its safeguards."""
    if sys.argv[1:2] == [BARE]:
        return run_bare(sys.argv[2:])
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


def run_bare(arguments: Sequence[str]) -> int:
    from custana_pipeline import cli

    switch_off()
    sys.argv = ["custana", *arguments]
    cli.main()
    return 0


def measure(command: Sequence[str], *, bare: bool) -> float:
    """Wall seconds of the command in a data folder of its own; exits with its output where it fails."""
    folder = Path(tempfile.mkdtemp(prefix="custana-safety-"))
    start = [sys.executable, str(Path(__file__)), BARE] if bare else [str(Path(sys.executable).with_name("custana"))]
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
