"""Published lists: whole or not at all, the same bytes from the same data, and found through one pointer.

    data/published/versions/<as_of>-<digest>/   lists (.parquet, .csv), report.html, manifest.json, run.json
    data/published/<as_of>                      symlink to the version of that day
    data/published/CURRENT                      one line: versions/<as_of>-<digest>

A version is written aside, forced to disk and renamed into place; then symlink and CURRENT are replaced, each in one
step. `digest` is that of manifest.json, which names the hash of every other file; run.json, which differs from run to
run, is outside it.
"""

import datetime as dt
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet

from custana_pipeline.errors import CustanaError, DataFault, WrongUse
from custana_pipeline.stores import faults
from custana_pipeline.stores.durable_files import (
    replace_link,
    replace_text,
    sha256_of,
    sync_file,
    sync_folder,
    write_file,
)
from custana_pipeline.stores.file_locks import holding_folder, opened_folder, taken
from custana_pipeline.stores.list_files import CSV_RULE, PublishedList, write_list

CURRENT = "CURRENT"
VERSIONS = "versions"
REPORT = "report.html"
KEPT_DAYS = 30
DIGEST_LENGTH = 8
UNTOUCHED_SECONDS = 24 * 3600
"""A version that lies back less than this from the newest may still be open somewhere, and is not pruned."""

_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_BUILDING = ".building-"


@dataclass(frozen=True)
class Publication:
    """Everything of one version: what goes into its files."""

    as_of: dt.date
    source: str
    horizon_days: int
    lists: Mapping[str, PublishedList]
    report: str
    """The HTML of report.html."""
    versions: Mapping[str, Any] = field(default_factory=dict)
    """Code, model and data versions, and other facts that are the same when the same is run again."""
    run: Mapping[str, Any] = field(default_factory=dict)
    """Facts of this very run, such as the Dagster run id; they go into run.json."""


@dataclass(frozen=True)
class Published:
    """Where a publication has gone."""

    folder: Path
    is_new: bool
    """Whether there was no version of the same content before."""
    is_current: bool
    """Whether CURRENT names it now; a backfill of an older day leaves CURRENT where it is."""
    manifest: Mapping[str, Any]


def publish(
    publication: Publication,
    folder: Path,
    keep_days: int = KEPT_DAYS,
    may_go_on: Callable[[], None] = lambda: None,
) -> Published:
    """Writes the version below `folder`, points to it, and prunes old ones.

    The same content again changes nothing. After a kill at any moment CURRENT names a whole version. `may_go_on` is
    asked once all is written, before the version has a name, and again before anything points to it; what it raises
    leaves everything as it was.
    Raises NoSpace or CustanaError where the disk refuses; what was published before then stands.
    """
    try:
        with holding_folder(folder):
            version, manifest, is_new = _write_version(publication, folder / VERSIONS, may_go_on)
            may_go_on()
            is_current = _point_at(version, publication, folder)
            prune(folder, keep_days)
    except OSError as error:
        full = faults.told(error, folder)
        if full is not None:
            raise full from None
        raise CustanaError(
            f"The lists of {publication.as_of} could not be published in {folder.name} "
            f"({os.strerror(error.errno or 5)}): mend that and run again; what was published before still stands."
        ) from None
    return Published(version, is_new, is_current, manifest)


def current(folder: Path) -> Path:
    """The folder of the version that CURRENT names.

    Raises WrongUse where nothing has been published yet, and DataFault where CURRENT names what is not there.
    """
    pointer = folder / CURRENT
    if not pointer.is_file():
        raise WrongUse(f"Nothing has been published in {folder.name} yet: `custana run` publishes.")
    version = folder / pointer.read_text(encoding="utf-8").strip()
    if not (version / "manifest.json").is_file():
        raise DataFault(f"{CURRENT} names {version.name}, which is not there: run that day again to publish it anew.")
    return version


def read_manifest(version: Path) -> dict[str, Any]:
    """What manifest.json of a version says."""
    return json.loads((version / "manifest.json").read_text(encoding="utf-8"))


def damaged_files(version: Path) -> list[str]:
    """The files of a version that are missing, or whose bytes are not those that its manifest names."""
    files = read_manifest(version)["files"]
    return [name for name, facts in files.items() if sha256_of(version / name) != facts["sha256"]]


def prune(folder: Path, keep_days: int = KEPT_DAYS) -> list[Path]:
    """Removes the days before the last `keep_days` as_of days, and what was replaced, and returns the versions removed.

    A version goes only if, besides, it was written a day or more before the newest one; never one that CURRENT or the
    symlink of a day that stays names.
    """
    named_now = {current(folder).resolve()} if (folder / CURRENT).is_file() else set()
    links = sorted(path for path in folder.iterdir() if path.is_symlink() and _DAY.match(path.name))
    stale = _untouched(folder)
    for link in links[:-keep_days]:
        if link.resolve() in stale - named_now or not link.exists():
            link.unlink()
    linked = {link.resolve() for link in links if link.is_symlink()}
    removed = sorted(stale - named_now - linked)
    for version in removed:
        doomed = version.with_name(f"{_BUILDING}removed-{version.name}")
        version.rename(doomed)  # so that a kill leaves no half of a version under its name
        shutil.rmtree(doomed)
    return removed


def _write_version(
    publication: Publication, versions: Path, may_go_on: Callable[[], None]
) -> tuple[Path, dict[str, Any], bool]:
    versions.mkdir(parents=True, exist_ok=True)
    _sweep(versions)
    building = versions / f"{_BUILDING}{os.getpid()}"
    building.mkdir()
    try:
        manifest = _manifest(publication, _write_files(publication, building), building)
        may_go_on()
        content = _json(manifest)
        version = versions / f"{publication.as_of.isoformat()}-{hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]}"
        if _is_whole(version):
            return version, manifest, False
        write_file(building / "manifest.json", content)
        write_file(building / "run.json", _json(publication.run))
        _put_in_place(building, version)
        return version, manifest, True
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write_files(publication: Publication, building: Path) -> dict[str, dict[str, Any]]:
    with ThreadPoolExecutor(1) as beside:  # what is written is forced to disk and hashed while the next is made
        finishing = [
            beside.submit(_finished, write_list(name, published, building))
            for name, published in publication.lists.items()
        ]
    write_file(building / REPORT, publication.report.encode())
    files = {name: facts for each in finishing for name, facts in each.result().items()}
    return {**files, REPORT: _bytes_of(building / REPORT)}


def _finished(written: list[Path]) -> dict[str, dict[str, Any]]:
    """What the manifest says of a list's files, which are on the disk then."""
    for path in written:
        sync_file(path)
    row_count = pyarrow.parquet.read_metadata(written[0]).num_rows
    return {path.name: {"rows": row_count, **_bytes_of(path)} for path in written}


def _manifest(publication: Publication, files: Mapping[str, Any], building: Path) -> dict[str, Any]:
    return {
        "as_of": publication.as_of.isoformat(),
        "source": publication.source,
        "horizon_days": publication.horizon_days,
        "files": files,
        "columns": {
            name: _columns(building / f"{name}.parquet", published.meanings)
            for name, published in publication.lists.items()
        },
        "csv_rule": CSV_RULE,
        "versions": publication.versions,
    }


def _columns(written: Path, meanings: Mapping[str, str]) -> dict[str, dict[str, str]]:
    schema = pyarrow.parquet.read_schema(written)
    return {column.name: {"type": str(column.type), "meaning": meanings.get(column.name, "")} for column in schema}


def _put_in_place(building: Path, version: Path) -> None:
    sync_folder(building)
    if version.exists():  # damaged since it was published, or it would have been whole
        version.rename(building.with_name(f"{_BUILDING}damaged-{version.name}"))
    building.rename(version)
    sync_folder(version.parent)
    _sweep(version.parent)


def _point_at(version: Path, publication: Publication, folder: Path) -> bool:
    target = f"{VERSIONS}/{version.name}"
    link = folder / publication.as_of.isoformat()
    if not link.is_symlink() or str(link.readlink()) != target:
        replace_link(link, target)
    standing = _standing(folder)
    if standing.get("source") == publication.source and standing.get("as_of", "") > publication.as_of.isoformat():
        return False
    pointer = folder / CURRENT
    if not pointer.is_file() or pointer.read_text(encoding="utf-8") != f"{target}\n":
        replace_text(pointer, f"{target}\n")
    return True


def _standing(folder: Path) -> dict[str, Any]:
    """The manifest of what is current, or nothing where that cannot be told."""
    try:
        return read_manifest(current(folder))
    except (CustanaError, ValueError):
        return {}


def _untouched(folder: Path) -> set[Path]:
    """The versions written a day or more before the newest one; the clock is their own."""
    written = {path.resolve(): path.stat().st_mtime for path in versions_of(folder)}
    newest = max(written.values(), default=0.0)
    return {path for path, seconds in written.items() if newest - seconds >= UNTOUCHED_SECONDS}


def versions_of(folder: Path) -> list[Path]:
    """The folders of all versions, in the order of their days."""
    return sorted(path for path in (folder / VERSIONS).iterdir() if not path.name.startswith("."))


def sweep(folder: Path) -> None:
    """Removes what a killed run has left below `folder`, unless somebody publishes there now."""
    if (folder / VERSIONS).is_dir():
        with opened_folder(folder) as descriptor:
            if taken(descriptor):
                _sweep(folder / VERSIONS)


def _sweep(versions: Path) -> None:
    for leftover in versions.glob(f"{_BUILDING}*"):
        shutil.rmtree(leftover)
    for leftover in versions.parent.glob(".*.tmp"):
        leftover.unlink()


def _is_whole(version: Path) -> bool:
    return (version / "manifest.json").is_file() and not damaged_files(version)


def _bytes_of(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _json(facts: Any) -> bytes:
    return (json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
