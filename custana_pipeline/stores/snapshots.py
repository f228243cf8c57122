"""Snapshots of a warehouse: what `custana verify --repair` restores from.

    data/snapshots/<source>/<run>.duckdb    a copy of the file as it was when all lists of a run were built
    data/snapshots/<source>/<run>.json      its sha256, its day and its run; written last, so that it vouches for a copy

A copy is proven whole before it counts, so that damage never takes the place of a good snapshot. Where the file system
can share blocks (btrfs, XFS), a copy takes neither time nor space.
"""

import contextlib
import errno
import fcntl
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from custana_pipeline.errors import CustanaError
from custana_pipeline.stores import faults, lingering, warehouse_blocks, warehouse_file
from custana_pipeline.stores.durable_files import replace_text, replacing, sha256_of, sha256_of_open

_FICLONE = 0x40049409
_SPARE_SHARE = 1.1
Kept = Callable[[], Path | None]
_log = logging.getLogger("custana")


@dataclass(frozen=True)
class Snapshot:
    """One copy, as its json says."""

    file: Path
    sha256: str
    facts: Mapping[str, Any]

    @property
    def is_whole(self) -> bool:
        """Whether its bytes are still those that were written."""
        return sha256_of(self.file) == self.sha256


def folder_of(warehouse: Path) -> Path:
    """Where the snapshots of a warehouse are."""
    return warehouse.parents[1] / "snapshots" / warehouse.stem


def keep(warehouse: Path, name: str, facts: Mapping[str, Any], count: int) -> Path | None:
    """Proves the warehouse whole, seals it, and keeps a copy as the newest of `count`; None where there is no copy.

    Nobody has it open for writing. With `count` 0, or where the disk has no room, it is proven in place and not
    copied. Raises Damaged where it is not whole; the snapshots before then stay.
    """
    with keeping(warehouse, name, facts, count) as kept:
        return kept()


@contextmanager
def keeping(warehouse: Path, name: str, facts: Mapping[str, Any], count: int) -> Iterator[Kept]:
    """The same while the block reads the warehouse: what it yields waits until the copy is kept, and raises as `keep`.

    The copy is made while the block goes on. What is not to be copied is proven before it, since DuckDB does not open
    a file twice with different limits.
    """
    _settle(warehouse)
    file = folder_of(warehouse) / f"{name}.duckdb"
    if not _can_be_copied(warehouse, file, count):
        yield lambda: None
        return
    # closed after the block only: a process that closes a file lets go of all its locks on it, DuckDB's too
    with warehouse.open("rb") as hashed, warehouse.open("rb") as copied, ThreadPoolExecutor(2) as beside:
        hashing = beside.submit(sha256_of_open, hashed)
        yield beside.submit(_kept, copied, file, hashing, facts, count).result


def _can_be_copied(warehouse: Path, file: Path, count: int) -> bool:
    """Whether a copy named `file` is asked for and has room; if not, the warehouse is proven and sealed where it is."""
    if count == 0:
        _without_copy(warehouse)
        prune(warehouse, 0)
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    need = int(warehouse_file.size(warehouse) * _SPARE_SHARE)
    if need > (free := faults.free_bytes(file.parent)):
        why = f"it needs {faults.megabytes(need)}, and {faults.megabytes(free)} are free"
        _without_copy(warehouse, why)
        return False
    return True


def _kept(
    source: BufferedReader, file: Path, hashing: "Future[str]", facts: Mapping[str, Any], count: int
) -> Path | None:
    """Copies, proves the copy whole and puts it in its place; None where the disk refuses what has been proven.

    Raises NoSpace or CustanaError where the disk refuses the copy itself.
    """
    warehouse, is_whole = Path(source.name), False
    try:
        with replacing(file) as copy:
            warehouse_file.prove(copy, _copied(source, copy))
            is_whole = True
    except OSError as error:
        why = os.strerror(error.errno or errno.EIO)
        if not is_whole:
            raise faults.told(error, file.parent) or CustanaError(
                f"{warehouse.name} could not be copied to {file.parent.name} ({why}), and is not proven whole: mend "
                "that, or set `snapshots` to 0, and run again; what was published before still stands."
            ) from None
        warehouse_file.seal(warehouse, hashing.result())
        _log.warning("No snapshot was kept: %s.", why)
        return None
    digest = hashing.result()
    warehouse_file.seal(warehouse, digest)
    number = max((each.facts.get("number", 0) for each in listed(warehouse)), default=0) + 1
    replace_text(_facts_of(file), json.dumps({**facts, "sha256": digest, "number": number}, indent=2))
    prune(warehouse, count)
    return file


def _copied(source: BufferedReader, target: Path) -> int:
    """Copies the file, or shares its blocks; of how many of its first blocks the checksums have been compared, too."""
    return 0 if _shared(source, target) else warehouse_blocks.copied(source, target)


def listed(warehouse: Path) -> list[Snapshot]:
    """The snapshots, newest first; copies that nothing vouches for are none."""
    found = []
    for path in folder_of(warehouse).glob("*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            facts = json.loads(path.read_text(encoding="utf-8"))
            found.append(Snapshot(path.with_suffix(".duckdb"), str(facts["sha256"]), facts))
    return sorted(found, key=lambda each: each.facts.get("number", 0), reverse=True)


def restore(warehouse: Path) -> Snapshot | None:
    """Puts the newest whole snapshot in the warehouse's place in one step; None where there is none."""
    for snapshot in listed(warehouse):
        if snapshot.is_whole:
            with replacing(warehouse) as aside:
                _copy(snapshot.file, aside)
            return snapshot
    return None


def prune(warehouse: Path, count: int) -> None:
    """Removes all but the newest `count`, and copies that a killed run has not finished."""
    kept = {each.file for each in listed(warehouse)[:count]}
    for path in [*folder_of(warehouse).glob("*"), *folder_of(warehouse).glob(".*.tmp")]:
        if path.with_suffix(".duckdb") not in kept:
            path.unlink(missing_ok=True)


def _without_copy(warehouse: Path, why: str = "") -> None:
    """Proves and seals the warehouse where it is."""
    warehouse_file.prove(warehouse)
    warehouse_file.seal(warehouse, sha256_of(warehouse))
    if why:
        _log.warning("No snapshot was kept: %s.", why)


def _facts_of(file: Path) -> Path:
    return file.with_suffix(".json")


def _settle(warehouse: Path) -> None:
    """Brings what is still in the write-ahead log into the file, which this process has closed then."""
    lingering.let_go(warehouse)
    if warehouse_file.wal_of(warehouse).exists():
        connection = warehouse_file.bare_connection(warehouse)
        connection.execute("checkpoint")
        connection.close()


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading:
        if not _shared(reading, target):
            shutil.copyfile(source, target)


def _shared(source: BufferedReader, target: Path) -> bool:
    """Whether the target has the blocks of the source now; not where the file system shares none, or there are two."""
    with target.open("wb") as writing:
        try:
            fcntl.ioctl(writing, _FICLONE, source.fileno())
        except OSError:
            return False
    return True
