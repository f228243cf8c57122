"""Ids that are plain ASCII in all rows, as the statistics of their tables tell: they need no other spelling.

A `case` in a view is told of each row, where DuckDB looks at each different text once if a column is only trimmed.
"""

from typing import Any

import duckdb
from sqlglot import exp

from custana_pipeline.stores.canonical_text import ID_COLUMNS, PLAIN_NUMBERS, shown_as

_LOOKS_FURTHER = (exp.AggFunc, exp.Distinct, exp.Group, exp.Join, exp.Order, exp.SetOperation, exp.Window, exp.With)


def with_plain_ids(connection: duckdb.DuckDBPyConnection, view: str, pack: exp.Query | None) -> str:
    """The SELECT of a source view with the ids as they are written wherever they are plain ASCII; else as it is.

    `pack` is the pack's own SELECT: only one that yields its rows one by one is asked, since others would be run.
    """
    shown = {name: shown_as(name, PLAIN_NUMBERS) for name in ID_COLUMNS}
    ids = [name for name in ID_COLUMNS if shown[name] in view]
    if not ids or pack is None or pack.find(*_LOOKS_FURTHER):
        return view
    query = f"select {', '.join(f'stats({name})' for name in ids)} from ({_written(view, shown, ids)}) limit 1"
    for name, told in zip(ids, connection.execute(query).fetchone() or (), strict=False):
        if _is_plain(told):
            view = _written(view, shown, [name])
    return view


def _written(view: str, shown: dict[str, str], names: list[str]) -> str:
    for name in names:
        view = view.replace(shown[name], name)
    return view


def _is_plain(told: Any) -> bool:
    """Whether DuckDB's statistics of a column know of no text beyond ASCII, on which it relies itself."""
    return isinstance(told, dict) and told.get("has_unicode") is False
