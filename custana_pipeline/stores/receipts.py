"""A receipt of the last run: from what it was made, and what it left; where all of that stands, nothing is to be done.

    data/receipts/<source>.json

What goes in is noted before a run reads anything, and the receipt is written when everything has been published, so
that a file which changes in between differs from its receipt. Files are known by their stamps, of which the time of
change (ctime) cannot be set back; one with another stamp is read, since files that are copied anew every night mostly
hold what they held. A run tears up the receipt of the one before when it begins.
"""

import datetime as dt
import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import custana_pipeline
from custana_pipeline.errors import CustanaError
from custana_pipeline.raw.file_stamps import stamp_of
from custana_pipeline.stores import publishing
from custana_pipeline.stores.durable_files import replace_text
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.source_files import files_of

_WITHOUT_EFFECT = {
    "dagster_port",
    "mlflow_port",
    "ui_hosts",
    "nightly_hour",
    "run_wait_seconds",
    "warehouse_wait_seconds",
    "max_runtime_seconds",
}
"""Settings that no result depends on."""
_READ_AT_ONCE = 2
"""Files: each keeps a processor busy with its hash."""


@dataclass(frozen=True)
class Standing:
    """What stands, and since when."""

    as_of: str
    since: dt.datetime
    version: Path


def beginning(settings: Settings) -> dict[str, Any] | None:
    """What a run is made from: settings, code and files; None for a source that is read from a database.

    Raises WrongUse and BadFile where the input cannot be used.
    """
    if any(raw_set.connection for raw_set in settings.pack.raw.values()):
        return None
    told = settings.model_dump_json(exclude=_WITHOUT_EFFECT) + str(settings.input_path)
    return {
        "settings": hashlib.sha256(told.encode()).hexdigest(),
        "code": _code(settings),
        "files": {name: _stamps(files_of(settings, name)) for name in sorted(settings.pack.raw)},
    }


def keep(
    settings: Settings,
    begun: dict[str, Any] | None,
    days: tuple[dt.date, dt.date],
    landed: Mapping[tuple[str, str], str],
) -> None:
    """Writes the receipt of a run that has just published; `days` are the run's own and the one that a run without a
    day is for, `landed` the sha256 of the files in the ledger, by raw set and name.

    Where a piece is missing, or the disk refuses, there is no receipt, and the next run is a whole one.
    """
    if begun is None:
        return
    as_of, next_day = days
    contents = {
        path: landed[name, Path(path).name]
        for name, stamps in begun["files"].items()
        for path in stamps
        if (name, Path(path).name) in landed
    }
    told = {"begun": begun, "contents": contents, "as_of": as_of.isoformat(), "next_day": next_day.isoformat()}
    with suppress(OSError, CustanaError):
        left = _left(settings, as_of.isoformat())
        file = _file(settings)
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_text(file, json.dumps({**told, "left": left}, indent=1, sort_keys=True) + "\n")


def files_read(settings: Settings) -> dict[str, str] | None:
    """The files that the last run was made from, each with its stamp; None where it left no receipt."""
    try:
        told = json.loads(_file(settings).read_text(encoding="utf-8"))
        return _stamps_in(told["begun"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def tear_up(settings: Settings) -> None:
    """Removes the receipt, since a run is about to change what it vouches for."""
    _file(settings).unlink(missing_ok=True)


def standing(settings: Settings, as_of: str | None) -> Standing | None:
    """What the last run left, where another for `as_of` would make the same again; None where it might not."""
    file = _file(settings)
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if told["as_of"] != (as_of or told["next_day"]) or told["left"] != _left(settings, told["as_of"]):
            return None
        now = beginning(settings)
        if told["begun"] != now and not _holds_the_same(now, told["begun"], told["contents"]):
            return None
        since = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC).astimezone()
    except (OSError, ValueError, KeyError, TypeError, CustanaError):
        return None
    return Standing(told["as_of"], since, settings.published_dir / told["as_of"])


def _holds_the_same(now: dict[str, Any] | None, begun: dict[str, Any], contents: Mapping[str, str]) -> bool:
    """Whether nothing but stamps of files differs, and the files that have another one hold what was landed of them."""
    if now is None or _without_stamps(now) != _without_stamps(begun):
        return False
    before, stamps = _stamps_in(begun), _stamps_in(now)
    changed = [path for path, stamp in stamps.items() if stamp != before[path]]
    if any(_size(stamps[path]) != _size(before[path]) for path in changed):
        return False
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        return all(pool.map(lambda path: _holds(Path(path), contents.get(path, ""), stamps[path]), changed))


def _without_stamps(begun: dict[str, Any]) -> dict[str, Any]:
    return {**begun, "files": {name: sorted(stamps) for name, stamps in begun["files"].items()}}


def _stamps_in(begun: dict[str, Any]) -> dict[str, str]:
    return {path: stamp for stamps in begun["files"].values() for path, stamp in stamps.items()}


def _size(stamp: str) -> str:
    return stamp.split("-")[0]


def _holds(path: Path, content: str, stamp: str) -> bool:
    """Whether a file has the sha256 `content`, and was not written while it was read."""
    from custana_pipeline.raw.landing import hash_file

    return hash_file(path) == content and _stamps([path]) == {str(path): stamp}


def _left(settings: Settings, as_of: str) -> dict[str, Any]:
    """Where CURRENT and the day lead, and the stamps of what a run leaves; CustanaError where a piece is missing."""
    folder = settings.published_dir
    day = folder / as_of
    version = day.resolve()
    data = settings.data_dir
    pieces = [settings.warehouse_path, *(version / name for name in publishing.read_manifest(version)["files"])]
    pieces += [version / "manifest.json", *(data / "snapshots" / settings.source).glob("*")]
    pieces += list((settings.mlflow_dir / "artifacts").rglob("*.skops"))
    books = (settings.mlflow_dir / "mlflow.db", settings.dagster_home / "history" / "runs.db")
    return {
        "current": (folder / publishing.CURRENT).read_text(encoding="utf-8"),
        "link": str(day.readlink()),
        "pieces": _stamps(pieces),
        "names": sorted(path.name for path in version.iterdir()),
        "books": [path.is_file() for path in books],
    }


def _code(settings: Settings) -> str:
    """A hash of custana's own Python, of the project's SQL, and of the installed versions of everything else."""
    digest = hashlib.sha256(sys.version.encode())
    package = Path(custana_pipeline.__file__).parent
    for folder, pattern in ((package, "*.py"), (settings.sql_dir, "*.sql")):
        for path in sorted(folder.rglob(pattern)):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update("\n".join(_installed()).encode())
    return digest.hexdigest()


def _installed() -> list[str]:
    """The names and versions of what is installed, as the names of its folders tell them."""
    beside = Path(str(importlib.metadata.distribution("dagster").locate_file("")))
    return sorted(entry.name for entry in os.scandir(beside) if entry.name.endswith(".dist-info"))


def _stamps(paths: Iterable[Path]) -> dict[str, str]:
    """Each file with its stamp; Transient where one is gone."""
    return {str(path): "-".join(map(str, stamp_of(path))) for path in sorted(paths)}


def _file(settings: Settings) -> Path:
    return settings.warehouse_path.parents[1] / "receipts" / f"{settings.source}.json"
