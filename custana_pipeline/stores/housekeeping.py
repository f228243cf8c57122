"""What a run does to its files before it begins and after it has ended, while no other run is under way."""

import contextlib
import logging
from pathlib import Path

from custana_pipeline.errors import NoSpace
from custana_pipeline.stores import faults, publishing, receipts, source_files, warehouse_file
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.warehouse import Warehouse

_FIRST_RUN_BYTES = 24e6
"""What a first run writes that does not depend on its input: books of Dagster and MLflow, models, figures."""
_BYTES_A_BYTE = 3.0
"""Bytes of tables, snapshot and lists for each byte of input, as measured on the sample and on Online Retail II."""
_PACKED = 6.0
_CLEARLY_TOO_LITTLE = 0.25
_log = logging.getLogger("custana")


def before_run(warehouse: Warehouse, settings: Settings) -> None:
    """Clears away what killed runs left, and refuses what cannot end well.

    Raises NoSpace where the disk clearly has too little room for the input, Damaged where the warehouse cannot be
    opened, and Transient, before any work, where a reader does not close it in time.
    """
    receipts.tear_up(settings)
    warehouse_file.sweep(warehouse.path)
    publishing.sweep(settings.published_dir)
    for leftover in (settings.data_dir / "reports" / settings.source).glob("*/.*.tmp"):
        leftover.unlink(missing_ok=True)
    if warehouse.path.exists():
        slim(warehouse)
    _refuse_too_little_room(settings)


def after_run(warehouse: Warehouse) -> None:
    """Clears away what was spilled."""
    with contextlib.suppress(OSError):
        warehouse_file.sweep(warehouse.path)


def slim(warehouse: Warehouse) -> bool:
    """Gives back what the file has grown by without holding anything; returns whether it was written anew.

    A large file of which more than half is free is written anew, where there is room. Readers are waited for: raises
    Transient where one does not close it, and Damaged where it cannot be opened.
    """
    with warehouse.alone() as connection:
        warehouse_file.cut(warehouse.path, connection)
        block_size, total, free = warehouse_file.blocks(connection)
    used = (total - free) * block_size
    is_bloated = warehouse_file.size(warehouse.path) > max(2 * used, warehouse_file.COMPACTED_FROM_BYTES)
    if not is_bloated or faults.free_bytes(warehouse.path) < 1.2 * used:
        return False
    warehouse_file.compact(warehouse.path, warehouse.threads)
    return True


def _refuse_too_little_room(settings: Settings) -> None:
    there = warehouse_file.size(settings.warehouse_path)
    need = max(_BYTES_A_BYTE * _input_bytes(settings) - 2 * there, 0.0) + (0 if there else _FIRST_RUN_BYTES)
    free = faults.free_bytes(settings.data_dir)
    if free < _CLEARLY_TOO_LITTLE * need:
        raise NoSpace(
            f"A run of {settings.source} needs about {faults.megabytes(need)} in {settings.data_dir.name}, and "
            f"{faults.megabytes(free)} are free: free some space, or give --data-dir on a larger disk. Nothing was "
            "changed."
        )
    if free < need:
        _log.warning(
            "A run of %s needs about %s in %s, and %s are free.",
            *(settings.source, faults.megabytes(need), settings.data_dir.name, faults.megabytes(free)),
        )


def _input_bytes(settings: Settings) -> float:
    """The input's size as plain text, by the names of its files."""
    files: set[Path] = set()
    with contextlib.suppress(Exception):  # what is wrong with the input is told by the asset that reads it
        for name in settings.pack.raw:
            files.update(source_files.files_of(settings, name))
    return sum(file.stat().st_size * (_PACKED if file.suffix in (".gz", ".parquet") else 1) for file in files)
