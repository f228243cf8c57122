"""Source lines as tests write them, and what the cleaned models make of them on a real DuckDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custana_pipeline.orchestration.id_numbers import number_ids
from custana_pipeline.orchestration.shared_hashes import SHARED_TABLE, find_shared
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import CANONICAL_COLUMNS, SqlModels
from custana_pipeline.stores.warehouse import Warehouse

Line = Mapping[str, Any]
TYPICAL: Mapping[str, Line] = {
    "transactions": {
        "order_id": "o1",
        "customer_id": "c1",
        "product_id": "p1",
        "ordered_at": "2024-01-05 10:00:00",
        "quantity": "2",
        "unit_price": "1.50",
    },
    "customers": {"customer_id": "c1"},
    "products": {"product_id": "p1"},
    "events": {"customer_id": "c1", "event_type": "view", "happened_at": "2024-01-05 09:00:00"},
}
PARAMETERS: Mapping[str, Any] = {
    "timestamp_format": "%Y-%m-%d %H:%M:%S",
    "date_format": "%Y-%m-%d",
    "keep_identical_lines": False,
    "raw_sets": list(TYPICAL),
    "fed_tables": list(TYPICAL),
}


@dataclass(frozen=True)
class Cleaner:
    """Cleans the given source lines with the project's models."""

    warehouse: Warehouse
    models: SqlModels

    def __call__(self, parameters: Mapping[str, Any] | None = None, **tables: Sequence[Line]) -> "Cleaner":
        """Replace all source lines by those given for each table, and build the cleaned tables."""
        with self.warehouse.transaction() as session:
            malformed = "raw_set varchar, source_file varchar, source_line bigint, reason varchar"
            session.connection.execute(f"create table if not exists raw.malformed_lines ({malformed})")
            for table in CANONICAL_COLUMNS:
                _fill(session, table, tables.get(table, ()))
                number_ids(session, table)
            for model in self.models.stage("cleaned"):
                if SHARED_TABLE in model.reads:
                    find_shared(session, model.table.removesuffix("_lines"))
                session.build(model, {**PARAMETERS, **(parameters or {})})
        return self

    def rows(self, query: str) -> list[tuple]:
        """The rows of a query on what was built."""
        with self.warehouse.reading() as session:
            return session.rows(query)

    def verdicts(self, table: str) -> list[tuple]:
        """(status, reason) of each line of a table, in the order given."""
        return self.rows(f"select status, reason from cleaned.{table}_lines order by source_line")


def _fill(session: Session, table: str, lines: Sequence[Line]) -> None:
    """Each line is the typical one with its changes; equal changes make exact duplicates."""
    columns = CANONICAL_COLUMNS[table]
    types = [f"{name} {'bigint' if name == 'source_line' else 'varchar'}" for name in columns]
    session.connection.execute(f"create or replace table sources.{table} ({', '.join(types)})")
    for number, changes in enumerate(lines, start=1):
        content = {**TYPICAL[table], **changes}
        text = repr(sorted(content.items(), key=str))
        origin = {"source_file": "f.csv", "source_hash": "0", "source_line": number, "line_text": text}
        values = [(origin | content).get(name) for name in columns]
        session.connection.execute(f"insert into sources.{table} values ({', '.join('?' * len(values))})", values)
