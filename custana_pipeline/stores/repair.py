"""Mending what `verification` finds: damaged files are moved aside, never deleted, and what can be restored is.

data/damaged/<moment>/<place below data>    what was moved aside
"""

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from custana_pipeline.stores import dagster_home, publishing, snapshots, tracking_store, verification, warehouse_file
from custana_pipeline.stores.durable_files import replace_link, replace_text, sync_folder
from custana_pipeline.stores.verification import Finding, Places


@dataclass(frozen=True)
class Mender:
    """Mends below one data folder; nobody else writes there meanwhile."""

    places: Places
    moment: str
    """Name of the folder for what is moved aside."""

    @classmethod
    def at(cls, places: Places, now: dt.datetime) -> "Mender":
        """A mender that moves things to data/damaged/<now>."""
        return cls(places, f"{now:%Y-%m-%dT%H%M%S}")

    def mend(self, found: list[Finding]) -> Iterator[str]:
        """Does what each finding takes and says so, one line a deed."""
        by_kind = {kind: [each for each in found if each.kind == kind] for kind in {each.kind for each in found}}
        for finding in by_kind.get("snapshot", []):
            if finding.is_damaged:
                yield self._aside(finding.path, finding.path.with_suffix(".json"))
        for finding in by_kind.get("warehouse", []):
            yield from self._warehouse(finding)
        yield from self._published(found)
        yield from self._databases([each for each in by_kind.get("database", []) if each.is_damaged])
        for finding in by_kind.get("leftover", []):
            yield _removed(finding.path)

    def _warehouse(self, finding: Finding) -> Iterator[str]:
        path, wal = finding.path, warehouse_file.wal_of(finding.path)
        if not finding.is_damaged:
            return
        if wal.exists():
            yield self._aside(wal)
            if path.exists() and not verification.of_warehouse(path).is_damaged:
                yield f"{path.name} is whole without its write-ahead log: it is as of the change before the damage."
                return
        if path.exists():
            warehouse_file.unseal(path)
            yield self._aside(path, stays=True)  # until the snapshot takes its place in one step
        restored = snapshots.restore(path)
        if restored is None:
            path.unlink(missing_ok=True)
            yield f"There is no whole snapshot of {path.stem}: `custana run` builds it anew from the source files."
            return
        day = restored.facts.get("as_of", "an unknown day")
        yield f"{path.name} is restored from the snapshot of {day}: `custana run` takes in what came since."

    def _published(self, found: list[Finding]) -> Iterator[str]:
        for finding in found:
            if finding.kind == "version" and finding.is_damaged:
                yield self._aside(finding.path)
        folder = self.places.published
        if not any(each.is_damaged for each in found if each.kind in ("version", "link", "pointer")):
            return
        whole = [path for path in publishing.versions_of(folder) if not verification.wrong_in(path)]
        newest = {path.name[:10]: path for path in sorted(whole, key=lambda each: each.stat().st_mtime)}
        for link in [path for path in folder.iterdir() if path.is_symlink()]:
            if link.name not in newest:
                link.unlink()
                yield f"{link.name} has no whole version any more: run that day again to publish it anew."
        for day, version in newest.items():
            if (folder / day).resolve() != version.resolve():
                replace_link(folder / day, f"{publishing.VERSIONS}/{version.name}")
                yield f"{day} leads to {version.name} again."
        yield from self._pointer(folder, newest)

    def _pointer(self, folder: Path, newest: dict[str, Path]) -> Iterator[str]:
        pointer = folder / publishing.CURRENT
        named = (folder / pointer.read_text(encoding="utf-8", errors="replace").strip()) if pointer.is_file() else None
        if named is not None and named.resolve() in {path.resolve() for path in newest.values()}:
            return
        if newest:
            version = newest[max(newest)]
            replace_text(pointer, f"{publishing.VERSIONS}/{version.name}\n")
            yield f"{publishing.CURRENT} names {version.name}, the newest that is whole."
        elif pointer.exists():
            yield self._aside(pointer)

    def _databases(self, damaged: list[Finding]) -> Iterator[str]:
        for finding in damaged:
            belonging = [finding.path.with_name(finding.path.name + end) for end in ("-wal", "-shm", "-journal")]
            yield self._aside(finding.path, *belonging)
        dagster, mlflow = self.places.data / "dagster", self.places.data / "mlflow"
        if any(finding.path.is_relative_to(dagster) for finding in damaged):
            dagster_home.prepare(dagster)
            yield "Dagster's books were begun anew where they were damaged: runs told there are gone, lists are not."
        if any(finding.path.is_relative_to(mlflow) for finding in damaged):
            tracking_store.initialise(mlflow)
            yield "MLflow's books were begun anew: the models' files stay, and `custana run` logs new ones."

    def _aside(self, *paths: Path, stays: bool = False) -> str:
        there = [path for path in paths if path.exists() or path.is_symlink()]
        for path in there:
            target = self.places.data / "damaged" / self.moment / path.relative_to(self.places.data)
            target.parent.mkdir(parents=True, exist_ok=True)
            if stays:
                target.hardlink_to(path)
            else:
                path.rename(target)
            sync_folder(path.parent)
        names = ", ".join(path.name for path in there) or paths[0].name
        return f"{names}: moved to damaged/{self.moment}."


def _removed(path: Path) -> str:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return f"{path.name}: removed, a run that was killed had left it."
