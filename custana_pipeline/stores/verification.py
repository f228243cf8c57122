"""A look through everything that custana has written: what is whole, what is damaged, and what killed runs left.

Opening a file proves nothing, so warehouses are read value by value, published files and snapshots are hashed, and the
databases of Dagster and MLflow check themselves.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from custana_pipeline.errors import CustanaError, Transient
from custana_pipeline.stores import publishing, snapshots, warehouse_file
from custana_pipeline.stores.durable_files import sha256_of

WHOLE, DAMAGED, LEFTOVER = "whole", "damaged", "left over"
Heard = Callable[[str], None]


@dataclass(frozen=True)
class Places:
    """Where things are below the data folder."""

    data: Path

    @property
    def warehouses(self) -> list[Path]:
        """The file of each source, also one of which only the write-ahead log is there."""
        folder = self.data / "warehouse"
        alone = {path.with_name(path.name.removesuffix(".wal")) for path in folder.glob("*.duckdb.wal")}
        return sorted({*folder.glob("*.duckdb"), *alone})

    @property
    def published(self) -> Path:
        """Versions, links and CURRENT."""
        return self.data / "published"

    @property
    def databases(self) -> list[Path]:
        """The SQLite files of Dagster and MLflow."""
        found = [*(self.data / "dagster").rglob("*.db"), *(self.data / "mlflow").glob("*.db")]
        return sorted(found)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    path: Path
    state: str
    told: str
    kind: str
    """warehouse, snapshot, version, link, pointer, model, database or leftover"""

    @property
    def is_damaged(self) -> bool:
        """Whether something is lost or wrong."""
        return self.state == DAMAGED


def verify(places: Places, heard: Heard = lambda _: None) -> Iterator[Finding]:
    """Looks at everything, one finding a thing; `heard` is told what is looked at."""
    for path in places.warehouses:
        yield of_warehouse(path, heard)
        for snapshot in snapshots.listed(path):
            heard(f"snapshot {snapshot.file.name}")
            state = WHOLE if snapshot.is_whole else DAMAGED
            yield Finding(
                snapshot.file, state, f"snapshot of {snapshot.facts.get('as_of', 'an unknown day')}", "snapshot"
            )
        yield from _models(path, heard)
    yield from of_published(places.published, heard)
    for path in places.databases:
        heard(path.name)
        yield of_database(path)
    for path in leftovers(places):
        yield Finding(path, LEFTOVER, "of a run that was killed: the next one removes it", "leftover")


def of_warehouse(path: Path, heard: Heard = lambda _: None) -> Finding:
    """Reads every value of a warehouse, with what its write-ahead log still holds."""
    if not path.exists():
        return Finding(path, DAMAGED, "the file is gone, and only its write-ahead log is there", "warehouse")
    try:
        tables = warehouse_file.scan(path, lambda table: heard(f"{path.stem} {table}"))
    except Transient:
        raise
    except CustanaError:
        wal = warehouse_file.wal_of(path)
        culprit = "its write-ahead log cannot be replayed" if _is_whole_alone(path, wal) else "a value cannot be read"
        return Finding(path, DAMAGED, culprit, "warehouse")
    known = warehouse_file.sealed(path)
    if known is not None and not warehouse_file.wal_of(path).exists() and sha256_of(path) != known:
        told = "every value can be read, but the file is not as the last run left it"
        return Finding(path, DAMAGED, told, "warehouse")
    return Finding(path, WHOLE, f"every value of {tables} tables can be read", "warehouse")


def of_published(folder: Path, heard: Heard = lambda _: None) -> Iterator[Finding]:
    """Every published version against its manifest, then the links of the days and CURRENT."""
    if not (folder / publishing.VERSIONS).is_dir():
        return
    whole = set()
    for version in publishing.versions_of(folder):
        heard(version.name)
        wrong = wrong_in(version)
        whole |= set() if wrong else {version.resolve()}
        yield Finding(
            version, DAMAGED if wrong else WHOLE, wrong or "every file has the hash of its manifest", "version"
        )
    for link in sorted(path for path in folder.iterdir() if path.is_symlink()):
        if link.resolve() not in whole:
            yield Finding(link, DAMAGED, f"leads to {link.readlink()}, which is not whole", "link")
    pointer = folder / publishing.CURRENT
    if not pointer.is_file():
        if whole:
            yield Finding(pointer, DAMAGED, "is not there, though versions are", "pointer")
        return
    named = folder / pointer.read_text(encoding="utf-8", errors="replace").strip()
    is_right = named.resolve() in whole
    yield Finding(pointer, WHOLE if is_right else DAMAGED, f"names {named.name[:80]}", "pointer")


def wrong_in(version: Path) -> str:
    """What is wrong with a published version; empty where it is whole."""
    try:
        wrong = publishing.damaged_files(version)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "its manifest cannot be read"
    if not version.name.endswith(sha256_of(version / "manifest.json")[: publishing.DIGEST_LENGTH]):
        return "its manifest was changed"
    return f"{', '.join(wrong)} not as written" if wrong else ""


def of_database(path: Path) -> Finding:
    """What SQLite says of one of its files."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
            said = str(connection.execute("pragma integrity_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        said = "ok" if "locked" in str(error) else "cannot be opened"
    except sqlite3.DatabaseError:
        said = "cannot be read"
    is_whole = said == "ok"
    told = "passes SQLite's integrity check" if is_whole else "does not pass SQLite's integrity check"
    return Finding(path, WHOLE if is_whole else DAMAGED, told, "database")


def leftovers(places: Places) -> list[Path]:
    """What a killed run may leave; a run that is under way has such files too."""
    found = [*(places.published / publishing.VERSIONS).glob(".building-*"), *places.published.glob(".*.tmp")]
    found += places.data.glob("snapshots/*/.*.tmp")
    found += [path for path in places.data.glob("snapshots/*/*.duckdb") if not path.with_suffix(".json").exists()]
    found += places.data.glob("reports/*/*/.*.tmp")
    for pattern in ("*.spill", "*.duckdb.tmp", "*.compacting", "*.compacting.wal", ".*.tmp"):
        found += places.data.glob(f"warehouse/{pattern}")
    return sorted(found)


def _models(warehouse: Path, heard: Heard) -> Iterator[Finding]:
    """The files of the models that serve, against the hashes recorded at training."""
    try:
        connection = duckdb.connect(str(warehouse), read_only=True)
    except duckdb.Error:
        return
    query = """select artifact_path, sha256 from models.champions where artifact_path <> '' and sha256 <> ''
        union select judged_path, judged_sha256 from models.champions where judged_path <> '' and judged_sha256 <> ''
        order by all"""
    try:
        recorded = connection.execute(query).fetchall()
    except duckdb.Error:
        return
    finally:
        connection.close()
    for name, digest in recorded:
        heard(Path(name).name)
        path = warehouse.parents[1] / "mlflow" / name
        if sha256_of(path) != digest:
            told = "is not the file that was written at training, and is not loaded: `custana run` trains anew"
            yield Finding(path, DAMAGED, told, "model")


def _is_whole_alone(path: Path, wal: Path) -> bool:
    """Whether the file can be read where the log is out of the way, which is tried under a second name."""
    if not wal.exists():
        return False
    alone = path.with_name(f".{path.name}.alone")
    alone.unlink(missing_ok=True)
    try:
        alone.hardlink_to(path)
        warehouse_file.scan(alone)
    except (CustanaError, duckdb.Error, OSError):
        return False
    finally:
        alone.unlink(missing_ok=True)
    return True
