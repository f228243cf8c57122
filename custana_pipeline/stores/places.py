"""The folders and files that an operator names: what they mean, and which of them are no place for a shop's data."""

import re
import stat
from collections.abc import Sequence
from pathlib import Path

from custana_pipeline.errors import WrongUse, shown

KERNEL = (Path("/proc"), Path("/sys"), Path("/dev"))
"""Folders whose files are the machine's own, such as the environment of this very process."""
SYSTEM = tuple(Path(place).resolve() for place in ("/etc", "/boot", "/bin", "/sbin", "/lib"))
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - an exception to the above, nothing is put there
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:/")
PACKAGE = Path(__file__).resolve().parents[1]


def absolute(given: str | Path, what: str) -> Path:
    """The absolute path, links followed; WrongUse where it is an address or empty; `what` is its name in messages."""
    text = str(given)
    if _ADDRESS.match(text):
        raise WrongUse(f"{what} is a folder or file of this machine, and no address: copy what is there first.")
    if not text.strip() or shown(text, 4096) != text:
        raise WrongUse(f"{what} is empty, or holds signs that cannot be seen: write the path of a folder or file.")
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        raise WrongUse(f"{what} is no path of this machine: write the path of a folder or file.") from None


def input_place(given: str, base: Path) -> Path:
    """The folder or file that source files are read from; a relative one is below `base`.

    Raises WrongUse for what is neither, and for the machine's own files; one that is missing is told by its reader.
    """
    what = "The input"
    _ = absolute(given or ".", what)
    path = absolute(base / Path(given).expanduser(), what)
    if _is_kernels(path):
        raise WrongUse(f"{what} is among the machine's own files, and no place for a shop's: copy the files elsewhere.")
    try:
        mode = path.stat().st_mode
    except OSError:
        return path
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise WrongUse(f"{what} is neither a folder nor an ordinary file: give the folder of the files, or one file.")
    return path


def data_folder(given: Path, project: Path) -> Path:
    """The absolute folder that everything is written to; a relative one is below `project`.

    Raises WrongUse where it is a file, the root, the machine's own, or lies in the code.
    """
    what = "The data folder"
    _ = absolute(given, what)
    folder = absolute(project / given.expanduser(), what)
    if folder.exists() and not folder.is_dir():
        raise WrongUse(f"{what} is a file: name a folder, or one that is not there yet.")
    code = (PACKAGE, PACKAGE.parent / ".venv", *(project / name for name in ("dbt_like_sql", ".git", "docs")))
    if folder in (Path("/"), project, PACKAGE.parent) or any(folder.is_relative_to(place) for place in code):
        raise WrongUse(f"{what} would lie among the project's own files: choose a folder of its own, such as data.")
    if _is_kernels(folder) or any(
        folder.is_relative_to(place) for place in map(Path, ("/etc", "/boot", "/usr", "/bin"))
    ):
        raise WrongUse(f"{what} is among the machine's own files: choose a folder of its own, such as data.")
    return folder


def output_file(given: Path, inputs: Sequence[Path]) -> Path:
    """The absolute path of a file to be written, in a folder that is there.

    Raises WrongUse where it is a folder, a device, a pipe, a link, or one of the `inputs`.
    """
    what = "--out"
    _ = absolute(given, what)
    if given.is_symlink():
        raise WrongUse(f"{what} is a link: name the file itself.")
    path = absolute(given, what)
    if not path.parent.is_dir() or _is_kernels(path):
        raise WrongUse(f"{what} lies in a folder that is not there, or is the machine's own: choose another.")
    if path.exists() and not path.is_file():
        raise WrongUse(f"{what} is no ordinary file: name a file such as predictions.csv.")
    if path in [absolute(each, what) for each in inputs]:
        raise WrongUse(f"{what} is the file that is read: name another.")
    return path


def _is_kernels(path: Path) -> bool:
    if path.is_relative_to(SHARED_MEMORY):
        return False
    if any(path.is_relative_to(place) for place in KERNEL):
        return True
    try:
        return path.stat().st_dev in {place.stat().st_dev for place in KERNEL[:2] if place.exists()}
    except OSError:
        return False


def near(path: Path) -> str:
    """The path as it is shown: from the working directory, where it lies below that."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
