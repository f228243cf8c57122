"""The lines that could not be used as they are: where they stand, why, and how they look, for whoever mends them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from custana_pipeline.errors import CustanaError, WrongUse
from custana_pipeline.orchestration.audits import CONTRACTS
from custana_pipeline.orchestration.id_numbers import build_lines
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.canonical_text import NumberMarks
from custana_pipeline.stores.landing_sql import prepare
from custana_pipeline.stores.replays import LineKey
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.source_files import shape_of
from custana_pipeline.stores.sql_text import literal

REASON_COLUMNS = {
    "unparsable_date": "ordered_at",
    "date_out_of_range": "ordered_at",
    "unparsable_quantity": "quantity",
    "missing_quantity": "quantity",
    "zero_quantity": "quantity",
    "unparsable_price": "unit_price",
    "negative_price": "unit_price",
    "unparsable_amount": "amount",
    "missing_amount": "amount",
    "missing_event_type": "event_type",
}
"""Reason -> the column that is at fault, where it is one; of events the day is happened_at."""


@dataclass(frozen=True)
class QuarantinedLine:
    """A rejected or malformed line, without its content."""

    key: LineKey
    raw_set: str
    table: str
    reason: str
    amount: Decimal | None

    @property
    def column(self) -> str:
        """The column at fault; empty where it is the line."""
        found = REASON_COLUMNS.get(self.reason, "")
        return "happened_at" if self.table == "events" and found == "ordered_at" else found


class _Discarded(CustanaError):
    """Ends a transaction that was for looking only."""


@contextmanager
def judged_lines(project: Project) -> Iterator[Session]:
    """A session in which all landed lines are judged as they are now; what is built for that is gone with the block.

    The tables of the last run may be older: a run that was stopped for its rejected lines has left yesterday's.
    """
    try:
        with project.warehouse.transaction() as session:
            session.prepare()
            if not session.exists("raw.files"):
                raise WrongUse("Nothing has been landed yet, so nothing is in quarantine: run `custana run` first.")
            prepare_sets(session, project)
            numbers = NumberMarks(project.settings.pack.decimal_mark, project.settings.pack.thousands_mark)
            for table in CONTRACTS:
                session.create_source_views(project.models, project.raw_columns, [table], numbers)
                build_lines(session, project, table)
            yield session
            raise _Discarded
    except _Discarded:
        return


def prepare_sets(session: Session, project: Project) -> None:
    """Makes the raw tables of sets of which nothing has been landed yet, as where a file of theirs was refused."""
    for name in project.settings.pack.raw:
        if not session.exists(f"raw.{name}"):
            prepare(session.connection, shape_of(project.settings, name))


def quarantined_lines(session: Session, project: Project) -> list[QuarantinedLine]:
    """Every rejected and malformed line, by table, file and line; within `judged_lines`."""
    parts, readers = [], {}
    for table in CONTRACTS:
        sets = [name.split(".")[1] for name in sorted(project.models.raw_tables(table))]
        readers |= {name: table for name in sets if name not in readers}
        columns = session.columns(f"cleaned.{table}_lines")
        amount = "lines.amount" if "amount" in columns else "null"
        own = "and not lines.is_derived" if "is_derived" in columns else ""
        parts += [
            f"""select '{name}', '{table}', lines.source_file, files.source_hash, lines.source_line, lines.reason,
                cast({amount} as decimal(18, 2))
            from cleaned.{table}_lines as lines
            inner join raw.files as files on lines.source_file = files.source_file and files.raw_set = '{name}'
            where lines.status = 'rejected' {own}"""
            for name in sets
        ]
    malformed = "select raw_set, raw_set, source_file, source_hash, source_line, reason, null from raw.malformed_lines"
    rows = session.rows(" union all ".join([*parts, malformed]) + " order by 2, 1, 3, 5, 6")
    return [
        QuarantinedLine(LineKey(file, content, line), raw_set, readers.get(table, table), reason, amount)
        for raw_set, table, file, content, line, reason, amount in rows
    ]


def texts_of(session: Session, raw_set: str, columns: list[str]) -> dict[LineKey, list[str | None]]:
    """Line -> the raw columns of a rejected record, and at the end the text of a malformed line."""
    shown = ", ".join(columns)
    empty = ", ".join("null" for _ in columns)
    rejected = " union ".join(
        f"select source_file, source_line from cleaned.{table}_lines where status = 'rejected'" for table in CONTRACTS
    )
    rows = session.rows(
        f"""select source_file, source_hash, source_line, {shown}, null from raw.{raw_set}
            where (source_file, source_line) in (select (source_file, source_line) from ({rejected}))
        union all
        select source_file, source_hash, source_line, {empty}, raw_line from raw.malformed_lines
            where raw_set = {literal(raw_set)}"""
    )
    return {LineKey(*row[:3]): list(row[3:]) for row in rows}
