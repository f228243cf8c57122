"""How the books of Dagster and MLflow, both in SQLite behind SQLAlchemy, are brought to disk."""

import sqlite3
from contextlib import closing
from typing import Any


def wait_for_the_disk_less() -> None:
    """From now on, commits of this process to a file with a write-ahead log do not wait for the disk.

    Such a file stays whole after a power cut; only what was last told of the run that it cut may be gone. A process
    that is killed loses nothing. A file without such a log is forced to disk as ever.
    """
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    if not event.contains(Pool, "connect", _set_pace):
        event.listen(Pool, "connect", _set_pace)


def _set_pace(connection: Any, _: object) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    with closing(connection.cursor()) as cursor:
        if cursor.execute("pragma journal_mode").fetchone() == ("wal",):
            cursor.execute("pragma synchronous = normal")
