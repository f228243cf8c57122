"""What is noticed about a cleaned table without stopping it: warnings, kept in cleaned.warnings for summary and report.

Volume and staleness can stop it as well. All of it is told in counts, days and positions, never in values.
"""

import datetime as dt
from collections.abc import Mapping

from custana_pipeline.cleaned.breakers import WEEKS, Finding, has_gone_on, staleness, volume
from custana_pipeline.errors import DataFault
from custana_pipeline.orchestration.days import last_day
from custana_pipeline.orchestration.id_numbers import by_number
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session

VOLUME_CHECK = "volume_is_as_usual"
FRESH_CHECK = "lines_are_of_yesterday"
SPELLING_CHECK = "ids_are_spelt_apart"
KNOWN_CHECK = "values_are_known"
WATCH_CHECKS: Mapping[str, Mapping[str, str]] = {
    "transactions": {
        VOLUME_CHECK: "The last day has about as many lines as the same weekday usually has.",
        FRESH_CHECK: "The newest line is of a day shortly before as_of.",
        KNOWN_CHECK: "The files have no columns that earlier ones had not.",
        SPELLING_CHECK: "No two customer ids differ only in case or blanks.",
    },
    "customers": {KNOWN_CHECK: "Locations and genders have been seen in earlier files."},
    "products": {KNOWN_CHECK: "Categories have been seen in earlier files."},
    "events": {KNOWN_CHECK: "Kinds of event have been seen in earlier files."},
}
KNOWN_COLUMNS = {"customers": ("location", "gender"), "products": ("category",), "events": ("event_type",)}
WARNINGS_TABLE = "cleaned.warnings"
KNOWN_TABLE = "cleaned.known_values"


def watch(session: Session, project: Project, table: str, as_of: dt.date | None) -> dict[str, Finding]:
    """Check name -> what was found; the warnings replace those of the table's last run.

    Raises DataFault where the volume or the age of the lines says that the feed is broken.
    """
    if not project.models.raw_tables(table) or not session.count(by_number(table)):
        found = {}
    elif table == "transactions":
        found = _transaction_findings(session, project, as_of)
    else:
        found = {KNOWN_CHECK: _unknown_values(session, project, table)}
    _keep(session, table, found)
    blocked = [finding.told for finding in found.values() if finding.severity == "block"]
    if blocked:
        raise DataFault(
            f"{'; '.join(blocked)}: look whether the export is whole, then land it again; or set breakers of source "
            f"'{project.settings.source}' in custana.toml. The tables and lists of yesterday stay."
        )
    return found


def warnings_of(session: Session) -> list[str]:
    """All warnings of the last run of each table, one sentence each."""
    if not session.exists(WARNINGS_TABLE):
        return []
    return [f"{table}: {told}" for table, told in session.rows(f"select * from {WARNINGS_TABLE} order by all")]


def _keep(session: Session, table: str, found: Mapping[str, Finding]) -> None:
    session.connection.execute(f"create table if not exists {WARNINGS_TABLE} (table_name varchar, told varchar)")
    session.rows(f"delete from {WARNINGS_TABLE} where table_name = $table", {"table": table})
    for finding in found.values():
        if finding.severity == "warn":
            session.connection.execute(f"insert into {WARNINGS_TABLE} values (?, ?)", [table, finding.told])


def _transaction_findings(session: Session, project: Project, as_of: dt.date | None) -> dict[str, Finding]:
    pack = project.settings.pack
    first, newest, last = session.rows(
        """select min(ordered_date), max(ordered_date) filter (where ordered_date <= $until), max(ordered_date)
        from cleaned.numbered_transactions""",
        {"until": as_of or (dt.date.max if pack.calendar.end else last_day(pack) - dt.timedelta(days=1))},
    )[0]
    breakers = pack.breakers
    found = {SPELLING_CHECK: _spellings(session), KNOWN_CHECK: _unknown_values(session, project, "transactions")}
    if as_of is not None and last > as_of and (newest is None or has_gone_on(_lines_around(session, as_of), as_of)):
        told = f"{as_of} is a day of the past: lines of later days are there, so the feed has gone on"
        return found | dict.fromkeys((VOLUME_CHECK, FRESH_CHECK), Finding("ok", told))
    # a closed set of files ends when it ends: its last day is judged, and not the one before the calendar's end
    is_at_its_end = as_of is not None and pack.calendar.end == as_of
    judged = (newest or last) if as_of is None or is_at_its_end else as_of - dt.timedelta(days=1)
    if breakers.volume != "off":
        query = """select ordered_date, count(*) from cleaned.transactions_lines
            where ordered_date > $since and ordered_date <= $judged and status <> 'rejected' group by ordered_date"""
        since = judged - dt.timedelta(weeks=9)
        daily = dict(session.rows(query, {"since": since, "judged": judged}))
        finding = volume(daily, judged, first, is_whole=as_of is not None and not is_at_its_end)
        is_lenient = finding.severity == "block" and breakers.volume == "warn"
        found[VOLUME_CHECK] = Finding("warn", finding.told) if is_lenient else finding
    if as_of is not None:
        block_days = None if pack.calendar.end else breakers.stale_block_days
        found[FRESH_CHECK] = staleness(newest, as_of, warn_days=breakers.stale_warn_days, block_days=block_days)
    return found


def _lines_around(session: Session, day: dt.date) -> dict[dt.date, int]:
    """Lines a day in the weeks before and after a day."""
    query = """select ordered_date, count(*) from cleaned.numbered_transactions
        where ordered_date between $since and $until group by ordered_date"""
    weeks = dt.timedelta(weeks=WEEKS)
    return dict(session.rows(query, {"since": day - weeks, "until": day + weeks}))


def _spellings(session: Session) -> Finding:
    """Customer ids that fall together once case and blanks are left out."""
    query = r"""
        with numbers as (select distinct customer_number from cleaned.numbered_transactions),
        ids as (select customer_id from cleaned.customer_numbers semi join numbers using (customer_number)),
        spelt as (
            select count(*) as spellings from ids
            group by lower(regexp_replace(customer_id, '[\s\p{Z}]+', '', 'g')) having count(*) > 1
        )
        select coalesce(sum(spellings), 0)::bigint, count(*) from spelt"""
    ids, customers = session.rows(query)[0]
    if not ids:
        return Finding("ok", "all customer ids differ in more than case and blanks")
    return Finding(
        "warn",
        f"{ids:,} customer ids differ from another only in case or blanks; they may be {customers:,} customers: give "
        "them one spelling in the source's SELECT, if they are",
    )


def _unknown_values(session: Session, project: Project, table: str) -> Finding:
    """Values and columns that earlier files had not; of values their place is told, and not they themselves."""
    session.connection.execute(
        f"create table if not exists {KNOWN_TABLE} (place varchar, column_name varchar, known varchar, state varchar)"
    )
    place, state = _place_and_state(session, project, table)
    files = f"""select unnest(string_split(unknown_columns, ', ')) as known, source_file, 1 as source_line
        from raw.files where raw_set in ({_sets(project, table)}) and unknown_columns <> ''"""
    told = []
    if new := _new(session, files, {"place": place, "state": state, "column": f"{table} files"}):
        told.append(f"{new[0]:,} columns are not loaded and were not in earlier files ({new[3]})")
    for column in KNOWN_COLUMNS.get(table, ()):
        lines = f"select {column} as known, source_file, source_line from {by_number(table)} where {column} is not null"
        if new := _new(session, lines, {"place": place, "state": state, "column": f"{table}.{column}"}):
            told.append(f"{column} has {new[0]:,} values that earlier files had not ({new[1]:,} lines, as {new[2]})")
    return Finding("warn", "; ".join(told)) if told else Finding("ok", "nothing is new")


def _new(session: Session, lines: str, known: Mapping[str, str]) -> tuple[int, int, str, str] | None:
    """How many values of `lines` (known, source_file, source_line) are new, in how many lines, where, and which.

    None where nothing is, or where this is the first state of the files.
    """
    its = "place = $place and column_name = $column"
    begun = session.rows(f"select count(*) from {KNOWN_TABLE} where {its} and state <> $state", known)[0][0]
    # the empty text says that there was a state, also one without any value
    session.rows(
        f"""insert into {KNOWN_TABLE} select $place, $column, known, $state
        from (select distinct known from ({lines}) union select '') as given
        where known not in (select known from {KNOWN_TABLE} where {its})""",
        known,
    )
    is_new = f"select count(*) from {KNOWN_TABLE} where {its} and state = $state and known <> ''"
    if not begun or not session.rows(is_new, known)[0][0]:
        return None
    found = session.rows(
        f"""select count(distinct known), count(*),
            min_by(source_file || ':' || source_line, (source_line, source_file)),
            string_agg(distinct known, ', ' order by known)
        from ({lines}) where known in (select known from {KNOWN_TABLE} where {its} and state = $state)""",
        known,
    )[0]
    return found if found[0] else None  # type: ignore[return-value]


def _place_and_state(session: Session, project: Project, table: str) -> tuple[str, str]:
    """What tells one input from another, and one state of its files from the next."""
    sets = _sets(project, table)
    place = session.rows(f"select string_agg(place, ',' order by raw_set) from raw.inputs where raw_set in ({sets})")
    state = session.rows(
        f"select md5(string_agg(source_hash, ',' order by source_hash)) from raw.files where raw_set in ({sets})"
    )
    return str(place[0][0]), str(state[0][0])


def _sets(project: Project, table: str) -> str:
    """The raw sets behind a table as a list of SQL literals."""
    return ", ".join(f"'{name.split('.')[1]}'" for name in sorted(project.models.raw_tables(table)))
