"""Columns of views over feature tables, read from the tables that hold them, each by itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.plain_views import plain_view, without_joins
from custana_pipeline.stores.session import Session


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


def rows_shown(
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
