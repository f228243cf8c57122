"""Views that do nothing but show columns of stored tables side by side, told from their SELECT alone.

Such a view has one CTE a table, each the mere columns of that table, and a SELECT that joins all of them with the first
by the whole grain. What it shows of a table that is not left-joined is then, row by row, what is stored there under the
same key. Any other word in it, a condition say, makes it no plain view: nothing is concluded that the SQL does not say.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from custana_pipeline.stores.sql_models import DIALECT, SqlModel


@dataclass(frozen=True)
class PlainView:
    """What a plain view shows, and from where."""

    first: str
    """The table whose keys the others are joined with: no row has a key that is not there."""
    stored: Mapping[str, str]
    """Column -> the table that holds it under the same name; without those of left-joined tables and expressions."""
    joined: frozenset[str]
    """The tables that are not left-joined: where one of them has not the keys of the first, rows are left out."""


def plain_view(model: SqlModel) -> PlainView | None:
    """What the view shows and from where; None where its SELECT says anything more than that."""
    tree = model.tree
    if not model.is_view or not isinstance(tree, exp.Select):
        return None
    if not _says_only(tree, "with_", "from_", "expressions", "joins"):
        return None
    tables = _columns_by_name(tree)
    first = _named(tree.args["from_"].this)
    joins = tree.args.get("joins") or []
    if tables is None or first not in tables or not all(_is_by_key(join, first, model.grain) for join in joins):
        return None
    inner = {first, *(_named(join.this) for join in joins if not join.side)}
    shown = {
        each.name: tables[each.table][0]
        for each in tree.expressions
        if _is_column(each) and each.table in inner & tables.keys() and each.name in tables[each.table][1]
    }
    if not inner <= tables.keys() or not set(model.grain) <= {
        name for name in shown if shown[name] == tables[first][0]
    }:
        return None
    return PlainView(tables[first][0], shown, frozenset(tables[each][0] for each in inner))


def without_joins(model: SqlModel, names: Collection[str]) -> str:
    """The SELECT of a plain view for its grain and the columns `names`, with only the joins that these ask for.

    Its rows are those of the view where the tables that are not left-joined all have the same keys.
    """
    tree: Any = model.tree.copy()
    shown = [each for each in tree.expressions if each.alias_or_name in {*model.grain, *names}]
    asked = {column.table for each in shown for column in each.find_all(exp.Column)}
    tree.set("expressions", shown)
    tree.set("joins", [join for join in tree.args.get("joins") or [] if join.side or _named(join.this) in asked])
    return tree.sql(dialect=DIALECT)


def _columns_by_name(tree: exp.Select) -> dict[str, tuple[str, frozenset[str]]] | None:
    """CTE -> its stored table and the columns taken; None where one of them is more than that."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    wanted: Any = tree.args.get("with_")
    for part in wanted.expressions if wanted and _says_only(wanted, "expressions") else ():
        select: Any = part.this
        if not _says_only(part, "this", "alias") or not _says_only(part.args["alias"], "this"):
            return None
        if not isinstance(select, exp.Select) or not _says_only(select, "from_", "expressions"):
            return None
        table = select.args["from_"].this
        if not isinstance(table, exp.Table) or not _says_only(table, "this", "db"):
            return None
        if not table.db or not all(_is_column(each) and not each.table for each in select.expressions):
            return None
        found[part.alias] = (f"{table.db}.{table.name}", frozenset(each.name for each in select.expressions))
    return found


def _is_by_key(join: exp.Join, first: str, grain: tuple[str, ...]) -> bool:
    """Whether an inner or left join asks for equal keys and nothing else."""
    kind, on, name = (join.side, join.kind), join.args.get("on"), _named(join.this)
    if not _says_only(join, "this", "side", "kind", "on") or kind not in (("", "INNER"), ("", ""), ("LEFT", "")):
        return False
    asked = list(on.flatten()) if isinstance(on, exp.And) else [on]
    wanted = {frozenset([(first, key), (name, key)]) for key in grain}
    return bool(grain) and all(_is_equality(each) for each in asked) and {_sides(each) for each in asked} == wanted


def _is_equality(condition: Any) -> bool:
    return isinstance(condition, exp.EQ) and _is_column(condition.this) and _is_column(condition.expression)


def _sides(equality: Any) -> frozenset[tuple[str, str]]:
    return frozenset((each.table, each.name) for each in (equality.this, equality.expression))


def _is_column(node: Any) -> bool:
    return isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier) and _says_only(node, "this", "table")


def _named(node: Any) -> str:
    """The name that a FROM or JOIN calls a CTE by; nothing where it is anything else."""
    return node.name if isinstance(node, exp.Table) and _says_only(node, "this") else ""


def _says_only(node: Any, *parts: str) -> bool:
    return {name for name, value in node.args.items() if value} <= set(parts)
