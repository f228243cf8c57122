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
        kept = FOLDER / f"{kind}-{version}"
        if _is_whole(kept, names):
            return
        with tempfile.TemporaryDirectory(prefix="custana-template-") as scratch:
            lay_out(Path(scratch))
            for name in names:
                (kept / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(scratch) / name, kept / name)
        replace_text(kept / _WHOLE, json.dumps({name: sha256_of(kept / name) for name in names}))


def place(kind: str, version: str, names: tuple[str, ...], folder: Path) -> bool:
    """Copies the files of an empty store into `folder`, which has none of them; False where none are kept whole."""
    kept = FOLDER / f"{kind}-{version}"
    if not _is_whole(kept, names):
        return False
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept / name, target)
        sync_file(target)
        sync_folder(target.parent)
    return True


def _is_whole(kept: Path, names: tuple[str, ...]) -> bool:
    try:
        hashes = json.loads((kept / _WHOLE).read_text(encoding="utf-8"))
        return all(sha256_of(kept / name) == hashes[name] for name in names)
    except (OSError, ValueError, KeyError, TypeError):
        return False
