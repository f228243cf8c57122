"""Files that are whole after a crash: written aside, forced to disk, and put in place in one step."""

import os
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Writes a new file and forces it to disk; its name is safe only after `sync_folder` of its folder."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_file(path: Path) -> None:
    """Forces to disk what a library has written to `path`."""
    _sync(path, os.O_RDONLY)


def sync_folder(folder: Path) -> None:
    """Forces the names in `folder` to disk."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def replace_text(path: Path, text: str) -> None:
    """Replaces a small text file in one step: a reader sees the old text or the new one, never a part."""
    aside = path.with_name(f".{path.name}.tmp")
    write_file(aside, text.encode())
    aside.replace(path)
    sync_folder(path.parent)


def replace_link(link: Path, target: str) -> None:
    """Points the symlink at `target`, relative to its folder, in one step."""
    aside = link.with_name(f".{link.name}.tmp")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(link)
    sync_folder(link.parent)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
