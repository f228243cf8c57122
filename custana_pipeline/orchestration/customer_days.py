"""The days of customers (features.purchase_days, browsing_days), made anew only for those whose lines have changed.

A customer's days hang on their own lines and on nothing else, so those of everybody else stay. The rows are those of
making the whole table; the days made anew stand behind the others, until so many do that the table is put in order
again. The whole is made where the model is not signed for this or has changed, lines were cleaned anew, files are gone,
many days are of changed customers, or the days do not hold all lines.
"""

import hashlib
import logging
import math
import re

import duckdb
from sqlglot import exp

from custana_pipeline.orchestration.id_numbers import by_number
from custana_pipeline.orchestration.increments import BUILT_TABLE as CLEANED_OF
from custana_pipeline.orchestration.increments import whole_builds
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel
from custana_pipeline.stores.sql_text import literal

LINES = {"purchase_days": "transactions", "browsing_days": "events"}
"""Table of days -> the cleaned table whose lines it is made of, which it reads by numbers."""
COUNTED = {"purchase_days": "line_count + return_count", "browsing_days": "event_count"}
SIDE_BY_SIDE = {"browsing_days"}
"""Tables whose SELECT puts all rows in order and looks at them one after the other, which a single thread does."""
BYTES_A_LINE = {"purchase_days": 120, "browsing_days": 28}
"""What it takes of memory to make the days of a line, measured at 100 million order lines."""
AT_ONCE_SHARE = 0.6
"""Of DuckDB's memory limit, what the days that are made at once may take; what is beyond the limit is spilled."""
BUILT_TABLE = "features.built_of"
MOST_CHANGED_SHARE = 0.3
"""With a larger share of days of changed customers than this the whole table is made anew, which is as quick then."""
MOST_BEHIND_SHARE = 0.2
"""With a larger share of days behind the others than this they are all put in order again."""
_CHANGED = "changed_customers"
_COLUMNS = "table_name varchar, rules varchar, whole_builds bigint, files varchar[], days_behind bigint"
_log = logging.getLogger("custana")


def build_customer_days(session: Session, project: Project, model: SqlModel) -> None:
    """Brings the model's table to what its SELECT yields now, and notes what it was made of."""
    session.connection.execute(f"create table if not exists {BUILT_TABLE} ({_COLUMNS})")
    # an earlier version had none
    session.connection.execute(f"alter table {BUILT_TABLE} add column if not exists days_behind bigint default 0")
    behind = _replace_changed(session, project, model)
    if behind is None:
        _build_whole(session, model)
    _note(session, project, model, behind or 0)


def _replace_changed(session: Session, project: Project, model: SqlModel) -> int | None:
    """Replaces the days of changed customers; how many days then stand behind the others, None where it cannot be."""
    new = _new_files(session, project, model)
    if new is None:
        return None
    _find_changed(session, model, new)
    changed, replaced, held = session.rows(
        f"""select (select count(*) from {_CHANGED}), (select count(*) from {model.name}
            semi join {_CHANGED} using (customer_number)), (select count(*) from {model.name})"""
    )[0]
    if replaced > MOST_CHANGED_SHARE * held:
        return None
    behind = _merge(session, project, model) if changed else _days_behind(session, model)
    kept, held = _kept_and_held(session, model)
    if kept != held:
        _log.warning("%s with its changed customers does not hold all lines: it is made anew.", model.name)
        return None
    return behind


def _build_whole(session: Session, model: SqlModel) -> None:
    """Makes the whole table; of a signed model stretch by stretch of customers, which takes memory for one of them."""
    if not model.is_signed:
        session.build(model)
        return
    lines = by_number(LINES[model.table])
    parts = session.threads if model.table in SIDE_BY_SIDE else 1
    stretches = _stretches(session, lines, BYTES_A_LINE[model.table])
    session.build_from(model, (_select_of(model, lines, stretch, parts) for stretch in stretches))


def _stretches(session: Session, lines: str, line_bytes: int) -> list[str]:
    """Conditions on a customer's number, by which all customers fall into stretches of about as many lines, in order.

    Each reads all lines once more, so there are no more of them than memory asks for.
    """
    count = math.ceil(session.count(lines) * line_bytes / (AT_ONCE_SHARE * session.memory_limit_bytes))
    if count < 2:
        return ["true"]
    shares = ", ".join(f"{place / count:.6f}" for place in range(1, count))
    query = f"select min(customer_number), approx_quantile(customer_number, [{shares}]) from {lines}"
    least, found = session.rows(query)[0]
    firsts = sorted({int(first) for first in found if int(first) > least})
    begins = ["true", *(f"customer_number >= {first}" for first in firsts)]
    ends = [*(f"customer_number < {first}" for first in firsts), "true"]
    return [f"{begin} and {end}" for begin, end in zip(begins, ends, strict=True)]


def _select_of(model: SqlModel, lines: str, stretch: str, parts: int) -> str:
    """The model's SELECT for a stretch of customers, as so many SELECTs that DuckDB's threads work on side by side."""
    remainders = [f"customer_number % {parts} = {part}" for part in range(parts)] if parts > 1 else ["true"]
    selects = [
        re.sub(rf"\b{re.escape(lines)}\b", f"(select * from {lines} where {stretch} and {remainder})", model.text)
        for remainder in remainders
    ]
    if len(selects) == 1:
        return selects[0]
    together = "\nunion all\n".join(f"select * from (\n{each}\n)" for each in selects)
    return f"select * from (\n{together}\n) order by {', '.join(model.grain)}"


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
    lines = by_number(LINES[model.table])
    of_new_files = f"from {lines} where source_file in ({', '.join(map(literal, new_files)) or 'null'})"
    found = f"select distinct customer_number {of_new_files}"
    session.connection.execute(f"create or replace temp table {_CHANGED} as {found}")
    kept, held = _kept_and_held(session, model)
    if kept != held + session.rows(f"select count(*) {of_new_files}")[0][0]:
        session.connection.execute(
            f"""insert into {_CHANGED}
            select customer_number from (select customer_number from {lines} group by customer_number) as kept
            anti join {model.name} using (customer_number) anti join {_CHANGED} using (customer_number)"""
        )


def _merge(session: Session, project: Project, model: SqlModel) -> int:
    """Replaces the days of the changed customers by what the model makes of their lines, which stand for all.

    Returns how many days then stand behind the others.
    """
    lines = by_number(LINES[model.table])
    run = session.connection.execute
    used = {column.name for column in model.tree.find_all(exp.Column)}
    listed = ", ".join(name for name in session.columns(lines) if name in used)
    run(
        f"""create or replace temp table changed_lines as
        select {listed} from {lines} semi join {_CHANGED} using (customer_number)"""
    )
    run(f"create or replace view {lines} as select * from changed_lines")
    session.build_temporary(model, "changed_days", {})
    session.build_view(project.models[lines])
    behind = _put_in_place(session, model)
    for table in ("changed_lines", "changed_days"):
        run(f"drop table {table}")
    return behind


def _put_in_place(session: Session, model: SqlModel) -> int:
    """Puts the days made anew behind those of the others, or, where too many would stand there, all of them in order.

    Rows out of order cost their readers nothing, but what was deleted keeps its room until the table is written anew.
    """
    ordered, run = f"order by {', '.join(model.grain)}", session.connection.execute
    made, held = session.rows(f"select (select count(*) from changed_days), (select count(*) from {model.name})")[0]
    behind = _days_behind(session, model) + int(made)
    if behind > MOST_BEHIND_SHARE * held:
        others = f"select * from {model.name} anti join {_CHANGED} using (customer_number)"
        run(f"create or replace table {model.name} as {others} union all select * from changed_days {ordered}")
        return 0
    run(f"delete from {model.name} where customer_number in (select customer_number from {_CHANGED})")
    run(f"insert into {model.name} select * from changed_days {ordered}")
    return behind


def _kept_and_held(session: Session, model: SqlModel) -> tuple[int, int]:
    """How many lines were kept, and how many the table's days hold."""
    query = f"""select (select count(*) from {by_number(LINES[model.table])}),
        (select coalesce(sum({COUNTED[model.table]}), 0) from {model.name})"""
    kept, held = session.rows(query)[0]
    return int(kept), int(held)


def _days_behind(session: Session, model: SqlModel) -> int:
    query = f"select coalesce(days_behind, 0) from {BUILT_TABLE} where table_name = $table"
    return int(session.rows(query, {"table": model.table})[0][0])


def _note(session: Session, project: Project, model: SqlModel, behind: int) -> None:
    session.rows(f"delete from {BUILT_TABLE} where table_name = $table", {"table": model.table})
    rules, builds = _rules(project, model), whole_builds(session, LINES[model.table])
    given = [model.table, rules, builds, _files(session, model), behind]
    session.connection.execute(f"insert into {BUILT_TABLE} values (?, ?, ?, ?, ?)", given)


def _rules(project: Project, model: SqlModel) -> str:
    """A hash of all that decides what becomes of a customer's lines."""
    kept = project.models[by_number(LINES[model.table])]
    return hashlib.sha256(repr((model.code_version, kept.code_version, duckdb.__version__)).encode()).hexdigest()


def _files(session: Session, model: SqlModel) -> list[str]:
    """The files that the cleaned lines are of, each with all that tells its lines from others."""
    if not session.exists(CLEANED_OF):
        return []
    found = session.rows(f"select files from {CLEANED_OF} where table_name = $table", {"table": LINES[model.table]})
    return list(found[0][0]) if found else []
