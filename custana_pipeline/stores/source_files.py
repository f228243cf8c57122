"""Which files of the input belong to which raw set of the active pack, and what they should look like."""

from fnmatch import fnmatch
from pathlib import Path

from custana_pipeline.errors import BadFile, WrongUse, shown
from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.stores.databases import extract
from custana_pipeline.stores.packs import RawSet
from custana_pipeline.stores.settings import Settings


def files_of(settings: Settings, raw_name: str) -> list[Path]:
    """The files of one raw set in a stable order; none where there is no such file.

    An input that is a single file belongs to the set whose patterns fit its name, or to the only set there is. A set
    that is a table of a database has the file that its rows were last read into.
    Raises WrongUse where the input is not there, and BadFile where a single file fits no set of several, and where
    what fits is no ordinary file or lies elsewhere, behind a link.
    """
    kept = extract(settings, raw_name)
    if kept is not None:
        return [kept] if kept.is_file() else []
    pack, found = settings.pack, settings.input_path
    if not found.exists():
        raise WrongUse(
            f"The input {settings.input or pack.input} of source '{settings.source}' is not there: put its files "
            f"there ({_patterns(pack.raw)}), or say where they are with --input."
        )
    if found.is_file():
        _refuse_hidden_signs(found)
        return [found] if _owner(settings, found) == raw_name else []
    fitting = {path for pattern in pack.raw[raw_name].files for path in found.glob(_any_case(pattern))}
    return sorted({_ordinary(path, found) for path in fitting})


def shape_of(settings: Settings, raw_name: str) -> RawSetShape:
    """The declared shape of one raw set."""
    raw_set = settings.pack.raw[raw_name]
    return RawSetShape(
        name=raw_name,
        columns=raw_set.headers,
        format=raw_set.format,
        delimiter=raw_set.delimiter,
        header=raw_set.header,
        optional=raw_set.optional,
        timezone=settings.pack.timezone,
    )


def _ordinary(path: Path, folder: Path) -> Path:
    """The file itself, of an absolute path without links; BadFile for anything else, since no day may be missed."""
    _refuse_hidden_signs(path)
    try:
        file = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise BadFile(f"{path.name}: it is a link to nothing: take it away, or put the file there.") from None
    if not file.is_relative_to(folder):
        raise BadFile(f"{path.name}: it lies outside the input folder, behind a link: put the file itself there.")
    if file.is_dir():
        raise BadFile(f"{path.name}: it is a folder: put its files into the input, or give it another name.")
    if not file.is_file():
        raise BadFile(f"{path.name}: it is no ordinary file: put a plain file there, no pipe or device.")
    return file


def _refuse_hidden_signs(path: Path) -> None:
    if shown(path.name) != path.name:
        raise BadFile(f"{shown(path.name, 100)}: its name holds signs that cannot be seen: rename it.")


def _owner(settings: Settings, file: Path) -> str:
    sets = settings.pack.raw
    fitting = [name for name, raw_set in sets.items() if any(_fits(file, pattern) for pattern in raw_set.files)]
    if fitting:
        return fitting[0]
    if len(sets) == 1:
        return next(iter(sets))
    raise BadFile(
        f"{file.name} fits no file pattern of source '{settings.source}' ({_patterns(sets)}): rename it, or give the "
        "folder that holds all its files."
    )


def _any_case(pattern: str) -> str:
    """The pattern with its letters in either case, so that ORDERS.CSV is not passed over.

    >>> _any_case("a*.gz")
    '[aA]*.[gG][zZ]'
    """
    outside, found = True, []
    for mark in pattern:
        outside = mark != "[" if outside else mark == "]"
        is_letter = outside and mark.isascii() and mark.isalpha()
        found.append(f"[{mark.lower()}{mark.upper()}]" if is_letter else mark)
    return "".join(found)


def _fits(file: Path, pattern: str) -> bool:
    return fnmatch(file.name.lower(), pattern.rsplit("/", 1)[-1].lower())


def _patterns(sets: dict[str, RawSet]) -> str:
    return ", ".join(pattern for raw_set in sets.values() for pattern in raw_set.files)
