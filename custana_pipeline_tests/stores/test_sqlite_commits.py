import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from custana_pipeline.stores.sqlite_commits import wait_for_the_disk_less

NORMAL, FULL = 1, 2


@pytest.mark.parametrize(("journal", "expected"), [("wal", NORMAL), ("delete", FULL)])
def test_only_a_file_with_a_write_ahead_log_is_not_waited_for(journal: str, expected: int, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "books.db")) as connection:
        connection.execute(f"pragma journal_mode = {journal}")
        connection.execute("create table told (what text)")
    wait_for_the_disk_less()
    wait_for_the_disk_less()
    engine = create_engine(f"sqlite:///{tmp_path / 'books.db'}")
    with engine.connect() as connection:
        assert connection.execute(text("pragma synchronous")).scalar() == expected
    engine.dispose()
