"""One connection to a warehouse with the few things that the pipeline does to tables."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from custana_pipeline.errors import ContractBroken, CustanaError, WrongUse
from custana_pipeline.stores.canonical_text import PLAIN_NUMBERS, NumberMarks
from custana_pipeline.stores.frames import as_arrow, framed
from custana_pipeline.stores.machine import bytes_of
from custana_pipeline.stores.plain_ids import with_plain_ids
from custana_pipeline.stores.sql_models import CANONICAL_COLUMNS, SqlModel, SqlModels

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

SCHEMAS = ("raw", "sources", "cleaned", "features", "models", "applications")
Parameters = Mapping[str, Any]
_UNFIT_VALUES = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)


@dataclass(frozen=True)
class Session:
    """One connection with the few things that the pipeline does to tables."""

    connection: duckdb.DuckDBPyConnection
    ending: ExitStack = field(default_factory=ExitStack, compare=False, repr=False)
    """What follows when the connection has been closed; once, however often that is asked for."""
    _readers: "list[pa.RecordBatchReader]" = field(default_factory=list, compare=False, repr=False)

    def close(self) -> None:
        """Lets go of everything that is being read, and closes the connection.

        A result that somebody still holds, such as the frames of an error, keeps the database open, and DuckDB 2.0.0
        then waits for ever, at full speed, where it is opened again.
        """
        with self.ending:
            for reader in self._readers:
                reader.close()
            self.connection.close()

    def prepare(self) -> None:
        """Makes the schemas, where they are missing."""
        for schema in SCHEMAS:
            self.connection.execute(f"create schema if not exists {schema}")

    def create_source_views(
        self,
        models: SqlModels,
        raw_columns: Mapping[str, Sequence[str]],
        tables: Sequence[str] | None = None,
        numbers: NumberMarks = PLAIN_NUMBERS,
    ) -> None:
        """Points `sources.*`, or those of `tables` only, at the raw tables of the pack that `models` was read for.

        `raw_columns` maps each raw table (`raw.<set>`) to its columns; the raw tables behind the views must exist.
        """
        for table in CANONICAL_COLUMNS if tables is None else tables:
            select = models.source_view(table, raw_columns, numbers)
            try:
                pack = models.sources.get(f"sources.{table}")
                view = with_plain_ids(self.connection, select, pack.tree if pack else None)
                self.connection.execute(f"create or replace view sources.{table} as {view}")
            except _UNFIT_VALUES as error:
                # a row is looked at for plain ids; the library's text quotes its offending value
                raise ContractBroken(
                    f"The source pack's {table}.sql met a value that does not fit its type ({type(error).__name__}): "
                    "use try_cast, or leave the column as it came."
                ) from None
            except duckdb.Error as error:
                raise WrongUse(
                    f"The source pack's {table}.sql cannot be used ({_first_line(error)}): check the names of its raw "
                    "tables and columns against custana.toml."
                ) from None

    def build(self, model: SqlModel, parameters: Parameters | None = None) -> int:
        """Replaces the model's table, or view where it is one, by what its SELECT yields now, and returns the rows."""
        if model.is_view:
            self.build_view(model)
        else:
            self._drop_other(model, "view")
            self._run(f"create or replace table {model.name} as {model.text}", model, parameters)
        return self.count(model.name)

    def build_from(self, model: SqlModel, selects: Iterable[str]) -> int:
        """The same where the rows are those of several SELECTs, one after the other, in place of the model's own."""
        self._drop_other(model, "view")
        beginning = f"create or replace table {model.name} as"
        for select in selects:
            self._run(f"{beginning} {select}", model, None)
            beginning = f"insert into {model.name}"
        return self.count(model.name)

    def build_temporary(self, model: SqlModel, name: str, parameters: Parameters) -> None:
        """Puts what the model's SELECT yields into a table that is gone with the connection."""
        self._run(f"create or replace temp table {name} as {model.text}", model, parameters)

    def build_view(self, model: SqlModel) -> None:
        """Replaces the model's view, or the table of an earlier version; for models without parameters."""
        self._drop_other(model, "table")
        self._run(f"create or replace view {model.name} as {model.text}", model, None)

    def build_day(self, model: SqlModel, parameters: Parameters) -> int:
        """Replaces the rows of one `as_of` in the model's table, and returns how many they are now.

        A table whose columns are no longer those of the model is begun anew.
        """
        day = parameters["as_of"]
        return self.build_days(model, [day], parameters)[day]

    def build_days(self, model: SqlModel, days: Sequence[dt.date], parameters: Parameters) -> dict[dt.date, int]:
        """The same for the rows of all `days`, by one statement; returns the rows of each."""
        self._drop_other(model, "view")
        self._run(f"{self._room_for(model.name, model.columns, days)} {model.text}", model, parameters)
        return self._rows_of(model.name, days)

    def _rows_of(self, table: str, days: Sequence[dt.date]) -> dict[dt.date, int]:
        query = f"select as_of, count(*) from {table} where as_of in ({_listed(days)}) group by as_of"
        found = dict(self.rows(query))  # type: ignore[arg-type]
        return {day: int(found.get(day, 0)) for day in days}

    def build_day_of(
        self, model: SqlModel, parameters: Parameters, table: str, parts: "Iterable[pa.Table]"
    ) -> dict[dt.date, int]:
        """The same where the rows of `table`, which the SELECT reads, come in parts and are stored nowhere.

        The rows of the day are what the SELECT yields of each part, one after the other. There is one part at least,
        and only the last may be empty: DuckDB 2.0.0 finds no row by `as_of` within a transaction in which a large
        insert follows an empty one.
        """
        text, days = re.sub(rf"\b{re.escape(table)}\b", "incoming", model.text), [parameters["as_of"]]
        self._drop_other(model, "view")
        beginning = self._room_for(model.name, model.columns, days)
        for part in parts:
            self.connection.register("incoming", part)
            self._run(f"{beginning} {text}", model, parameters)
            self.connection.unregister("incoming")
            beginning = f"insert into {model.name}"
        return self._rows_of(model.name, days)

    def replace_day(self, table: str, frame: "pd.DataFrame", as_of: dt.date) -> int:
        """Replaces the rows of one `as_of` in `table` by those of `frame`, which has all its columns."""
        return self.replace_days(table, frame, [as_of])

    def replace_days(self, table: str, frame: "pd.DataFrame", days: Sequence[dt.date]) -> int:
        """The same for the rows of all `days`, in one go."""
        names = ", ".join(frame.columns)
        beginning = self._room_for(table, tuple(frame.columns), days)
        self.connection.register("incoming", as_arrow(frame))
        self.connection.execute(f"{beginning} select {names} from incoming")
        self.connection.unregister("incoming")
        return len(frame)

    def forget_days(self, table: str, days: Sequence[dt.date]) -> None:
        """Removes the rows of all `days`, where there is such a table."""
        if self.exists(table):
            self.connection.execute(f"delete from {table} where as_of in ({_listed(days)})")

    def _room_for(self, table: str, columns: tuple[str, ...], days: Sequence[dt.date]) -> str:
        """Removes the rows of `days`, or a table of other columns; returns how to begin a statement that adds rows."""
        found = self.columns(table)
        if found and found == columns:
            self.connection.execute(f"delete from {table} where as_of in ({_listed(days)})")
            return f"insert into {table}"
        if found:
            self.connection.execute(f"drop table {table}")
        return f"create table {table} as"

    def append(self, table: str, rows: "pa.Table") -> None:
        """Adds rows to a table that has the same columns in the same order."""
        self.connection.register("incoming", rows)
        self.connection.execute(f"insert into {table} select * from incoming")
        self.connection.unregister("incoming")

    def rows(self, query: str, parameters: Parameters | None = None) -> list[tuple]:
        """The rows of a small result."""
        return self.connection.execute(query, _named(query, parameters)).fetchall()

    def frame(self, query: str, parameters: Parameters | None = None) -> "pd.DataFrame":
        """The result as a pandas frame; text is of pandas' string type, whether or not there are rows."""
        result = self.connection.execute(query, _named(query, parameters))
        texts = [name for name, kind, *_ in result.description or () if str(kind) == "VARCHAR"]
        return result.df().astype(dict.fromkeys(texts, "str"))

    def large_frame(self, query: str, parameters: Parameters | None = None) -> "pd.DataFrame":
        """The same by way of Arrow, where no text is a Python object on its way: for results of many rows without
        decimals."""
        return framed(self.table(query, parameters))

    def table(self, query: str, parameters: Parameters | None = None) -> "pa.Table":
        """The result as an Arrow table."""
        return self.connection.sql(query, params=_named(query, parameters)).to_arrow_table()

    def arrays(self, query: str, parameters: Parameters | None = None) -> "dict[str, np.ndarray]":
        """The columns of a result without nulls, as numpy arrays."""
        found = self.table(query, parameters)
        return {name: found.column(name).to_numpy() for name in found.column_names}

    def batches(
        self, query: str, rows_per_batch: int = 250_000, parameters: Parameters | None = None
    ) -> Iterator["pd.DataFrame"]:
        """The result in frames of bounded size, so that a large table is never whole in memory."""
        for batch in self._reader(query, rows_per_batch, parameters):
            yield batch.to_pandas()

    def parts(self, query: str, rows_per_part: int = 122_880) -> "Iterator[pa.Table]":
        """The result in Arrow tables of bounded size, one at least, which then has no rows."""
        import pyarrow as pa

        reader = self._reader(query, rows_per_part)
        yield pa.table(
            {name: pa.array([], kind) for name, kind in zip(reader.schema.names, reader.schema.types, strict=True)}
        )
        for batch in reader:
            yield pa.Table.from_batches([batch])

    def _reader(self, query: str, rows: int, parameters: Parameters | None = None) -> "pa.RecordBatchReader":
        reader = self.connection.sql(query, params=_named(query, parameters)).to_arrow_reader(rows)
        self._readers.append(reader)
        return reader

    @property
    def memory_limit_bytes(self) -> int:
        """What DuckDB may keep in memory; what does not fit is spilled."""
        return bytes_of(str(self.rows("select current_setting('memory_limit')")[0][0]))

    @property
    def threads(self) -> int:
        """How many threads DuckDB works with."""
        return int(self.rows("select current_setting('threads')")[0][0])

    def exists(self, table: str) -> bool:
        """Whether a table or view of that name is there."""
        schema, name = table.split(".")
        # each of the two is several times as quick as information_schema, which joins all there is
        return any(self._is_there(schema, name, kind) for kind in ("table", "view"))

    def columns(self, table: str) -> tuple[str, ...]:
        """The names of a table's columns, in order; none where there is no such table."""
        return tuple(self.column_types(table))

    def column_types(self, table: str) -> dict[str, str]:
        """A table's columns and their DuckDB types, in order."""
        if not self.exists(table):
            return {}
        return dict(self.rows(f"select name, type from pragma_table_info('{table}')"))  # type: ignore[arg-type]

    def count(self, table: str) -> int:
        """How many rows a table has; 0 where there is none."""
        return int(self.rows(f"select count(*) from {table}")[0][0]) if self.exists(table) else 0

    def _drop_other(self, model: SqlModel, kind: str) -> None:
        """Drops what has the model's name and is of the other kind, so that a model may become a view, and back."""
        if self._is_there(model.stage, model.table, kind):
            self.connection.execute(f"drop {kind} {model.name}")

    def _is_there(self, schema: str, name: str, kind: str) -> bool:
        query = f"select count(*) from duckdb_{kind}s() where schema_name = $schema and {kind}_name = $name"
        return bool(self.rows(query, {"schema": schema, "name": name})[0][0])

    def _run(self, statement: str, model: SqlModel, parameters: Parameters | None) -> None:
        missing = model.parameters - set(parameters or {})
        if missing:
            raise CustanaError(f"{model.name} needs the parameters {', '.join(sorted(missing))}.")
        given = {name: value for name, value in (parameters or {}).items() if name in model.parameters}
        try:
            self.connection.execute(statement, given)
        except duckdb.OutOfMemoryException:
            raise CustanaError(
                f"{model.name} needs more memory than memory_limit allows: raise CUSTANA_MEMORY_LIMIT, or free disk "
                "space for spilling. What was published before still stands."
            ) from None
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise ContractBroken(f"{model.name} cannot be built: {_first_line(error)}") from None
        except _UNFIT_VALUES as error:
            # the library's text quotes the offending value, so only its kind is told
            raise ContractBroken(
                f"{model.name} met a value that does not fit its type ({type(error).__name__}): a rule in "
                f"dbt_like_sql/{model.name.replace('.', '/')}.sql must judge that column first."
            ) from None


def _listed(days: Sequence[dt.date]) -> str:
    return ", ".join(f"date '{day}'" for day in days)


def _named(query: str, parameters: Parameters | None) -> dict[str, Any]:
    return {name: value for name, value in (parameters or {}).items() if f"${name}" in query}


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
