"""Everybody of a day in batches to be scored, and the rows of some of them."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from custana_pipeline.errors import DataFault
from custana_pipeline.models.at_once import ahead, at_once
from custana_pipeline.orchestration.customer_columns import Shown, rows_shown
from custana_pipeline.stores.frames import framed
from custana_pipeline.stores.session import Session

Scored = TypeVar("Scored")
BATCH_ROWS = 100_000
"""Customers that are read at a time."""
PIECE_ROWS = 20_000
"""Of these, customers that are scored at a time: their matrices are a fifth of what they would be."""


def scored(
    session: Session,
    analysis: str,
    as_of: dt.date,
    columns: Iterable[str],
    score: Callable[[pd.DataFrame], Scored],
    stored: Mapping[str, str] | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Scored]:
    """What `score` says of every customer of the day, piece by piece in the order of their ids, two at a time.

    A piece has customer_id and `columns`. `stored` tells which table holds a column that features.<analysis> only shows
    (see stores.plain_views). `meanwhile` is done while the first are scored, between two batches that are read: nobody
    else asks the session then. Raises DataFault where there is no customer.
    """
    done: list[Scored] = []
    read = _batches(session, f"features.{analysis}", as_of, columns, stored or {})
    with closing(ahead(_after_first(read, meanwhile))) as batches:
        for batch in batches:
            done += at_once(score, _pieces(batch))
    return done


def rows_of(
    session: Session,
    analysis: str,
    customer_ids: pd.Series,
    as_of: dt.date,
    columns: Iterable[str],
    stored: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """customer_id and `columns` of these customers of the day, by customer_id; `stored` as in `scored`."""
    session.connection.register("wanted", pd.DataFrame({"customer_id": customer_ids}))

    def told(of: str, names: str) -> str:
        return f"""select {names} from {of} where as_of = $as_of
            and customer_id in (select customer_id from wanted) order by customer_id"""

    wanted = Shown(f"features.{analysis}", list(columns), stored or {}, ("customer_id",))
    found = framed(rows_shown(session, wanted, told, {"as_of": as_of}))
    session.connection.unregister("wanted")
    return found


def by_customer(rows: pa.Table) -> pa.Table:
    """The rows by customer_id. Tables are stored so, and rows come as they are stored: DuckDB, told to put them in
    order, would carry all columns through a sort, at the cost of reading them once more.
    """
    ids = rows.column("customer_id")
    compared: Any = pc
    is_in_order = compared.all(compared.less(ids[:-1], ids[1:])).as_py()
    return rows if is_in_order in {True, None} else rows.sort_by("customer_id")


def _with_own_ids(rows: pa.Table) -> pa.Table:
    """The rows with a copy of the ids, which scores keep: the columns that DuckDB gives are let go of together only."""
    memory, ids = pa.default_cpu_memory_manager(), rows.column("customer_id")
    copied: Any = [chunk.copy_to(memory) for chunk in ids.chunks]
    place = rows.column_names.index("customer_id")
    return rows.set_column(place, "customer_id", pa.chunked_array(copied, ids.type))


def _after_first(batches: Iterator[pd.DataFrame], meanwhile: Callable[[], None]) -> Iterator[pd.DataFrame]:
    """The batches; what is to be done meanwhile is done when the second one is asked for."""
    yield next(batches)
    meanwhile()
    yield from batches


def _pieces(batch: pd.DataFrame) -> list[pd.DataFrame]:
    return [batch.iloc[start : start + PIECE_ROWS] for start in range(0, len(batch), PIECE_ROWS)]


def _batches(
    session: Session, view: str, as_of: dt.date, columns: Iterable[str], stored: Mapping[str, str]
) -> Iterator[pd.DataFrame]:
    wanted = Shown(view, list(columns), stored, ("customer_id",))
    firsts = session.rows(
        f"""select customer_id from (
            select customer_id, row_number() over (order by customer_id) as place
            from {next(iter(wanted.by_table))} where as_of = $as_of
        ) where place % {BATCH_ROWS} = 1 order by place""",
        {"as_of": as_of},
    )
    if not firsts:
        raise DataFault(f"{view} has no customer as of {as_of}: materialize the features of that day first.")
    for place, (first,) in enumerate(firsts):
        given = {"as_of": as_of, "first_id": first}
        until = ""
        if place + 1 < len(firsts):
            given["next_id"], until = firsts[place + 1][0], "and customer_id < $next_id"

        def told(of: str, names: str, until: str = until) -> str:
            return f"""select {names} from {of}
                where as_of = $as_of and customer_id >= $first_id {until}"""

        rows = _with_own_ids(by_customer(rows_shown(session, wanted, told, given)))
        # by way of Arrow, texts never are Python objects, and each column is let go as soon as it is taken over
        yield rows.to_pandas(split_blocks=True, self_destruct=True)
