"""The opening of files that others name or put there: ordinary files only, and never more of them than was agreed.

What a name points to may change between the look and the opening, so the opened file itself is asked what it is. A
symlink is not followed at its last step, and a pipe without a writer does not hold the process.
"""

import os
import stat
from io import BufferedReader
from pathlib import Path

from custana_pipeline.errors import BadFile, CustanaError, WrongUse


def open_plain(path: Path, fault: type[CustanaError] = BadFile) -> BufferedReader:
    """An ordinary file opened to be read; `fault` where it is none, is a symlink, or cannot be opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "its name holds a NUL"
        raise fault(f"{path.name}: it cannot be read ({said}): check the path and its rights.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise fault(f"{path.name}: it is no ordinary file: put a plain file there, no folder, pipe or device.")
    return os.fdopen(descriptor, "rb")


def read_plain(path: Path, most_bytes: int, fault: type[CustanaError] = BadFile) -> bytes:
    """The bytes of an ordinary file of at most `most_bytes`; `fault` for any other."""
    with open_plain(path, fault) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise fault(f"{path.name}: it is larger than {most_bytes:,} bytes: it cannot be what it is read as.")
    return content


def read_text(path: Path, most_bytes: int) -> str:
    """The text of a file of the project, at most `most_bytes` long; WrongUse where it is no plain UTF-8 file."""
    try:
        return read_plain(path.resolve(), most_bytes, WrongUse).decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongUse(f"{path.name}: byte {error.start} is not UTF-8: save it as UTF-8.") from None
