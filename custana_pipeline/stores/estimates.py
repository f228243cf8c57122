"""What a run will need of disk and memory, told before it begins.

Foretold from the bytes of the input, and of what is new in it, by ratios that were measured on generated shops of a
hundred thousand to ten million order lines (docs/performance.md, "What a run needs"). Shops differ: a run is stopped
only where even the tables and lists would clearly not fit; snapshots are left out where there is no room for them.
"""

import contextlib
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from custana_pipeline.errors import CustanaError, NoSpace
from custana_pipeline.raw.file_stamps import settled_stamp
from custana_pipeline.stores import faults, publishing, source_files, warehouse_file
from custana_pipeline.stores.landing_statements import STAMPS_TABLE
from custana_pipeline.stores.machine import bytes_of, this_machine
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.warehouse import Warehouse

LINES_RATIO = 1.0
"""Bytes of landed and cleaned lines for a byte of new text."""
FEATURES_RATIO, MOST_FEATURES = 1.8, 120e6
"""Bytes of features of past days for a byte of text; they are those of a sample where customers are many."""
DAY_SHARE = 0.1
"""Of a warehouse, what a further day adds to it beside its new lines, and what is written anew before the old goes."""
LISTS_RATIO = 0.4
"""Bytes of published lists for a byte of text."""
LISTS_OF_A_CUSTOMER, FEATURES_OF_A_CUSTOMER = 2_200.0, 430.0
"""Bytes of published lists, and of the warehouse, for each customer who has bought, of up to eight million."""
BOOKS_BYTES = 30e6
"""Books of Dagster and MLflow, models and figures, whatever the input."""
PYTHON_BYTES = 0.8e9
"""Python and its libraries with models of a thousand customers."""
MODELS_RATIO, MOST_MODELS = 6.0, 0.8e9
"""Bytes of models in training for a byte of text; they learn from a sample where customers are many."""
DUCKDB_RATIO = 0.6
"""Bytes that DuckDB holds for a byte of text, as long as its limit allows."""
_LEAST_SHARE = 0.5
"""Of Python and models, below which a run is not begun: a million lines ended well in 1.07 GB, not in .73."""
_PACKED = 6.0
"""Bytes of text in a byte of a packed file."""
_LINE_BYTES = 60.0
"""Of a line in a packed file."""
_MUCH = 1.5
_CLEARLY = 0.8
"""An estimate may be too high by a fifth before a run is stopped by it."""


@dataclass(frozen=True)
class Need:
    """What a run is foretold to need, and what there is; all in bytes."""

    new_input: float
    kept: float
    """What tables, lists and books grow by."""
    passing: float
    """What is written besides: the new snapshot before the old one goes."""
    disk_free: float
    memory: float
    memory_limit: float
    """What DuckDB may take."""
    memory_there: float
    least_memory: float = 0.0
    """Below this a run is not begun."""
    most_disk: float = 0.0
    """What is written where everybody in the customer records has bought; 0 where lists were made before."""
    all_input: float = 0.0
    """All of the input as plain text, landed before or not."""

    @property
    def disk(self) -> float:
        """All that is written before anything is given back."""
        return self.kept + self.passing

    @property
    def facts(self) -> dict[str, int]:
        """The bytes by name, for the run's profile."""
        return {f"{name}_bytes": round(value) for name, value in asdict(self).items()}

    def told(self) -> str:
        """One line for who waits.

        >>> Need(1e9, 2e9, 1e9, 40e9, 1.2e9, 4e9, 10e9).told()
        'needs about 3.0 GB of disk, 40 GB free; about 1.2 GB of memory, 10 GB there, of which DuckDB may take 4.0 GB'
        """
        told = (self.disk, self.disk_free, self.memory, self.memory_there, self.memory_limit)
        disk, free, memory, there, limit = map(faults.megabytes, told)
        most = f"{faults.megabytes(self.most_disk)} if all customers on record have bought, "
        return (
            f"needs about {disk} of disk, {most if self.most_disk > _MUCH * self.disk else ''}{free} free; about "
            f"{memory} of memory, {there} there, of which DuckDB may take {limit}"
        )

    @property
    def is_tight(self) -> bool:
        """Whether there may be too little of one of them."""
        return self.disk_free < max(self.disk, self.most_disk) or self.memory_there < self.memory


def need_of(settings: Settings, warehouse: Warehouse) -> Need:
    """What the next run needs; a further day of a history only what is new in it."""
    machine = this_machine()
    limit = bytes_of(warehouse.memory_limit)
    total, new = _input_bytes(settings, _landed(warehouse))
    there = warehouse_file.size(warehouse.path)
    growth = LINES_RATIO * new + (DAY_SHARE * there if there else min(FEATURES_RATIO * total, MOST_FEATURES))
    snapshots = there + growth if settings.snapshots else 0.0
    lists = _newest_lists(settings)
    models = PYTHON_BYTES + min(MODELS_RATIO * total, MOST_MODELS)
    return Need(
        new_input=new,
        kept=growth + (lists or LISTS_RATIO * total) + BOOKS_BYTES,
        passing=snapshots,
        disk_free=faults.free_bytes(settings.data_dir),
        memory=models + min(DUCKDB_RATIO * total, limit),
        memory_limit=limit,
        memory_there=machine.memory_bytes,
        least_memory=max(_CLEARLY * PYTHON_BYTES, _LEAST_SHARE * models),
        all_input=total,
        most_disk=0.0 if lists or there else _disk_of(new, _customers_on_record(settings), bool(settings.snapshots)),
    )


def refuse_what_cannot_fit(need: Need, settings: Settings) -> None:
    """Raises NoSpace where the disk, and CustanaError where the memory, is clearly too small for the run."""
    if need.disk_free < _CLEARLY * need.kept:
        raise NoSpace(
            f"A run of {settings.source} needs about {faults.megabytes(need.disk)} in {settings.data_dir}, and "
            f"{faults.megabytes(need.disk_free)} are free: free some space, or give a folder on a larger disk "
            "(--data-dir, CUSTANA_DATA_DIR). Nothing was changed."
        )
    if need.memory_there < need.least_memory:
        raise CustanaError(
            f"A run needs about {faults.megabytes(need.memory)} of memory, and this process may have "
            f"{faults.megabytes(need.memory_there)}: give the machine, its container or ulimit more. DuckDB's part is "
            "CUSTANA_MEMORY_LIMIT; it spills where that is small. Nothing was changed."
        )


def _landed(warehouse: Warehouse) -> frozenset[str]:
    """The stamps of the files that have been landed."""
    if not warehouse.path.exists():
        return frozenset()
    with warehouse.reading() as session:
        if not session.exists(STAMPS_TABLE):
            return frozenset()
        return frozenset(stamp for (stamp,) in session.rows(f"select stamp from {STAMPS_TABLE}"))


def _input_bytes(settings: Settings, landed: frozenset[str]) -> tuple[float, float]:
    """The input's size as plain text, by the names of its files: all of it, and what has not been landed."""
    files: set[Path] = set()
    with contextlib.suppress(Exception):  # what is wrong with the input is told by the asset that reads it
        for name in settings.pack.raw:
            files.update(source_files.files_of(settings, name))
    sizes = {file: file.stat().st_size * (_PACKED if file.suffix in (".gz", ".parquet") else 1) for file in files}
    return sum(sizes.values()), sum(size for file, size in sizes.items() if settled_stamp(file) not in landed)


def _disk_of(text: float, customers: float, has_snapshot: bool) -> float:
    """What a first run writes for so much text, where so many customers have bought."""
    warehouse = LINES_RATIO * text + FEATURES_OF_A_CUSTOMER * customers
    return warehouse * (2 if has_snapshot else 1) + LISTS_OF_A_CUSTOMER * customers + BOOKS_BYTES


def _customers_on_record(settings: Settings) -> float:
    """About how many lines the files have that tell of customers alone; 0 where the source has none."""
    with contextlib.suppress(Exception):  # what is wrong with the input is told by the asset that reads it
        customers, transactions = (_sets_read_by(settings, name) for name in ("customers", "transactions"))
        files = {file for name in customers - transactions for file in source_files.files_of(settings, name)}
        return sum(map(_lines_in, files))
    return 0.0


def _sets_read_by(settings: Settings, table: str) -> set[str]:
    """The raw sets that the source's SELECT of the table names."""
    select = settings.sql_dir / "sources" / settings.source / f"{table}.sql"
    text = select.read_text(encoding="utf-8") if select.is_file() else ""
    return {name for name in settings.pack.raw if re.search(rf"\braw\.{re.escape(name)}\b", text)}


def _lines_in(file: Path) -> float:
    size = file.stat().st_size
    if file.suffix in (".gz", ".parquet"):
        return size * _PACKED / _LINE_BYTES
    with file.open("rb") as opened:
        sample = opened.read(65_536)
    return size * sample.count(b"\n") / max(len(sample), 1)


def _newest_lists(settings: Settings) -> int:
    """Bytes of the version that CURRENT names; 0 where there is none."""
    try:
        return sum(file.stat().st_size for file in publishing.current(settings.published_dir).iterdir())
    except (OSError, CustanaError):
        return 0
