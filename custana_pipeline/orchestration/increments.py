"""Cleaning of new files alone, where what was judged before stays as it is: the result is that of cleaning all anew.

    plan_of        what has to be judged of a table: all of it, the lines of new files, or nothing
    add_new_lines  judges the lines of the new files beside the old ones of the same text, and adds them
    note_built     keeps by which rules and of which files a table was built

A table is cleaned anew where its SQL, the source's SELECT or settings differ from those noted, a file is gone, changed
or mended, its model is not signed for this, or the pack's SELECT is more than the rows of one raw table.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files as files_of

import duckdb
from sqlglot import exp

from custana_pipeline.orchestration.id_numbers import number_ids, number_late
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.shared_hashes import drop_shared, find_shared, is_compared
from custana_pipeline.stores.canonical_text import NumberMarks
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SOURCE_COLUMNS, SqlModels
from custana_pipeline.stores.sql_text import literal

BUILT_TABLE = "cleaned.built_of"
ADDED_TABLE = "added_lines"
"""The temporary table of what was judged now: lines of new files, and old ones whose verdict has changed."""
WHOLE_TABLE = "cleaned.whole_builds"
"""A row for each time that a table was cleaned anew: between two of them its old lines keep their place and values."""
KNOWN_TABLE = "cleaned.known_customers"
"""The numbers of the customers that were known when the events were judged."""
KNOWN_NOW = "known_now"
_KNOWN = """select customer_number from cleaned.customers inner join cleaned.customer_numbers using (customer_id)
    union select customer_number from cleaned.numbered_transactions"""
MOMENTS = {"transactions": "ordered_at", "events": "happened_at"}
MOST_NEW_SHARE = 0.3
"""With a larger share of lines in new files than this, everything is cleaned anew, which is as quick then."""
_COLUMNS = "table_name varchar, rules varchar, files varchar[]"
_WHOLE = (exp.Join, exp.Window, exp.AggFunc, exp.Limit, exp.Offset, exp.Distinct, exp.Group, exp.With, exp.TableSample)
_OWN = {*SOURCE_COLUMNS, "line_text"}


@dataclass(frozen=True)
class Plan:
    """What is judged of a table: everything where `is_whole`, else the lines of `new_files`, which may be none."""

    rules: str
    files: tuple[str, ...]
    is_whole: bool
    new_files: tuple[str, ...] = ()

    @property
    def judged(self) -> str | None:
        """The relation of the lines judged now; None where it is the table itself."""
        return None if self.is_whole else ADDED_TABLE


def plan_of(session: Session, project: Project, table: str) -> Plan:
    """The plan for a cleaned table; its source view must be there."""
    rules, files = _rules(project, table), _files(session, project, table)
    whole = Plan(rules, tuple(sorted(files)), is_whole=True)
    session.connection.execute(f"create table if not exists {BUILT_TABLE} ({_COLUMNS})")
    noted = session.rows(f"select rules, files from {BUILT_TABLE} where table_name = $table", {"table": table})
    lines = project.models[f"cleaned.{table}_lines"]
    is_there = session.columns(lines.name) == lines.columns and session.exists(f"cleaned.{table}")
    if not noted or noted[0][0] != rules or not set(noted[0][1]) <= set(files) or not is_there:
        return whole
    new = set(files) - set(noted[0][1])
    # the customers that events need may be others, though the events are the same
    if not new and not _is_of_known_customers(project, table):
        return Plan(rules, whole.files, is_whole=False)
    total = sum(files.values())
    if not lines.is_signed or not _is_row_by_row(project.models, table):
        return whole
    if sum(files[file] for file in new) > MOST_NEW_SHARE * total:
        return whole
    # a copy of a file that is landed has no lines of its own
    with_lines = (file.split("\n")[1] for file in new if files[file])
    return Plan(rules, whole.files, is_whole=False, new_files=tuple(sorted(with_lines)))


def add_new_lines(session: Session, project: Project, table: str, plan: Plan) -> bool:
    """Judges and adds the lines of the plan's new files; False, with all as it was, where that cannot be done alone."""
    session.connection.execute(f"drop table if exists {ADDED_TABLE}")
    lines = f"cleaned.{table}_lines"
    if not plan.new_files and not _is_of_known_customers(project, table):
        session.connection.execute(f"create temp table {ADDED_TABLE} as select * from {lines} where false")
        return True
    within = f"source_file in ({', '.join(map(literal, plan.new_files)) or 'null'})"
    if table == "transactions" and not _gives_the_same_columns(session, within):
        return False
    if _is_of_known_customers(project, table) and not _customers_only_came(session):
        return False
    number_ids(session, table, within)
    if table == "events":
        number_late(session)
    _judge(session, project, table, within)
    if _changes_old_verdicts(session, lines, within):
        return False
    session.connection.execute(f"delete from {ADDED_TABLE} where not coalesce({within}, false)")
    if _is_of_known_customers(project, table):
        _take_in_known(session, lines)
    session.connection.execute(f"insert into {lines} by name select * from {ADDED_TABLE} where {within}")
    return True


def note_built(session: Session, table: str, plan: Plan) -> None:
    """Keeps what a table was built of, in place of what was kept before."""
    session.rows(f"delete from {BUILT_TABLE} where table_name = $table", {"table": table})
    session.connection.execute(f"insert into {BUILT_TABLE} values (?, ?, ?)", [table, plan.rules, list(plan.files)])
    session.connection.execute(f"create table if not exists {WHOLE_TABLE} (table_name varchar)")
    if plan.is_whole:
        session.connection.execute(f"insert into {WHOLE_TABLE} values (?)", [table])
    session.connection.execute(f"drop table if exists {ADDED_TABLE}")
    if table == "events":
        session.connection.execute(f"create temp table if not exists {KNOWN_NOW} as {_KNOWN}")
        session.connection.execute(f"create or replace table {KNOWN_TABLE} as select * from {KNOWN_NOW} order by all")
        session.connection.execute(f"drop table {KNOWN_NOW}")


def whole_builds(session: Session, table: str) -> int:
    """How often a table was cleaned anew; while that stays the same, lines were only added, or kept in the end."""
    if not session.exists(WHOLE_TABLE):
        return 0
    return int(session.rows(f"select count(*) from {WHOLE_TABLE} where table_name = $table", {"table": table})[0][0])


def _rules(project: Project, table: str) -> str:
    """A hash of all that decides what becomes of a line, besides the lines."""
    pack = project.settings.pack
    numbers = NumberMarks(pack.decimal_mark, pack.thousands_mark)
    view = project.models.source_view(table, project.raw_columns, numbers)
    codes = [f"{model.name} {model.code_version}" for model in project.models.stage("cleaned")]
    codes += [files_of("custana_pipeline.cleaned").joinpath("contracts.py").read_text("utf-8"), duckdb.__version__]
    return hashlib.sha256(repr((view, codes, project.cleaning_parameters, pack.timezone)).encode()).hexdigest()


def _files(session: Session, project: Project, table: str) -> dict[str, int]:
    """The files of a table's raw sets, each with all that tells its lines from others, and their number."""
    sets = ", ".join(f"'{name.split('.')[1]}'" for name in sorted(project.models.raw_tables(table))) or "null"
    if not session.exists("raw.files"):
        return {}
    rows = session.rows(
        f"""select concat_ws(chr(10), raw_set, source_file, source_hash, shape_digest, record_count,
                malformed_line_count, coalesce(duplicate_of, ''), (
                    select coalesce(string_agg(hash(source_line, replay_hash, replay_line)::varchar, ','
                        order by source_line), '')
                    from raw.replays where replays.raw_set = files.raw_set
                    and replays.source_file = files.source_file and replays.source_hash = files.source_hash
                )), record_count
        from raw.files as files where raw_set in ({sets})"""
    )
    return dict(rows)  # type: ignore[arg-type]


def _is_row_by_row(models: SqlModels, table: str) -> bool:
    """Whether the pack's SELECT makes each row of one raw table a row of its own, whatever the others are."""
    source = models.sources.get(f"sources.{table}")
    if source is None or not isinstance(source.tree, exp.Select) or _OWN & set(source.columns):
        return False
    is_of_one = len(list(source.tree.find_all(exp.Table))) == 1 and len(list(source.tree.find_all(exp.Select))) == 1
    return is_of_one and not any(source.tree.find(kind) for kind in _WHOLE)


def _is_of_known_customers(project: Project, table: str) -> bool:
    return "cleaned.customers" in project.models[f"cleaned.{table}_lines"].reads


def _gives_the_same_columns(session: Session, within: str) -> bool:
    """Whether the new lines have a quantity and money at all just where the old ones do."""
    found = [
        session.rows(
            f"""select exists(select 1 from sources.transactions where {part} and quantity is not null),
                exists(select 1 from sources.transactions where {part} and coalesce(unit_price, amount) is not null)"""
        )[0]
        for part in (within, f"not {within}")
    ]
    return found[0] == found[1]


def _judge(session: Session, project: Project, table: str, within: str) -> None:
    """Judges the new lines, with the old ones of the same text beside them, into ADDED_TABLE."""
    session.connection.execute(
        f"create or replace temp table judged_sources as select * from sources.{table} where {within}"
    )
    _judge_sources(session, project, table)
    if is_compared(project, table) and _add_old_twins(session, table, within):
        _judge_sources(session, project, table)
    session.connection.execute("drop table judged_sources")


def _judge_sources(session: Session, project: Project, table: str) -> None:
    """Judges the lines of judged_sources in the place of all."""
    session.connection.execute(f"create or replace view sources.{table} as select * from judged_sources")
    find_shared(session, table, compared=is_compared(project, table))
    session.build_temporary(project.models[f"cleaned.{table}_lines"], ADDED_TABLE, project.cleaning_parameters)
    drop_shared(session)
    pack = project.settings.pack
    numbers = NumberMarks(pack.decimal_mark, pack.thousands_mark)
    session.create_source_views(project.models, project.raw_columns, [table], numbers)


def _add_old_twins(session: Session, table: str, within: str) -> bool:
    """Adds the old lines with the text of a new one to judged_sources; False where there are none.

    Lines of one text have one moment, customer and product, by which few of the old ones are looked at.
    """
    moment, columns = MOMENTS[table], session.columns(f"cleaned.{table}_lines")
    ids = [name for name in ("customer_number", "customer_id", "product_number") if name in columns]
    same = " and ".join(f"old.{name} is not distinct from added.{name}" for name in ids)
    near = f"select source_file, source_line, {', '.join(ids)}, {moment} from cleaned.{table}_lines"
    old = f"select source_file, source_line from (select * from {{}} where not {within}) as old"
    # of all lines, the moment alone is looked at
    session.connection.execute(
        f"""create or replace temp table old_of_the_moment as
        with of_moment as materialized ({near} where {moment} in (select {moment} from {ADDED_TABLE})),
        of_none as materialized ({near} where {moment} is null)
        {old.format("of_moment")} semi join {ADDED_TABLE} as added on old.{moment} = added.{moment} and {same}
        union all
        {old.format("of_none")} semi join {ADDED_TABLE} as added on {same} and added.{moment} is null"""
    )
    found = "select 1 from old_of_the_moment limit 1"
    twins = f"""insert into judged_sources
        select lines.* from sources.{table} as lines semi join old_of_the_moment using (source_file, source_line)
        where hash(line_text) in (select hash(line_text) from judged_sources where line_text is not null)"""
    return bool(session.rows(found)) and session.rows(twins)[0][0] > 0


def _changes_old_verdicts(session: Session, lines: str, within: str) -> bool:
    """Whether an old line is the second of its text now, since its new twin comes first by file and line."""
    query = f"""select count(*) from {ADDED_TABLE} as judged inner join {lines} as stored
        using (source_file, source_line)
        where not judged.{within} and (coalesce(judged.reason, '') = 'exact_duplicate')
            <> (coalesce(stored.reason, '') = 'exact_duplicate')"""
    return session.rows(query)[0][0] > 0


def _customers_only_came(session: Session) -> bool:
    """Whether every customer of a kept event is known still; those known now are in KNOWN_NOW afterwards."""
    session.connection.execute(f"create or replace temp table {KNOWN_NOW} as {_KNOWN}")
    if not session.exists(KNOWN_TABLE):
        return False
    gone = f"select customer_number from {KNOWN_TABLE} anti join {KNOWN_NOW} using (customer_number)"
    if not session.rows(f"{gone} limit 1"):
        return True
    kept = f"select 1 from cleaned.events_lines where status = 'kept' and customer_number in ({gone}) limit 1"
    return not session.rows(kept)


def _take_in_known(session: Session, lines: str) -> None:
    """Keeps the old events of customers that were not known, and are now: it is the last of all reasons."""
    late = f"reason = 'unknown_customer' and customer_number in (select customer_number from {KNOWN_NOW})"
    kept = "select * replace ('kept' as status, null as reason)"
    session.rows(f"insert into {ADDED_TABLE} by name {kept} from {lines} where {late}")
    session.rows(f"update {lines} set status = 'kept', reason = null where {late}")
