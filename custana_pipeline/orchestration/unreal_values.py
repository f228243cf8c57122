"""Features that no customer can have: not a number, infinite, or beyond all magnitude. They stop the table."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from custana_pipeline.errors import ContractBroken
from custana_pipeline.features.magnitude import MOST_MAGNITUDE
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.warehouse import Warehouse

TABLE = "features.unreal_values"
MOST_LISTED = 1000
MOST_TOLD = 5
_COLUMNS = "as_of date, feature_table varchar, column_name varchar, customer_id varchar, reason varchar"


class UnrealValues(ContractBroken):
    """A feature table holds such values; `rows` are of TABLE."""

    def __init__(self, message: str, rows: list[tuple]) -> None:
        super().__init__(message)
        self.rows = rows


def refuse_unreal(session: Session, table: str, days: Iterable[dt.date]) -> None:
    """Raises UnrealValues where a number in the rows of the days is NaN, infinite or beyond MOST_MAGNITUDE."""
    names = _floats(session, table)
    if not names:
        return
    listed = ", ".join(f"date '{day}'" for day in days)
    within = f"as_of in ({listed})"
    if not _any_unreal(session, table, names, within):
        return
    counted = ", ".join(f"count(*) filter (where {_unreal(name)}) as {name}" for name in names)
    counts = session.rows(f"select {counted} from {table} where {within}")[0]
    faulty = {name: count for name, count in zip(names, counts, strict=True) if count}
    told = ", ".join(f"{name} ({count:,} rows)" for name, count in list(faulty.items())[:MOST_TOLD])
    raise UnrealValues(
        f"{table} holds what is no number of a customer (NaN, infinite or beyond {MOST_MAGNITUDE:.0e}): {told}. "
        f"{TABLE} lists the customers: mend the SQL of that column, or the lines that it is computed from.",
        [row for name in faulty for row in _rows(session, table, name, within)][:MOST_LISTED],
    )


def real(session: Session, table: str, names: Collection[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The same as rules of a contract in SQL (see cleaned.contract_sql), for those of these columns that are floats."""
    return {(name, "is real"): (f"not {_unreal(name)}",) for name in _floats(session, table) if name in names}


@contextmanager
def listing_customers(warehouse: Warehouse) -> Iterator[None]:
    """Keeps, after the table itself was rolled back, whose values were unreal."""
    try:
        yield
    except UnrealValues as found:
        with warehouse.transaction() as session:
            session.prepare()
            session.connection.execute(f"create table if not exists {TABLE} ({_COLUMNS})")
            session.connection.execute(f"delete from {TABLE} where feature_table = $name", {"name": found.rows[0][1]})
            session.connection.executemany(f"insert into {TABLE} values (?, ?, ?, ?, ?)", found.rows)
        raise


def _floats(session: Session, table: str) -> list[str]:
    return [name for name, kind in session.column_types(table).items() if kind in ("DOUBLE", "FLOAT")]


def _any_unreal(session: Session, table: str, names: list[str], within: str) -> bool:
    """Whether there is such a value: NaN is the greatest number to DuckDB, so the extremes tell."""
    extremes = ", ".join(f"max({name}), min({name})" for name in names)
    found = session.rows(f"select {extremes} from {table} where {within}")[0]
    return any(value is not None and not abs(value) <= MOST_MAGNITUDE for value in found)


def _unreal(name: str) -> str:
    return f"(isnan({name}) or isinf({name}) or abs({name}) > {MOST_MAGNITUDE:.0f})"


def _rows(session: Session, table: str, name: str, within: str) -> list[tuple]:
    reason = f"case when isnan({name}) then 'NaN' when isinf({name}) then 'infinite' else 'beyond magnitude' end"
    return session.rows(
        f"select as_of, '{table}', '{name}', customer_id, {reason} from {table} where {within} and {_unreal(name)} "
        f"order by as_of, customer_id limit {MOST_LISTED}"
    )
