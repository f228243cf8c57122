"""Files that are whole after a crash: written aside, forced to disk, and put in place in one step."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from io import BufferedReader
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


def aside_of(path: Path) -> Path:
    """The name beside `path` that is written to before what is there takes its place."""
    return path.with_name(f".{path.name}.tmp")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; what is there when the block ends well takes the place of `path` in one step.

    A reader sees the old file or the new one, never a part, also after a crash; where the block raises, the old one
    stays.
    """
    aside = aside_of(path)
    try:
        yield aside
        sync_file(aside)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def replace_bytes(path: Path, content: bytes) -> None:
    """Replaces a file in one step."""
    with replacing(path) as aside:
        aside.write_bytes(content)


def replace_text(path: Path, text: str) -> None:
    """Replaces a small text file in one step: a reader sees the old text or the new one, never a part."""
    replace_bytes(path, text.encode())


def replace_link(link: Path, target: str) -> None:
    """Points the symlink at `target`, relative to its folder, in one step."""
    aside = aside_of(link)
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(link)
    sync_folder(link.parent)


def sha256_of(path: Path) -> str:
    """The hex digest of a file's bytes; empty where there is no such file."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return sha256_of_open(file)


def sha256_of_open(file: BufferedReader) -> str:
    """The same of a file that stays open."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
