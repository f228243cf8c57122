"""The SQL models: one SELECT a file, read as text, understood as a tree.

A model's name is its folder and file (`features/activity.sql` is `features.activity`). The tree tells which tables and
parameters it needs, what columns it yields and where each column comes from, so that no list of these is kept by hand.
"""

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

from custana_pipeline.errors import WrongUse, shown
from custana_pipeline.raw.plain_files import read_text
from custana_pipeline.stores.canonical_text import PLAIN_NUMBERS, NumberMarks, shown_as
from custana_pipeline.stores.settings_rules import IDENTIFIER
from custana_pipeline.stores.sql_safety import LONGEST_TEXT, why_unsafe
from custana_pipeline.stores.sql_text import identifier

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # what it does not know is refused here, and told once
DIALECT = "duckdb"
STAGES = ("cleaned", "features", "applications")
SOURCE_COLUMNS = ("source_file", "source_hash", "source_line")
CANONICAL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "transactions": (
        *SOURCE_COLUMNS,
        *("order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price", "amount"),
        *("set_aside_reason", "line_text"),
    ),
    "customers": (
        *SOURCE_COLUMNS,
        *("customer_id", "birth_year", "age", "gender", "location", "signed_up_at", "line_text"),
    ),
    "products": (*SOURCE_COLUMNS, "product_id", "name", "category", "line_text"),
    "events": (*SOURCE_COLUMNS, "customer_id", "product_id", "event_type", "happened_at", "line_text"),
}


@dataclass(frozen=True)
class SqlModel:
    """One SELECT with its place in the warehouse, as read from its file."""

    name: str
    path: Path
    text: str
    tree: exp.Query

    @property
    def stage(self) -> str:
        """The schema of the table that this model fills."""
        return self.name.split(".")[0]

    @property
    def table(self) -> str:
        """The table's name without its schema."""
        return self.name.split(".")[1]

    @cached_property
    def row_meaning(self) -> str:
        """What one row is: the first comment line of the file."""
        return _comment(self.text, 0)

    @cached_property
    def grain(self) -> tuple[str, ...]:
        """The columns that identify a row: the `-- grain:` line of the file."""
        found = re.search(r"^--\s*grain:\s*(.+)$", self.text, flags=re.MULTILINE)
        return tuple(part.strip() for part in found.group(1).split(",")) if found else ()

    @cached_property
    def is_view(self) -> bool:
        """Whether its rows are read through and not stored: a `-- view: why` line of the file says so."""
        return re.search(r"^--\s*view:", self.text, flags=re.MULTILINE) is not None

    @cached_property
    def is_signed(self) -> bool:
        """Whether it can judge the lines of new files alone: a `-- increment: <code version>` line vouches for it.

        Whoever changes the SELECT signs it again, or the table is built anew each time.
        """
        return re.search(rf"^--\s*increment:\s*{self.code_version}\b", self.text, flags=re.MULTILINE) is not None

    @cached_property
    def reads(self) -> frozenset[str]:
        """The stored tables that the SELECT reads, schema-qualified."""
        return frozenset(f"{table.db}.{table.name}" for table in self.tree.find_all(exp.Table) if table.db)

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The names of its `$parameters`."""
        return frozenset(parameter.name for parameter in self.tree.find_all(exp.Parameter, exp.Placeholder))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns it yields, in order."""
        return tuple(self.tree.named_selects)

    @cached_property
    def code_version(self) -> str:
        """A hash of the tree without comments or layout: it changes when the meaning may have."""
        return hashlib.sha256(self.tree.sql(dialect=DIALECT, comments=False).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class SqlModels:
    """All models of a project for one source pack."""

    by_name: Mapping[str, SqlModel]
    sources: Mapping[str, SqlModel]

    @classmethod
    def read(cls, folder: Path, pack: str) -> "SqlModels":
        """Reads every model below `folder` and the source SELECTs of `pack`.

        Raises WrongUse where a file is no single SELECT or the pack has no transactions.sql.
        """
        models = {model.name: model for stage in STAGES for model in _read_folder(folder / stage, stage)}
        sources = {model.name: model for model in _read_folder(folder / "sources" / pack, "sources")}
        refuse_unsafe([*models.values(), *sources.values()])
        if "sources.transactions" not in sources:
            raise WrongUse(
                f"The source pack '{pack}' has no dbt_like_sql/sources/{pack}/transactions.sql: "
                "write the SELECT that turns its raw tables into transactions (CONTRIBUTING.md, 'How to add a source')."
            )
        _refuse_unknown_sources(sources, pack)
        return cls(by_name=models, sources=sources)

    def __getitem__(self, name: str) -> SqlModel:
        """The model that fills the table `name`."""
        if name not in self.by_name:
            raise WrongUse(f"There is no SQL model dbt_like_sql/{name.replace('.', '/')}.sql.")
        return self.by_name[name]

    def stage(self, stage: str) -> list[SqlModel]:
        """The models of one stage, each after those it reads."""
        members = {name: model for name, model in self.by_name.items() if model.stage == stage}
        return [members[name] for name in _in_order({name: model.reads for name, model in members.items()})]

    def absent_tables(self) -> tuple[str, ...]:
        """Canonical tables that the pack has no SELECT for."""
        return tuple(table for table in CANONICAL_COLUMNS if f"sources.{table}" not in self.sources)

    def raw_tables(self, table: str) -> frozenset[str]:
        """The raw tables behind one canonical table."""
        source = self.sources.get(f"sources.{table}")
        return frozenset() if source is None else frozenset(name for name in source.reads if name.startswith("raw."))

    def source_view(
        self, table: str, raw_columns: Mapping[str, Sequence[str]], numbers: NumberMarks = PLAIN_NUMBERS
    ) -> str:
        """The SELECT of the view `sources.<table>`: the pack's own with the canonical columns that it lacks.

        Lines keep their origin and whole text: where the pack leaves these out and reads one raw table row by row,
        they are added; `raw_columns` maps each raw table to its columns. Everything else that is lacking is null.
        """
        source = self.sources.get(f"sources.{table}")
        if source is None:
            return f"select {', '.join(_absent(name) for name in CANONICAL_COLUMNS[table])} where false"
        tree = _with_line_columns(source, raw_columns)
        text = source.text if tree is source.tree else tree.sql(dialect=DIALECT, comments=False)
        given = tree.named_selects
        shown = [shown_as(name, numbers) if name in given else _absent(name) for name in CANONICAL_COLUMNS[table]]
        return f"select {', '.join(shown)} from ({text}\n) as pack_rows"

    def has_column(self, table: str, column: str) -> bool:
        """Whether the pack yields `column` for the canonical `table`."""
        source = self.sources.get(f"sources.{table}")
        return source is not None and column in source.columns


def _with_line_columns(source: SqlModel, raw_columns: Mapping[str, Sequence[str]]) -> exp.Query:
    """The pack's SELECT with source_file, source_hash, source_line and line_text, where they can be added."""
    lacking = [name for name in (*SOURCE_COLUMNS, "line_text") if name not in source.columns]
    origin = source.tree.args.get("from_") if isinstance(source.tree, exp.Select) else None
    first = origin.this if origin is not None and isinstance(origin.this, exp.Table) else exp.Table()
    name = f"{first.db}.{first.name}"
    if not lacking:
        return source.tree
    if name not in raw_columns or source.tree.args.get("group") or source.tree.args.get("distinct"):
        raise WrongUse(
            f"{_shown(source.path)} yields no {', '.join(lacking)}: select them from the raw table, since custana can "
            "add them by itself only where the SELECT takes its rows straight from one (from raw.<set>)."
        )
    rows = identifier(first.alias_or_name)
    fields = ", ".join(f"'{column}': {rows}.{column}" for column in raw_columns[name])
    added = {column: f"{rows}.{column}" for column in SOURCE_COLUMNS} | {"line_text": f"{{{fields}}}"}
    tree = source.tree.copy()
    for column in lacking:
        tree = tree.select(f"{added[column]} as {column}", dialect=DIALECT)  # type: ignore[attr-defined]
    return tree


def _absent(column: str) -> str:
    return f"cast(null as {'bigint' if column == 'source_line' else 'varchar'}) as {column}"


def column_origins(model: SqlModel, known_columns: Mapping[str, Mapping[str, str]]) -> dict[str, set[tuple[str, str]]]:
    """For each column of `model`, the (table, column) pairs of stored tables that it is computed from.

    `known_columns` maps schema-qualified tables to their columns and types; unknown tables give no origin.
    """
    schema: dict[str, dict[str, Mapping[str, str]]] = {}
    for name, columns in known_columns.items():
        stage, table = name.split(".")
        schema.setdefault(stage, {})[table] = columns
    try:
        # one walk for all columns: a call for each of them takes seconds on the wide models
        nodes = lineage(None, model.tree, schema=dict(schema), dialect=DIALECT, trim_selects=False)
    except SqlglotError:
        return {}
    return {column: _leaves(nodes[column]) for column in model.columns if column in nodes}


def _leaves(node: Node) -> set[tuple[str, str]]:
    return {
        (f"{leaf.expression.db}.{leaf.expression.name}", leaf.name.split(".")[-1].strip('"'))
        for leaf in node.walk()
        if isinstance(leaf.expression, exp.Table) and leaf.expression.db
    }


def _read_folder(folder: Path, stage: str) -> Iterator[SqlModel]:
    for path in sorted(folder.glob("*.sql")):
        if not IDENTIFIER.fullmatch(path.stem):
            raise WrongUse(
                f"{_shown(path)}: a model's file is named by lower-case letters, digits and _, and begins with "
                "a letter: rename it."
            )
        yield _parsed(path, f"{stage}.{path.stem}")


def read_model(path: Path, name: str) -> SqlModel:
    """Reads one file as the model `name`; raises WrongUse where it is no single, safe SELECT."""
    model = _parsed(path, name)
    refuse_unsafe([model])
    return model


def refuse_unsafe(models: Sequence[SqlModel]) -> None:
    """Raises WrongUse for the first model that says more than a SELECT over stored tables."""
    for model, why in zip(models, why_unsafe(tuple(model.text for model in models)), strict=True):
        if why:
            raise WrongUse(f"{_shown(model.path)}: {why}.")


def _parsed(path: Path, name: str) -> SqlModel:
    """One file as sqlglot reads it; raises WrongUse, with the line, where it is no single SELECT."""
    text = read_text(path, LONGEST_TEXT).strip().removesuffix(";")
    try:
        trees = sqlglot.parse(text, read=DIALECT)
    except (SqlglotError, RecursionError) as error:
        problem = getattr(error, "errors", None) or [{}]
        where = f" line {problem[0]['line']}" if problem[0].get("line") else ""
        raise WrongUse(f"{_shown(path)}{where}: this is not SQL that custana can read: check the SELECT.") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise WrongUse(f"{_shown(path)}: a model is exactly one SELECT, and nothing else.")
    return SqlModel(name=name, path=path, text=text, tree=trees[0])


def _refuse_unknown_sources(sources: Mapping[str, SqlModel], pack: str) -> None:
    for name, model in sources.items():
        table = name.split(".")[1]
        if table not in CANONICAL_COLUMNS:
            raise WrongUse(
                f"{_shown(model.path)}: a source pack yields {', '.join(CANONICAL_COLUMNS)}, and not {table}: "
                f"rename the file in dbt_like_sql/sources/{pack}."
            )
        unknown = [column for column in model.columns if column not in CANONICAL_COLUMNS[table]]
        if unknown:
            raise WrongUse(
                f"{_shown(model.path)}: unknown column {', '.join(unknown)}; {table} has "
                f"{', '.join(CANONICAL_COLUMNS[table])}."
            )


def _in_order(reads: Mapping[str, frozenset[str]]) -> list[str]:
    ordered: list[str] = []
    waiting = dict(sorted(reads.items()))
    while waiting:
        ready = [name for name, needs in waiting.items() if not (needs & waiting.keys()) - {name}]
        if not ready:
            raise WrongUse(f"The SQL models {', '.join(waiting)} read each other in a circle.")
        ordered += ready
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
    return ordered


def _comment(text: str, index: int) -> str:
    lines = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    return lines[index] if len(lines) > index else ""


def _shown(path: Path) -> str:
    return shown("/".join(path.parts[-4:] if "sources" in path.parts else path.parts[-3:]), 200)
