"""SQL models as Dagster assets: dependencies, descriptions and column lineage come from the SQL itself."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel, column_origins

TABLE_STAGES = ("raw", "cleaned", "features", "models", "applications")


def asset_key(table: str) -> dg.AssetKey:
    """The asset of a stored table: its schema and name.

    >>> asset_key("cleaned.transactions").to_user_string()
    'cleaned/transactions'
    """
    return dg.AssetKey(table.split("."))


def upstream_assets(project: Project, tables: Iterable[str], aliases: Mapping[str, str]) -> list[dg.AssetKey]:
    """The assets behind `tables`: sources stand for their raw tables, tables without an asset for their owner's.

    `aliases` maps a table to the table whose asset builds it.
    """
    found: set[str] = set()
    for table in tables:
        if table.startswith("sources."):
            found |= project.models.raw_tables(table.split(".")[1])
        else:
            found.add(aliases.get(table, table))
    return [asset_key(table) for table in sorted(found) if table.split(".")[0] in TABLE_STAGES]


def told_with_sql(meaning: str, *models: SqlModel) -> str:
    """A description for the UI: the meaning as a sentence, then the SELECTs that build the table, to be read there."""
    sentence = meaning[:1].upper() + meaning[1:].rstrip(".") + "."
    shown = (f"`dbt_like_sql/{each.stage}/{each.table}.sql`\n\n```sql\n{each.text.strip()}\n```" for each in models)
    return "\n\n".join([sentence, *shown])


def table_metadata(
    session: Session, table: str, descriptions: Mapping[str, str] | None = None, counted: str | None = None
) -> dict[str, Any]:
    """What the UI shows of a built table: its name, rows and columns with their types and meaning.

    `counted` is a table with as many rows, where that is cheaper to count.
    """
    told = descriptions or {}
    columns = [
        dg.TableColumn(name, kind.lower(), description=told.get(name))
        for name, kind in session.column_types(table).items()
    ]
    return {
        "dagster/table_name": table,
        "dagster/row_count": session.count(counted or table),
        "dagster/column_schema": dg.TableSchema(columns),
    }


def lineage_metadata(session: Session, model: SqlModel, owners: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Where each column of the model's table comes from, down to stored tables that are assets.

    It is there twice: as Dagster's own lineage, which the open-source page does not draw, and as a table to read.
    `owners` maps a table to the table whose asset builds it.
    """
    known = {table: session.column_types(table) for table in model.reads if not table.startswith("sources.")}
    told = owners or {}
    deps = {
        column: [
            dg.TableColumnDep(asset_key=asset_key(table), column_name=name)
            for table, name in sorted({(told.get(table, table), name) for table, name in origins})
        ]
        for column, origins in column_origins(model, known).items()
    }
    found = {column: origins for column, origins in deps.items() if origins}
    return {"dagster/column_lineage": dg.TableColumnLineage(found), "column_origins": _origin_table(found)}


def _origin_table(origins: Mapping[str, Sequence[dg.TableColumnDep]]) -> dg.MarkdownMetadataValue:
    rows = [
        f"| {column} | {', '.join('.'.join([*dep.asset_key.path, dep.column_name]) for dep in deps)} |"
        for column, deps in origins.items()
    ]
    return dg.MetadataValue.md("\n".join(["| column | comes from |", "|---|---|", *rows]))


def described_columns(contract: Any) -> dict[str, str]:
    """The meaning of each column as its pandera contract states it; a nullable one says so."""
    schema = contract.to_schema()
    return {name: column.description or "" for name, column in schema.columns.items()}
