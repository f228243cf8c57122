"""Samples of the customers of each day, to learn and to compare by: the same ones on every day, drawn by their ids."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.orchestration.customer_columns import Shown, rows_shown
from custana_pipeline.orchestration.customer_keys import CUSTOMERS
from custana_pipeline.stores.frames import framed
from custana_pipeline.stores.session import Session

LEARNED_CUSTOMERS = 8_000
"""Customers of each past day before the newest one that are learned from or judged on."""
TODAY_CUSTOMERS = 40_000
"""Customers of the day itself by whom levels, segments and drift are told."""
MOST_READ = 2
"""A day that has more customers than this many times what it may have is not read whole."""


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
    rows = _in_order(framed(rows_shown(session, Shown(table, names, stored or {}, ("as_of", "customer_id")), told)))
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
