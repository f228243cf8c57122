"""What is asked of a cleaned table before it may replace yesterday's; all inside the transaction that builds it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from custana_pipeline.cleaned.breakers import Finding
from custana_pipeline.cleaned.contract_sql import conditions, counting_query, with_counts
from custana_pipeline.cleaned.gate import (
    Verdict,
    conservation,
    describe,
    judge,
    judging_query,
    refuse_disabled_checks,
    rejected_share,
)
from custana_pipeline.errors import ContractBroken, DataFault
from custana_pipeline.orchestration.id_numbers import by_number
from custana_pipeline.orchestration.increments import Plan
from custana_pipeline.orchestration.money import money_by_file
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.watch import watch
from custana_pipeline.stores.session import Session

CONTRACTS = {
    "transactions": "CleanedTransactions",
    "customers": "CleanedCustomers",
    "products": "CleanedProducts",
    "events": "CleanedEvents",
}
MOST_FETCHED = 200_000
"""Rows up to which pandera looks at all of them; of more it sees about `SAMPLED`, and SQL counts over all."""
SAMPLED = 50_000
COUNT_COLUMNS = ("table_name", "source_file", "status", "reason", "is_derived", "line_count", "amount")


def contract_of(table: str) -> Any:
    """The pandera contract of a cleaned table."""
    from custana_pipeline.cleaned import contracts

    return getattr(contracts, CONTRACTS[table])


@dataclass(frozen=True)
class Audit:
    """What was found of a table that has passed."""

    counts: pd.DataFrame
    """Its lines by file, status and reason."""
    money: Mapping[str, float]
    """The money of all its files, and how many amounts cannot be read; empty for a table without money."""
    findings: Mapping[str, Finding]
    """Check name -> what was noticed and stops nothing."""


@dataclass(frozen=True)
class Judged:
    """What an audit is about: the day that it is seen from, and what of the table is new."""

    as_of: dt.date | None
    plan: Plan


def audit(session: Session, project: Project, table: str, judged: Judged) -> Audit:
    """What was found of a table, once it has passed; lines that were there before have kept their contract already.

    Raises ContractBroken where lines or money are lost or the contract is broken, and DataFault where so many lines are
    rejected, or so few kept, that the files are at fault, or the days look wrong. The caller's transaction then takes
    everything back.
    """
    refuse_disabled_checks()
    counts = counts_of(session, project, table)
    if len(counts):
        _refuse_lost(table, counts, _files_of(session, project, table))
    tripped = rejected_share(counts, project.settings.max_rejected_share)
    if tripped:
        raise DataFault(f"{'; '.join(tripped)}. The tables and lists of yesterday stay.")
    _refuse_empty(session, project, table, counts)
    added = judged.plan.judged
    lines = f"cleaned.{table}_lines"
    kept = project.models[f"cleaned.{table}"].text.replace(lines, added or lines)
    kept_count = session.rows(f"select count(*) from {added or lines} where status = 'kept'")[0][0]
    verdict = _judged(session, contract_of(table), f"({kept}\n) as kept", kept_count)
    if verdict.row_count != kept_count:
        raise ContractBroken(f"cleaned.{table} shows not each of its {kept_count:,} lines once. Yesterday's stays.")
    if not verdict.passed:
        raise ContractBroken(f"cleaned.{table} does not keep its contract: {describe(verdict)}. Yesterday's stays.")
    new_files = judged.plan.new_files if added else None
    money = money_by_file(session, new_files) if table == "transactions" and len(counts) else {}
    return Audit(counts, money, watch(session, project, table, judged.as_of))


def _judged(session: Session, contract: Any, rows: str, row_count: int) -> Verdict:
    """Whether the rows keep the contract: pandera looks at all of them, or at a sample where SQL counts over all."""
    query = judging_query(contract, rows)
    rules = conditions(contract) if row_count > MOST_FETCHED else None
    if rules is None:
        return judge(contract, session.batches(query))
    # every so many lines, so that the same rows are looked at each time
    sampled = judge(contract, session.batches(f"{query} where source_line % {row_count // SAMPLED + 1} = 0"))
    counting, places = counting_query(contract, rows, rules)
    return with_counts(sampled, places, session.rows(counting)[0])


def counts_of(session: Session, project: Project, table: str) -> pd.DataFrame:
    """table_name, source_file, status, reason, is_derived, line_count, amount: malformed lines count as rejected."""
    if not project.models.raw_tables(table):
        # the source has none of these; the ledger may not have been begun yet
        return pd.DataFrame(columns=list(COUNT_COLUMNS))
    lines = f"cleaned.{table}_lines"
    columns = session.columns(lines)
    derived = "is_derived" if "is_derived" in columns else "false"
    amount = "sum(amount)" if "amount" in columns else "null"
    sets = ", ".join(f"'{name.split('.')[1]}'" for name in sorted(project.models.raw_tables(table))) or "''"
    return session.frame(
        f"""select '{table}' as table_name, source_file, cast(status as varchar) as status, reason,
                {derived} as is_derived,
                count(*)::bigint as line_count, {amount}::double as amount
            from {lines} group by source_file, {lines}.status, reason, is_derived
        union all
        select '{table}', source_file, 'rejected', reason, false, count(*)::bigint, null
            from raw.malformed_lines
            where raw_set in ({sets}) and not exists (select 1 from {lines} where {derived}) group by all
        order by all"""
    )


def counting_parameters(project: Project) -> dict[str, Any]:
    """What the tables of counts are told: how values are written, and which table each raw set feeds first."""
    fed = {raw.split(".")[1]: table for table in sorted(CONTRACTS) for raw in sorted(project.models.raw_tables(table))}
    return {**project.cleaning_parameters, "raw_sets": list(fed), "fed_tables": list(fed.values())}


def counts_by_table(session: Session) -> pd.DataFrame:
    """cleaned.line_counts by table, status and reason; derived rows are left out."""
    if not session.exists("cleaned.line_counts"):
        return pd.DataFrame(columns=["table_name", "status", "reason", "line_count"])
    query = """select table_name, status, reason, sum(line_count)::bigint as line_count
        from cleaned.line_counts where not is_derived group by all order by all"""
    counts: Any = session.frame(query)
    order = {table: place for place, table in enumerate(CONTRACTS)}
    return counts.sort_values("table_name", key=lambda names: names.map(order), kind="stable")


def _files_of(session: Session, project: Project, table: str) -> pd.DataFrame:
    sets = {name.split(".")[1] for name in project.models.raw_tables(table)}
    files: Any = session.frame("select * from raw.files where duplicate_of is null")
    return files[files["raw_set"].isin(list(sets))]


def _refuse_lost(table: str, counts: pd.DataFrame, files: pd.DataFrame) -> None:
    if lost := conservation(counts, files):
        told = f"{'; '.join(lost)}. {_of_equal_names(files)}"
        raise ContractBroken(f"cleaned.{table} loses lines: {told}The tables of yesterday stay.")


def _of_equal_names(files: pd.DataFrame) -> str:
    """Why lines seem lost where several raw sets of a table have files of one name, and the mend; else nothing.

    >>> _of_equal_names(pd.DataFrame({"raw_set": ["shop", "till"], "source_file": ["may.csv", "may.csv"]}))
    'Raw sets shop and till share file names (1), by which lines are told apart: rename the files of one set. '
    >>> _of_equal_names(pd.DataFrame({"raw_set": ["shop", "till"], "source_file": ["may.csv", "june.csv"]}))
    ''
    """
    names: Any = files[["raw_set", "source_file"]].drop_duplicates()
    common = names[names["source_file"].duplicated(keep=False)]
    if common.empty:
        return ""
    sets, count = " and ".join(sorted(common["raw_set"].unique())), common["source_file"].nunique()
    return f"Raw sets {sets} share file names ({count:,}), by which lines are told apart: rename the files of one set. "


def _refuse_empty(session: Session, project: Project, table: str, counts: pd.DataFrame) -> None:
    if session.count(by_number(table)) or (counts.empty and table != "transactions"):
        return
    by_reason: Any = counts.groupby("reason")["line_count"].sum()
    reasons = by_reason.sort_values(ascending=False, kind="stable").head(3)
    lines: Any = counts["line_count"].sum()
    told = ", ".join(f"{reason} {int(count):,}" for reason, count in reasons.items())
    raise DataFault(
        f"NO_DATA: none of the {int(lines):,} lines for cleaned.{table} can be kept ({told}): check "
        f"the formats of source '{project.settings.source}' in custana.toml against the files. Yesterday's stays."
    )


def count_metadata(counts: pd.DataFrame) -> dict[str, Any]:
    """The counts as a Markdown table and as numbers that the UI plots over time."""
    import dagster as dg

    own: Any = counts[~counts["is_derived"].astype(bool)] if len(counts) else counts
    by_status: Any = own.groupby("status")["line_count"].sum() if len(own) else pd.Series(dtype=int)
    rows: Any = own.groupby(["status", "reason"], dropna=False)["line_count"].sum() if len(own) else {}
    lines = [
        f"| {status} | {'' if pd.isna(reason) else reason} | {count:,} |" for (status, reason), count in rows.items()
    ]
    return {
        "lines": dg.MetadataValue.md("| status | reason | lines |\n|---|---|---|\n" + "\n".join(lines)),
        **{f"lines_{status}": int(by_status.get(status, 0)) for status in ("kept", "set_aside", "rejected")},
    }
