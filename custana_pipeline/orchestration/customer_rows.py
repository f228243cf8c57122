"""Feature rows of customers: samples to learn and to compare by, and everybody in batches to be scored."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from custana_pipeline.errors import DataFault
from custana_pipeline.models.at_once import ahead, at_once
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.plain_views import plain_view, without_joins
from custana_pipeline.stores.session import Session, framed

Scored = TypeVar("Scored")
CUSTOMERS = "features.activity"
LEARNED_CUSTOMERS = 8_000
"""Customers of each past day before the newest one that are learned from or judged on."""
TODAY_CUSTOMERS = 40_000
"""Customers of the day itself by whom levels, segments and drift are told."""
MOST_READ = 2
"""A day that has more customers than this many times what it may have is not read whole."""
BATCH_ROWS = 100_000
"""Customers that are read at a time."""
PIECE_ROWS = 20_000
"""Of these, customers that are scored at a time: their matrices are a fifth of what they would be."""


def stored_columns(project: Project, analysis: str) -> Mapping[str, str]:
    """Column of the analysis -> the table that holds it, where its features are a view that only shows columns.

    For what the view computes, or joins where rows may be missing, there is a SELECT of its own with no other joins.
    """
    model = project.models[f"features.{analysis}"]
    plain = plain_view(model)
    if plain is None:
        return {}
    others = [name for name in model.columns if name not in plain.stored]
    return {**plain.stored, **dict.fromkeys(others, f"({without_joins(model, others)})")}


def snapshots(
    session: Session,
    table: str,
    days: Iterable[dt.date],
    most: int | None = None,
    columns: Iterable[str] | None = None,
    stored: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The feature rows of `days`, oldest first, in the order of the grain; as_of, customer_id and `columns`, or all.

    With `most`, that many customers a day at most: those whose ids come first by their md5, the same ones on every day.
    `stored` tells which table holds a column that `table` only shows.
    """
    return _of_days(session, table, dict.fromkeys(days, most), columns, stored)


def learned_from(
    session: Session, table: str, past: Iterable[dt.date], as_of: dt.date, stored: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The rows by which models are trained: samples of the past days and of the day itself, oldest first."""
    before = sorted(set(past) - {as_of})
    most = dict.fromkeys(before, LEARNED_CUSTOMERS) | dict.fromkeys([*before[-1:], as_of], TODAY_CUSTOMERS)
    return _of_days(session, table, most, None, stored)


def _of_days(
    session: Session,
    table: str,
    most: Mapping[dt.date, int | None],
    columns: Iterable[str] | None,
    stored: Mapping[str, str] | None,
) -> pd.DataFrame:
    """The rows of each day, at most so many of them; days that nothing is drawn of are read without asking whom.

    A day with a few customers too many is read whole, and these are left out afterwards: joining its rows with the
    customers who are drawn takes longer than reading them all.
    """
    customers = _customers_of(session, table)
    crowded = _crowded(session, customers, most)
    large = {day: (limit, count) for day, (limit, count) in crowded.items() if count > MOST_READ * limit}
    thinned = {day: limit for day, (limit, _) in crowded.items() if day not in large}
    whole = [day for day in most if day not in large]
    if large:
        session.connection.register("chosen", _chosen(session, customers, large))

    def told(of: str, names: str) -> str:
        parts = [f"(select {names} from {of} where as_of in ({_listed(whole)}))"] if whole or not most else []
        if large:
            parts.append(
                f"""(select {names} from {of} as rows semi join chosen
                on rows.as_of = chosen.as_of and rows.customer_id = chosen.customer_id
                where rows.as_of in ({_listed(large)}) order by rows.as_of, rows.customer_id)"""
            )
        return " union all ".join(parts)

    names = [*(session.columns(table) if columns is None else columns)]
    rows = _in_order(framed(_shown(session, Shown(table, names, stored or {}, ("as_of", "customer_id")), told)))
    if large:
        session.connection.unregister("chosen")
    return _without_rest(session, customers, rows, thinned) if thinned else rows


def _chosen(session: Session, customers: str, large: Mapping[dt.date, tuple[int, int]]) -> Any:
    """as_of and customer_id of those who are drawn, of days with what they may have and what they have.

    Only those are put in order whose md5 is so low that they may be among them: a few more than there are.
    """
    limits = {day: limit for day, (limit, _) in large.items()}
    asked = f"select as_of, customer_id from {customers} where as_of in ({_listed(large)})"
    near = " or ".join(f"as_of = date '{day}' and md5(customer_id) < '{_beyond(*each)}'" for day, each in large.items())
    found = session.table(f"{asked} and ({near}) qualify {_drawn(limits)}")
    return found if found.num_rows == sum(limits.values()) else session.table(f"{asked} qualify {_drawn(limits)}")


def _beyond(limit: int, count: int) -> str:
    """A text that more than `limit` of `count` md5s are below, but once in 10^23 times.

    >>> _beyond(40_000, 3_000_000), _beyond(4, 10)
    ('03958106', 'g')
    """
    share = (limit + 10 * limit**0.5) / count
    return f"{int(share * 16**8):08x}" if share < 1 else "g"


def _customers_of(session: Session, table: str) -> str:
    """Where to look for the customers of each day: a view has those of CUSTOMERS, which takes no join to tell."""
    schema, name = table.split(".")
    query = "select count(*) from duckdb_views() where schema_name = $schema and view_name = $name"
    is_view = session.rows(query, {"schema": schema, "name": name})[0][0]
    return CUSTOMERS if is_view and session.exists(CUSTOMERS) else table


def _without_rest(session: Session, customers: str, rows: pd.DataFrame, limits: Mapping[dt.date, int]) -> pd.DataFrame:
    """The rows, in order, without those of the limited days that are not drawn."""
    query = f"""select {_drawn(limits)} as is_drawn from {customers} where as_of in ({_listed(limits)})
        order by as_of, customer_id"""
    is_kept = ~np.isin(rows["as_of"].to_numpy(), pd.to_datetime(list(limits)).to_numpy())
    is_kept[~is_kept] = session.arrays(query)["is_drawn"]
    kept: Any = rows[is_kept].reset_index(drop=True)
    return kept


def _drawn(limits: Mapping[dt.date, int]) -> str:
    """Whether a customer is among those of the day whose ids come first by their md5."""
    cases = " ".join(f"when date '{day}' then {limit}" for day, limit in limits.items())
    return f"row_number() over (partition by as_of order by md5(customer_id), customer_id) <= case as_of {cases} end"


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of the grain, in which the tables are stored and joins mostly leave them."""
    days: Any = rows["as_of"].array
    ids: Any = rows["customer_id"].array
    rises = (days[1:] > days[:-1]) | ((days[1:] == days[:-1]) & (ids[1:] > ids[:-1]))
    return rows if rises.all() else rows.sort_values(["as_of", "customer_id"], ignore_index=True)


def _crowded(session: Session, table: str, most: Mapping[dt.date, int | None]) -> dict[dt.date, tuple[int, int]]:
    """The days that have more customers than they may, with what they may have and what they have."""
    limited = {day: limit for day, limit in most.items() if limit is not None}
    if not limited:
        return {}
    counted = f"select as_of, count(*) from {table} where as_of in ({_listed(limited)}) group by as_of"
    counts = dict(session.rows(counted))  # type: ignore[arg-type]
    return {day: (limit, counts[day]) for day, limit in limited.items() if counts.get(day, 0) > limit}


def _listed(days: Iterable[dt.date]) -> str:
    return ", ".join(f"date '{day}'" for day in days)


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
    shown = Shown(view, list(columns), stored, ("customer_id",))
    firsts = session.rows(
        f"""select customer_id from (
            select customer_id, row_number() over (order by customer_id) as place
            from {next(iter(shown.by_table))} where as_of = $as_of
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

        rows = _with_own_ids(by_customer(_shown(session, shown, told, given)))
        # by way of Arrow, texts never are Python objects, and each column is let go as soon as it is taken over
        yield rows.to_pandas(split_blocks=True, self_destruct=True)


@dataclass(frozen=True)
class Shown:
    """Columns of a view, the tables that hold those which it only shows, and the key by which rows are put together."""

    view: str
    names: Sequence[str]
    stored: Mapping[str, str]
    key: tuple[str, ...]

    @property
    def by_table(self) -> dict[str, list[str]]:
        """Table or view -> the columns to read there; the view at the end."""
        found: dict[str, list[str]] = {}
        for name in dict.fromkeys(self.names):
            if name not in self.key:
                found.setdefault(self.stored.get(name, self.view), []).append(name)
        last = found.pop(self.view, [])
        return {**found, self.view: last} if last or not found else found


def _shown(
    session: Session, shown: Shown, told: Callable[[str, str], str], given: Mapping[str, Any] | None = None
) -> Any:
    """The key and the columns of the rows that `told` selects of a table, given its name and columns, in their order.

    Each table is read by itself: joined by DuckDB whole rows would be carried, at three times the cost. Where the
    tables have not the same customers, joining is what the view is for.
    """
    wanted = dict.fromkeys([*shown.key, *shown.names])
    found: dict[str, Any] = {}
    for of, names in shown.by_table.items():
        rows: Any = session.table(told(of, _quoted([*shown.key, *names])), given)
        if found and not _are_same(rows, found, shown.key):  # joins leave rows in any order
            rows = rows.sort_by([(name, "ascending") for name in shown.key])
            if not _are_same(rows, found, shown.key):
                return session.table(told(shown.view, _quoted(wanted)), given)
        found = {name: rows.column(name) for name in rows.column_names} | found
    return pa.table({name: found[name] for name in wanted})


def _are_same(rows: Any, found: Mapping[str, Any], key: Iterable[str]) -> bool:
    """Whether the rows have the keys that were found before; a day may come as a moment."""
    return all(rows.column(name).cast(found[name].type).equals(found[name]) for name in key)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


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

    shown = Shown(f"features.{analysis}", list(columns), stored or {}, ("customer_id",))
    found = framed(_shown(session, shown, told, {"as_of": as_of}))
    session.connection.unregister("wanted")
    return found
