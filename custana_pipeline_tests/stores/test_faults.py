import errno
import sqlite3
from pathlib import Path

import duckdb
import pytest

from custana_pipeline.errors import CustanaError, Damaged, NoSpace, Transient
from custana_pipeline.stores import faults


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), NoSpace),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), NoSpace),
        (OSError(errno.EFBIG, "File too large"), NoSpace),
        (OSError(errno.EROFS, "Read-only file system"), CustanaError),
        (sqlite3.OperationalError("database or disk is full"), NoSpace),
        (sqlite3.OperationalError("database is locked"), Transient),
        (sqlite3.OperationalError("disk I/O error"), CustanaError),
        (sqlite3.DatabaseError("database disk image is malformed"), Damaged),
        (duckdb.IOException('IO Error: Could not write file "x": No space left on device'), NoSpace),
        (duckdb.OutOfMemoryException("could not allocate block of size 256.0 KiB"), CustanaError),
        (duckdb.OutOfMemoryException("failed to offload data block (max_temp_directory_size reached)"), NoSpace),
        (MemoryError("Unable to allocate 8 GiB for a customer's value"), CustanaError),
        (duckdb.Error("Corrupt database file: computed checksum 1 does not match stored checksum 2"), Damaged),
        (duckdb.IOException('Failure while replaying WAL file "x.wal": WAL does not match database file'), Damaged),
    ],
)
def test_the_errors_of_disk_and_databases_are_told_in_custanas_words(
    error: Exception, kind: type[CustanaError], tmp_path: Path
) -> None:
    told = faults.told(error, tmp_path)
    assert type(told) is kind
    assert str(error) not in str(told)


@pytest.mark.parametrize("error", [duckdb.OutOfMemoryException("could not allocate"), MemoryError()])
def test_too_little_memory_names_the_setting_and_what_stands(error: Exception) -> None:
    told = str(faults.told(error))
    assert "CUSTANA_MEMORY_LIMIT" in told
    assert told.endswith("What was published before still stands.")


def test_a_full_disk_is_found_behind_the_errors_that_wrap_it(tmp_path: Path) -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("Dagster's own words") from error
    except RuntimeError as error:
        told = faults.told(error, tmp_path)
    assert isinstance(told, NoSpace)
    assert "MB free)" in str(told) or "GB free)" in str(told)


def test_a_database_that_cannot_write_where_nothing_is_free_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "free_bytes", lambda _where: 0)
    assert isinstance(faults.told(sqlite3.OperationalError("disk I/O error"), tmp_path), NoSpace)


@pytest.mark.parametrize("error", [ValueError("a customer's value"), KeyError("x"), OSError(errno.EEXIST, "exists")])
def test_other_errors_are_left_to_others(error: Exception) -> None:
    assert faults.told(error) is None


def test_a_defect_is_told_by_its_type_and_place_alone() -> None:
    try:
        raise ValueError("Wilhelmina Q. Customer")
    except ValueError as error:
        told = str(faults.defect(error))
    assert "ValueError at test_faults.py:" in told
    assert "Wilhelmina" not in told
