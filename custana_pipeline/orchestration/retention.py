"""What the warehouse keeps of past days; the published versions are kept on their own terms."""

import datetime as dt

from custana_pipeline.orchestration.backtest_tables import TABLE as BACKTESTS
from custana_pipeline.orchestration.champions import HOLDOUTS
from custana_pipeline.orchestration.drift_tables import NOTES as DRIFT_NOTES
from custana_pipeline.orchestration.drift_tables import TABLE as DRIFT
from custana_pipeline.orchestration.importance_tables import TABLE as IMPORTANCE
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session

EVIDENCE = (BACKTESTS, DRIFT, DRIFT_NOTES, IMPORTANCE)


def forget_old_days(session: Session, project: Project) -> int:
    """Deletes features and lists that only older days used, and returns how many days' rows are gone.

    The `warehouse_days` as_of days that were run last stay, with every origin that they learn from.
    """
    # rows are numbered as they are written, so the highest number of a day tells when it was run last
    # a day before the first purchase was run on another input; nothing of it can be used any more
    query = """select as_of from models.champions
        where as_of > (select min(ordered_date) from cleaned.numbered_transactions where not is_return)
        group by as_of order by max(rowid) desc"""
    kept = [row[0] for row in session.rows(query)]
    kept = kept[: project.settings.warehouse_days]
    known = [project.origins(session, day) for day in kept]
    origins = sorted({origin for each in known for origin in (*each.snapshots, *each.level_days)})
    gone = 0
    for table in _tables_by_day(session, "features"):
        gone += _forget(session, table, origins)
    evidence = [table for table in EVIDENCE if session.exists(table)]
    for table in (*_tables_by_day(session, "applications"), HOLDOUTS, *evidence):
        gone += _forget(session, table, kept)
    return gone


def _tables_by_day(session: Session, schema: str) -> list[str]:
    query = """select table_name from information_schema.columns
        semi join (select * from information_schema.tables where table_type = 'BASE TABLE') as stored
            using (table_schema, table_name)
        where table_schema = $schema and column_name = 'as_of' order by table_name"""
    return [f"{schema}.{name}" for (name,) in session.rows(query, {"schema": schema})]


def _forget(session: Session, table: str, days: list[dt.date]) -> int:
    if not days:
        return 0
    listed = ", ".join(f"date '{day}'" for day in days)
    old = f"as_of not in ({listed})"
    count = int(session.rows(f"select count(distinct as_of) from {table} where {old}")[0][0])
    if count:
        session.connection.execute(f"delete from {table} where {old}")
    return count
