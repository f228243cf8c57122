"""From the tables of a day to its report and its published version."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from custana_pipeline.errors import DataFault
from custana_pipeline.orchestration.audits import counts_by_table
from custana_pipeline.orchestration.day_judging import judged_day
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores import run_lock, snapshots
from custana_pipeline.stores.list_files import PublishedList
from custana_pipeline.stores.publishing import Publication, Published, publish
from custana_pipeline.stores.session import Session

if TYPE_CHECKING:
    import pyarrow as pa

    from custana_pipeline.cleaned.gate import Verdict

PUBLISHED_LISTS = {
    "recommended_customers": "Whom to address: how likely each customer buys within the horizon, and why.",
    "demand_forecast": "What each customer is expected to buy within the horizon.",
    "customer_value": "What each customer is expected to be worth, net of returns, within the horizon and a year.",
    "customer_segments": "Which segment each customer belongs to.",
    "product_recommendations": "What to offer each customer: what they buy again, and what is new to them.",
    "segment_profiles": "Who the customers of each segment are, and what is expected of them.",
    "segment_offers": "What each segment buys more of than others do.",
    "segment_migrations": "Which segments customers came from since the last list.",
    "demand_totals": "The expected demand by segment, category and location.",
}
LONGEST = "product_recommendations"
"""Written first, so that it is hashed while the others are written."""
_CONTRACTS = {name: "".join(part.title() for part in name.split("_")) for name in PUBLISHED_LISTS}


def contract_of(name: str) -> Any:
    """The pandera contract of a published list."""
    from custana_pipeline.applications import contracts

    return getattr(contracts, _CONTRACTS[name])


def judged_list(session: Session, name: str, as_of: dt.date) -> "Verdict":
    """Whether the rows of a day keep the contract of the list `name`."""
    from custana_pipeline.applications.contract_words import ROW_RULES

    return judged_day(session, contract_of(name), f"applications.{name}", as_of, ROW_RULES)


def report_path(project: Project, as_of: dt.date) -> Path:
    """Where the report of a day is written before it is published."""
    return project.settings.data_dir / "reports" / project.settings.source / as_of.isoformat() / "report.html"


def state_path(project: Project, as_of: dt.date) -> Path:
    """Where the page of a day without lists is written; it is there only for such a day."""
    return report_path(project, as_of).with_name("not-trainable.html")


def write_states(session: Session, project: Project, as_of: dt.date) -> None:
    """Writes, or takes away, the page that says which models could not be trained on a day, and why."""
    from custana_pipeline.applications.state_page import AnalysisState, render_states
    from custana_pipeline.stores.durable_files import replace_text

    query = """select distinct analysis, state, reason from models.champions where as_of = $as_of
        order by analysis, state, reason"""
    states = [AnalysisState(*row) for row in session.rows(query, {"as_of": as_of})]
    path = state_path(project, as_of)
    if all(each.state in ("TRAINED", "UNJUDGED") for each in states):
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, render_states(project.settings.source, as_of.isoformat(), states))


def render_day(project: Project, as_of: dt.date) -> Path:
    """Writes the report of a day from its tables, and returns where it is."""
    from custana_pipeline.applications.report import render_report
    from custana_pipeline.orchestration.report_sources import facts_of
    from custana_pipeline.stores.durable_files import replace_text

    with project.warehouse.reading() as session:
        page = render_report(facts_of(session, project, as_of))
    path = report_path(project, as_of)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, page)
    return path


def keeping_snapshot(project: Project, as_of: dt.date, run_id: str) -> AbstractContextManager[snapshots.Kept]:
    """Proves the whole warehouse and keeps a copy of it, while the block reads what it wants to publish.

    What it yields waits for that: the copy, or None where settings or disk allow none. It raises Damaged where a value
    cannot be read; nothing may be published then.
    """
    facts = {"as_of": as_of.isoformat(), "dagster_run_id": run_id, "code": project.code_version}
    return snapshots.keeping(project.warehouse.path, run_id, facts, project.settings.snapshots)


def publish_day(project: Project, as_of: dt.date, run_id: str, kept: snapshots.Kept) -> Published:
    """Publishes the lists and the report of a day as one version, once the snapshot is `kept`."""
    report = report_path(project, as_of)
    if not report.is_file():
        raise DataFault(f"There is no report for {as_of}: materialize applications/report of that day first.")
    warehouse = project.warehouse.path
    with project.warehouse.reading() as session:
        publication = Publication(
            as_of=as_of,
            source=project.settings.source,
            horizon_days=project.settings.horizon_days,
            lists={
                name: _list_of(session, name, as_of)
                for name in sorted(PUBLISHED_LISTS, key=lambda name: name != LONGEST)
            },
            report=report.read_text(encoding="utf-8"),
            versions=_versions(session, project, as_of),
            run={"dagster_run_id": run_id},
        )
        folder = project.settings.published_dir

        def may_go_on() -> None:
            kept()
            run_lock.refuse_if_lost(warehouse)

        return publish(publication, folder, may_go_on=may_go_on)


def champions_of(session: Session, as_of: dt.date) -> pd.DataFrame:
    """The champions of a day, with their metrics as dictionaries."""
    rows = session.frame(
        "select * from models.champions where as_of = $as_of order by analysis, target", {"as_of": as_of}
    )
    for name in ("metrics", "naive_metrics", "figures"):
        rows[name] = rows[name].map(lambda told: json.loads(told) if isinstance(told, str) else {})
    return rows


def data_version(session: Session) -> str:
    """A hash over the landed files: it changes with every line."""
    query = "select md5(string_agg(source_hash, ',' order by source_hash)) from raw.files where duplicate_of is null"
    return str(session.rows(query)[0][0])[:12]


def _list_of(session: Session, name: str, as_of: dt.date) -> PublishedList:
    contract = contract_of(name).to_schema()
    key, day = ("as_of", *contract.unique), as_of.isoformat()
    query = f"select {', '.join(contract.columns)} from applications.{name} where as_of = date '{day}'"

    def parts(is_sorted: bool) -> Iterator["pa.Table"]:
        return session.parts(f"{query} order by {', '.join(key)}" if is_sorted else query)

    meanings = {column: told.description or "" for column, told in contract.columns.items()}
    return PublishedList(table=parts, key=key, meanings=meanings)


def _versions(session: Session, project: Project, as_of: dt.date) -> dict[str, Any]:
    champions = champions_of(session, as_of)
    return {
        "code": project.code_version,
        "data": data_version(session),
        "models": dict(zip(champions["target"], champions["model_version"], strict=True)),
        "lines": [
            {
                "table": row["table_name"],
                "status": row["status"],
                "reason": row["reason"],
                "lines": int(row["line_count"]),
            }
            for row in counts_by_table(session).to_dict("records")
        ],
    }
