"""What a connection of the warehouse may do outside its own file: nothing, but for the files named when it is opened.

SQL that people wrote runs on these connections. It can reach no other file, folder, database or address, load no
extension, read no Python variable and change no setting; the lock goes on last and cannot be taken off.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from custana_pipeline.stores.sql_text import literal, without_patterns

STARTING: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
}
"""What `duckdb.connect` is told."""


def harden(connection: duckdb.DuckDBPyConnection, may_read: Sequence[Path] = (), timezone: str = "UTC") -> None:
    """Sets the zone, closes the connection to all outside but the files and folders of `may_read`, and locks it.

    A second connection of this process to a file that is open already shares its settings, and is left as it is.
    """
    if is_hardened(connection):
        return
    connection.execute("set enable_progress_bar = false")
    # globally, so that a second connection has it too
    connection.execute(f"set global timezone = {literal(timezone)}")
    files = [text for path in may_read if not path.is_dir() for text in _both_spellings(path)]
    folders = [f"{path}/" for path in may_read if path.is_dir()]
    for setting, allowed in (("allowed_paths", files), ("allowed_directories", folders)):
        if allowed:
            connection.execute(f"set {setting} = [{', '.join(map(literal, allowed))}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def is_hardened(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the settings are locked, by this connection or another one of the process to the same file."""
    return bool(connection.execute("select current_setting('lock_configuration')").fetchall()[0][0])


def _both_spellings(path: Path) -> list[str]:
    """The path as it is and as the readers are given it: what is allowed is compared by its text."""
    return list(dict.fromkeys((str(path), without_patterns(str(path)))))
