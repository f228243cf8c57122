"""Raw sets that are tables of a database: read whole, in one snapshot, into a parquet file that lands like any other.

    bring_in   reads the table of a raw set, where it has one, and puts the file in place of the last one
    extract    that file

The file holds text only, so that what lands is typed and judged as lines of files are. It is replaced when the reading
ended well and the rows are as many as the database has counted in the same snapshot; else yesterday's stays.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from custana_pipeline.errors import DataFault, WrongUse
from custana_pipeline.stores.database_settings import DatabaseConnection
from custana_pipeline.stores.durable_files import replacing
from custana_pipeline.stores.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_BATCH = 50_000
Row = Sequence[str | None]


@dataclass(frozen=True)
class DatabaseTable:
    """The table of a raw set: where it is and which of its columns are wanted."""

    connection_name: str
    connection: DatabaseConnection
    name: str
    columns: tuple[str, ...]
    optional: tuple[str, ...]
    order_by: tuple[str, ...]
    timezone: str
    project_dir: Path

    @property
    def label(self) -> str:
        """What messages call it, and its extract: connection and table."""
        return f"{self.connection_name}.{self.name}"

    def present(self, found: Sequence[str]) -> list[str]:
        """The wanted columns that are among those `found`; WrongUse names what is missing."""
        needed = {*self.columns, *self.order_by} - set(self.optional)
        if missing := sorted(needed - set(found)):
            raise WrongUse(
                f"{self.label} has no column {', '.join(missing)}: correct the columns and order_by of its raw set in "
                "custana.toml, letter case included."
            )
        return [name for name in self.columns if name in found]


@dataclass(frozen=True)
class OpenTable:
    """A table in a snapshot: its columns, how many rows it has there, and these in batches of text."""

    columns: Sequence[str]
    row_count: int
    batches: Iterator[Sequence[Row]]


def table_of(settings: Settings, raw_name: str) -> DatabaseTable | None:
    """The table that a raw set is read from; None for a set of files. WrongUse for a connection nobody declared."""
    raw_set = settings.pack.raw[raw_name]
    if not raw_set.connection:
        return None
    if raw_set.connection not in settings.connections:
        raise WrongUse(
            f"raw set {raw_name} reads from the connection '{raw_set.connection}', and custana.toml has no "
            f"[connections.{raw_set.connection}]: add it, or correct the name."
        )
    headers = raw_set.headers
    return DatabaseTable(
        connection_name=raw_set.connection,
        connection=settings.connections[raw_set.connection],
        name=raw_set.table,
        columns=tuple(dict.fromkeys(headers.values())),
        optional=tuple(headers[name] for name in raw_set.optional),
        order_by=raw_set.order_by,
        timezone=settings.pack.timezone,
        project_dir=settings.project_dir,
    )


def extract(settings: Settings, raw_name: str) -> Path | None:
    """Where the rows of a raw set's table are kept, last read or not yet; None for a set of files."""
    table = table_of(settings, raw_name)
    return settings.data_dir / "extracts" / settings.source / f"{table.label}.parquet" if table else None


def bring_in(settings: Settings, raw_name: str) -> None:
    """Reads the table of a raw set anew; does nothing for a set of files.

    Raises WrongUse for what custana.toml has wrong, Transient for a database that is not there just now, and DataFault
    where it has no row, or not as many as were read. An empty table that is not required leaves what was read last.
    """
    table, path = table_of(settings, raw_name), extract(settings, raw_name)
    if table is None or path is None:
        return
    with opened(table) as rows:
        if rows.row_count:
            _put(path, rows, table)
        elif settings.pack.raw[raw_name].required:
            raise DataFault(f"NO_DATA: {table.label} has no row: fill it, or write required = false for its raw set.")


def _put(path: Path, rows: OpenTable, table: DatabaseTable) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        written = _write(aside, rows)
        if written != rows.row_count:
            raise DataFault(
                f"{table.label}: {written:,} rows were read and {rows.row_count:,} were counted in the same snapshot: "
                "run again, and look into the database where it stays so."
            )


def opened(table: DatabaseTable) -> AbstractContextManager[OpenTable]:
    """The table in a snapshot, by the reader of its kind."""
    if table.connection.kind == "postgres":
        from custana_pipeline.stores import postgres_tables

        return postgres_tables.opened(table)
    from custana_pipeline.stores import file_tables

    return file_tables.opened(table)


def _write(path: Path, rows: OpenTable) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in rows.columns])
    written = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in rows.batches:
            writer.write_table(_arrow(batch, schema))
            written += len(batch)
    return written


def _arrow(batch: Sequence[Row], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    columns = zip(*batch, strict=True)
    return pa.table([pa.array(values, pa.string()) for values in columns], schema=schema)
