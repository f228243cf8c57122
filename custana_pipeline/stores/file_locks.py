"""Locks between processes that a dying process cannot leave behind, since the kernel lets go of them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Waits until no other process holds the lock of this name, and holds it for the block; makes the folder."""
    with opened_lock(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """A folder to take a lock on, so that no file of a lock lies in it; what is taken ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_lock(path: Path) -> Iterator[TextIO]:
    """The file of a lock that is not held yet; whatever is taken on it ends with the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        yield file


def taken(file: TextIO | int) -> bool:
    """Takes the lock for this process alone if nobody holds it, without waiting; returns whether it did."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def share(file: TextIO) -> None:
    """Holds the lock together with others that share it; waits for one who has it alone."""
    fcntl.flock(file, fcntl.LOCK_SH)


@contextmanager
def holding_folder(folder: Path) -> Iterator[None]:
    """Waits until no other process holds the folder, and holds it for the block; makes the folder."""
    with opened_folder(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
