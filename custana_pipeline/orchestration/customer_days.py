"""The days of customers (features.purchase_days, browsing_days), made anew only for those whose lines have changed.

A customer's days hang on their own lines and on nothing else, so those of everybody else stay. The result, and the
order of its rows, is that of making the whole table. The whole is made where the model is not signed for this or has
changed, lines were cleaned anew, files are gone, many customers have changed, or the days do not hold all lines.
"""

import hashlib
import logging

import duckdb

from custana_pipeline.orchestration.increments import BUILT_TABLE as CLEANED_OF
from custana_pipeline.orchestration.increments import whole_builds
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel
from custana_pipeline.stores.sql_text import literal

LINES = {"purchase_days": "transactions", "browsing_days": "events"}
COUNTED = {"purchase_days": "line_count + return_count", "browsing_days": "event_count"}
BUILT_TABLE = "features.built_of"
MOST_CHANGED_SHARE = 0.3
"""With a larger share of customers changed than this the whole table is made anew, which is as quick then."""
_CHANGED = "changed_customers"
_COLUMNS = "table_name varchar, rules varchar, whole_builds bigint, files varchar[]"
_log = logging.getLogger("custana")


def build_customer_days(session: Session, project: Project, model: SqlModel) -> None:
    """Brings the model's table to what its SELECT yields now, and notes what it was made of."""
    session.connection.execute(f"create table if not exists {BUILT_TABLE} ({_COLUMNS})")
    if not _replace_changed(session, project, model):
        session.build(model)
    _note(session, project, model)


def _replace_changed(session: Session, project: Project, model: SqlModel) -> bool:
    """Whether the days of changed customers could be replaced, so that the table holds every line."""
    new = _new_files(session, project, model)
    if new is None:
        return False
    _find_changed(session, model, new)
    changed, customers = session.rows(
        f"select (select count(*) from {_CHANGED}), (select count(distinct customer_id) from {model.name})"
    )[0]
    if changed > MOST_CHANGED_SHARE * customers:
        return False
    if changed:
        _merge(session, project, model)
    if not _holds_all(session, model):
        _log.warning("%s with its changed customers does not hold all lines: it is made anew.", model.name)
        return False
    return True


def _new_files(session: Session, project: Project, model: SqlModel) -> list[str] | None:
    """The files whose lines came since the table was made, while all others stayed as they were; else None."""
    noted = session.rows(
        f"select rules, whole_builds, files from {BUILT_TABLE} where table_name = $t", {"t": model.table}
    )
    is_there = session.columns(model.name) == model.columns
    if not noted or not model.is_signed or not is_there:
        return None
    rules, builds, files = noted[0]
    now = _files(session, model)
    is_same = rules == _rules(project, model) and builds == whole_builds(session, LINES[model.table])
    if not is_same or not set(files) <= set(now):
        return None
    return sorted({file.split("\n")[1] for file in set(now) - set(files)})


def _find_changed(session: Session, model: SqlModel, new_files: list[str]) -> None:
    """Puts the customers with lines in the new files, or whose old lines are kept only now, into a table."""
    lines = f"cleaned.{LINES[model.table]}"
    listed = ", ".join(map(literal, new_files)) or "null"
    session.connection.execute(
        f"""create or replace temp table {_CHANGED} as
        select customer_id from {lines} where source_file in ({listed})
        union
        select customer_id from (select customer_id from {lines} group by customer_id) as kept
        anti join {model.name} using (customer_id)"""
    )


def _merge(session: Session, project: Project, model: SqlModel) -> None:
    """Replaces the days of the changed customers by what the model makes of their lines, which stand for all."""
    lines = f"cleaned.{LINES[model.table]}"
    run = session.connection.execute
    run(f"create or replace temp table changed_lines as select * from {lines} semi join {_CHANGED} using (customer_id)")
    run(f"create or replace view {lines} as select * from changed_lines")
    session.build_temporary(model, "changed_days", {})
    session.build(project.models[lines])
    run(
        f"""create or replace table {model.name} as
        select * from {model.name} anti join {_CHANGED} using (customer_id)
        union all select * from changed_days order by {", ".join(model.grain)}"""
    )
    for table in ("changed_lines", "changed_days"):
        run(f"drop table {table}")


def _holds_all(session: Session, model: SqlModel) -> bool:
    """Whether the table's days hold as many lines as were kept."""
    query = f"""select (select count(*) from cleaned.{LINES[model.table]}),
        (select coalesce(sum({COUNTED[model.table]}), 0) from {model.name})"""
    kept, held = session.rows(query)[0]
    return kept == held


def _note(session: Session, project: Project, model: SqlModel) -> None:
    session.rows(f"delete from {BUILT_TABLE} where table_name = $table", {"table": model.table})
    given = [model.table, _rules(project, model), whole_builds(session, LINES[model.table]), _files(session, model)]
    session.connection.execute(f"insert into {BUILT_TABLE} values (?, ?, ?, ?)", given)


def _rules(project: Project, model: SqlModel) -> str:
    """A hash of all that decides what becomes of a customer's lines."""
    kept = project.models[f"cleaned.{LINES[model.table]}"]
    return hashlib.sha256(repr((model.code_version, kept.code_version, duckdb.__version__)).encode()).hexdigest()


def _files(session: Session, model: SqlModel) -> list[str]:
    """The files that the cleaned lines are of, each with all that tells its lines from others."""
    if not session.exists(CLEANED_OF):
        return []
    found = session.rows(f"select files from {CLEANED_OF} where table_name = $table", {"table": LINES[model.table]})
    return list(found[0][0]) if found else []
