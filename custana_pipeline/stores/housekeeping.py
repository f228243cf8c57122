"""What a run does to its files before it begins and after it has ended, while no other run is under way."""

import contextlib
import logging

from custana_pipeline.errors import Transient
from custana_pipeline.stores import estimates, faults, publishing, receipts, warehouse_file
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.warehouse import Warehouse

_log = logging.getLogger("custana")


def before_run(warehouse: Warehouse, settings: Settings) -> None:
    """Clears away what killed runs left, and refuses what cannot end well.

    What the run will need is logged and put into its profile. Raises NoSpace or CustanaError where the disk or the
    memory is clearly too small for it, Damaged where the warehouse cannot be opened, and Transient, before any work,
    where a reader does not close it in time.
    """
    receipts.tear_up(settings)
    warehouse_file.sweep(warehouse.path)
    publishing.sweep(settings.published_dir)
    for leftover in (settings.data_dir / "reports" / settings.source).glob("*/.*.tmp"):
        leftover.unlink(missing_ok=True)
    if warehouse.path.exists():
        slim(warehouse)
    need = estimates.need_of(settings, warehouse)
    PROFILE.need = need.facts
    estimates.refuse_what_cannot_fit(need, settings)
    _log.log(logging.WARNING if need.is_tight else logging.INFO, need.told())


def after_run(warehouse: Warehouse) -> None:
    """Clears away what was spilled."""
    with contextlib.suppress(OSError):
        warehouse_file.sweep(warehouse.path)


def slim(warehouse: Warehouse) -> bool:
    """Gives back what the file has grown by without holding anything; returns whether it was written anew.

    A large file of which more than half is free is written anew, where there is room and nobody has begun to read it
    meanwhile. Readers are waited for: raises Transient where one does not close it, and Damaged where it cannot be
    opened.
    """
    with warehouse.alone() as connection:
        warehouse_file.cut(warehouse.path, connection)
        block_size, total, free = warehouse_file.blocks(connection)
    used = (total - free) * block_size
    is_bloated = warehouse_file.size(warehouse.path) > max(2 * used, warehouse_file.COMPACTED_FROM_BYTES)
    if not is_bloated or faults.free_bytes(warehouse.path) < 1.2 * used:
        return False
    try:
        warehouse_file.compact(warehouse.path, warehouse.memory_limit, warehouse.threads)
    except Transient:  # somebody has begun to read just now: the next run will do
        return False
    return True
