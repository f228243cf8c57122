"""Cleaned assets: judge every line, keep the good ones, and replace yesterday's table only when the new one passes."""

import datetime as dt
import logging
from dataclasses import replace
from typing import Any

import dagster as dg

from custana_pipeline.cleaned.breakers import Finding
from custana_pipeline.errors import ContractBroken
from custana_pipeline.orchestration.audits import (
    CONTRACTS,
    Audit,
    Judged,
    audit,
    contract_of,
    count_metadata,
    counting_parameters,
)
from custana_pipeline.orchestration.boundary import RETRIES, reported
from custana_pipeline.orchestration.id_numbers import NUMBERS, OWNERS, build_lines, by_number
from custana_pipeline.orchestration.increments import add_new_lines, note_built, plan_of
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.shared_hashes import SHARED_TABLE
from custana_pipeline.orchestration.sql_assets import (
    asset_key,
    described_columns,
    lineage_metadata,
    table_metadata,
    told_with_sql,
    upstream_assets,
)
from custana_pipeline.orchestration.watch import WATCH_CHECKS
from custana_pipeline.stores.canonical_text import NumberMarks
from custana_pipeline.stores.session import Session

_log = logging.getLogger("custana")
CONTRACT_CHECK = "keeps_its_contract"
CONSERVATION_CHECK = "kept_set_aside_and_rejected_add_up"
REJECTED_CHECK = "few_lines_are_rejected"
CHECKS = {
    CONTRACT_CHECK: "The whole table keeps its pandera contract.",
    CONSERVATION_CHECK: "Per file: every line that was read is kept, set aside or rejected, once.",
    REJECTED_CHECK: "The share of rejected lines is below max_rejected_share.",
}
MONEY_CHECK = "money_adds_up"
MONEY_CHECKS = {MONEY_CHECK: "Per file: the money that was read is kept, set aside or rejected, to the cent."}
ABSENT = ". The source has none of these, so the table is empty"
COUNTED = "What became of every line of every file, by status and reason; cleaned.repairs counts what was mended"


def cleaned_assets(project: Project) -> list[dg.AssetsDefinition]:
    """One asset for each canonical table, and one for the counts over all of them."""
    return [*(_cleaned_asset(project, table) for table in CONTRACTS), _counts_asset(project)]


def _cleaned_asset(project: Project, table: str) -> dg.AssetsDefinition:
    key = asset_key(f"cleaned.{table}")
    lines, kept = project.models[f"cleaned.{table}_lines"], project.models[f"cleaned.{table}"]
    absent = table in project.models.absent_tables()
    shown = dict.fromkeys((lines.name, *NUMBERS.values()), kept.name)
    checked = CHECKS | (MONEY_CHECKS if table == "transactions" else {})
    watched = WATCH_CHECKS[table]

    @dg.asset(
        key=key,
        deps=upstream_assets(
            project, (lines.reads | kept.reads) - {lines.name, SHARED_TABLE, *NUMBERS.values()}, OWNERS
        ),
        group_name="cleaned",
        kinds={"duckdb", "sql", "pandera"},
        owners=[project.settings.owner],
        description=told_with_sql(kept.row_meaning + (ABSENT if absent else ""), lines, kept),
        code_version=f"{lines.code_version}-{kept.code_version}",
        retry_policy=RETRIES,
        pool="warehouse",
        check_specs=[
            dg.AssetCheckSpec(name, asset=key, blocking=name in checked, description=told)
            for name, told in {**checked, **watched}.items()
        ],
    )
    @reported
    def cleaned_table(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with project.warehouse.transaction() as session:
            session.prepare()
            found = clean_table(session, project, table, _as_of(context))
            metadata = table_metadata(session, kept.name, described_columns(contract_of(table)), by_number(table))
            metadata |= lineage_metadata(session, kept, shown) | count_metadata(found.counts)
        checks = [
            dg.AssetCheckResult(check_name=name, passed=True, metadata=told)
            for name, told in check_metadata(found, project.settings.max_rejected_share).items()
            if name in checked
        ]
        checks += [_watched(name, found.findings.get(name)) for name in watched]
        return dg.MaterializeResult(metadata={**metadata, "absent": absent}, check_results=checks)

    return cleaned_table


def _as_of(context: dg.AssetExecutionContext) -> dt.date | None:
    """The day that the run is for, though the table is of all days; None where only files are taken in."""
    day = context.run.tags.get("dagster/partition")
    return dt.date.fromisoformat(day) if day else None


def _watched(name: str, finding: Finding | None) -> dg.AssetCheckResult:
    told = finding.told if finding else "nothing to judge"
    passed = finding is None or finding.severity == "ok"
    return dg.AssetCheckResult(
        check_name=name, passed=passed, severity=dg.AssetCheckSeverity.WARN, metadata={"found": told}
    )


def clean_table(session: Session, project: Project, table: str, as_of: dt.date | None = None) -> Audit:
    """Builds one cleaned table, or adds what is new to it; returns what was found, see `audit` for what stops it."""
    pack = project.settings.pack
    numbers = NumberMarks(pack.decimal_mark, pack.thousands_mark)
    session.create_source_views(project.models, project.raw_columns, [table], numbers)
    plan = plan_of(session, project, table)
    if plan.is_whole or not add_new_lines(session, project, table, plan):
        return _clean_whole(session, project, table, Judged(as_of, plan))
    try:
        found = audit(session, project, table, Judged(as_of, plan))
    except ContractBroken as broken:
        _log.warning(
            "cleaned.%s with its new lines is not as it should be (%s): all its files are cleaned anew.", table, broken
        )
        return _clean_whole(session, project, table, Judged(as_of, plan))
    note_built(session, table, plan)
    return found


def _clean_whole(session: Session, project: Project, table: str, judged: Judged) -> Audit:
    whole = replace(judged, plan=replace(judged.plan, is_whole=True, new_files=()))
    build_lines(session, project, table)
    found = audit(session, project, table, whole)
    note_built(session, table, whole.plan)
    return found


def check_metadata(found: Audit, limit: float) -> dict[str, dict[str, Any]]:
    """The numbers that each check has looked at, for the UI to plot over time."""
    counts = found.counts
    own: Any = counts[~counts["is_derived"].astype(bool)] if len(counts) else counts
    lines = int(own["line_count"].sum())
    rejected = int(own.loc[own["status"] == "rejected", "line_count"].sum())
    kept = int(counts.loc[counts["status"] == "kept", "line_count"].sum())
    return {
        CONTRACT_CHECK: {"rows": kept},
        CONSERVATION_CHECK: {"lines": lines, "files": int(own["source_file"].nunique())},
        REJECTED_CHECK: {"rejected_share": round(rejected / max(lines, 1), 6), "limit": limit, "rejected": rejected},
        MONEY_CHECK: dict(found.money),
    }


def _counts_asset(project: Project) -> dg.AssetsDefinition:
    counts, repairs = project.models["cleaned.line_counts"], project.models["cleaned.repairs"]

    @dg.asset(
        key=asset_key(counts.name),
        deps=[asset_key(f"cleaned.{table}") for table in CONTRACTS],
        group_name="cleaned",
        kinds={"duckdb", "sql"},
        owners=[project.settings.owner],
        description=told_with_sql(COUNTED, counts, repairs),
        code_version=f"{counts.code_version}-{repairs.code_version}",
        retry_policy=RETRIES,
        pool="warehouse",
    )
    @reported
    def line_counts() -> dg.MaterializeResult:
        with project.warehouse.transaction() as session:
            for model in (counts, repairs):
                session.build(model, counting_parameters(project))
            repaired = session.rows("select coalesce(sum(line_count), 0)::bigint from cleaned.repairs")[0][0]
            metadata = table_metadata(session, counts.name)
        return dg.MaterializeResult(metadata={**metadata, "repaired_values": repaired})

    return line_counts
