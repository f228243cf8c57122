"""Empty databases of Dagster and MLflow, laid out once for an installation and copied from then on.

    <prefix>/share/custana/<kind>-<version>/    the files, and whole.json with their hashes, written last

To lay one out takes seconds, since both migrate an empty file through their whole history; a copy takes milliseconds
and is what the same version would have laid out. `custana prepare` makes them; without them all goes the same way.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from custana_pipeline.stores.durable_files import replace_text, sha256_of, sync_file, sync_folder

FOLDER = Path(sys.prefix) / "share" / "custana"
_WHOLE = "whole.json"


def keep(kind: str, version: str, names: tuple[str, ...], lay_out: Callable[[Path], object]) -> None:
    """Has an empty store laid out in a scratch folder and keeps its files, unless they are kept or cannot be."""
    with suppress(OSError):
        templates = kept(kind, version)
        if _is_whole(templates, names):
            return
        with tempfile.TemporaryDirectory(prefix="custana-template-") as scratch:
            lay_out(Path(scratch))
            for name in names:
                (templates / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(scratch) / name, templates / name)
        replace_text(templates / _WHOLE, json.dumps({name: sha256_of(templates / name) for name in names}))


def kept(kind: str, version: str) -> Path:
    """Where the files of an empty store are, if they were kept."""
    return FOLDER / f"{kind}-{version}"


def place(kind: str, version: str, names: tuple[str, ...], folder: Path) -> bool:
    """Copies the files of an empty store into `folder`, which has none of them; False where none are kept whole."""
    if not _is_whole(kept(kind, version), names):
        return False
    for name in names:
        _copy(kept(kind, version) / name, folder / name)
    return True


def place_one(kind: str, version: str, name: str, target: Path) -> bool:
    """Copies one file of an empty store to `target`, which is not there; False where it is not kept whole."""
    if not _is_whole(kept(kind, version), (name,)):
        return False
    _copy(kept(kind, version) / name, target)
    return True


def _copy(template: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, target)
    sync_file(target)
    sync_folder(target.parent)


def _is_whole(templates: Path, names: tuple[str, ...]) -> bool:
    try:
        hashes = json.loads((templates / _WHOLE).read_text(encoding="utf-8"))
        return all(sha256_of(templates / name) == hashes[name] for name in names)
    except (OSError, ValueError, KeyError, TypeError):
        return False
