"""Raw assets: one a set of source files. Every file is inspected before any of them changes the warehouse."""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg

from custana_pipeline.errors import BadFile
from custana_pipeline.orchestration.boundary import RETRIES, reported
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.sql_assets import asset_key, table_metadata
from custana_pipeline.raw.contracts import InspectedFile, RawSetShape
from custana_pipeline.raw.file_stamps import refuse_changed, settled_stamp, stamp_of
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.stores import look_ahead
from custana_pipeline.stores.databases import bring_in, table_of
from custana_pipeline.stores.landing_sql import (
    LandedFile,
    LandingPlan,
    known_hashes,
    land_all,
    note_second_copy,
    note_stamps,
    plan_landing,
    prepare,
)
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.source_files import files_of, shape_of

INSPECTED_AT_ONCE = 2
MOST_LOGGED = 50
"""Files that are told one by one, as in the table beside the asset."""
LINES_CHECK = "every_line_is_accounted_for"


def raw_assets(project: Project) -> list[dg.AssetsDefinition]:
    """One asset for every raw set of the active pack."""
    return [_raw_asset(project, name) for name in project.settings.pack.raw]


def _raw_asset(project: Project, name: str) -> dg.AssetsDefinition:
    key = asset_key(f"raw.{name}")
    shape = shape_of(project.settings, name)
    table = table_of(project.settings, name)
    origin = table.label if table else ", ".join(project.settings.pack.raw[name].files)

    @dg.asset(
        key=key,
        group_name="raw",
        kinds={"duckdb", table.connection.kind if table else "csv" if shape.format == "csv" else "text"},
        owners=[project.settings.owner],
        description=f"The lines of {origin} as they came, all text, each with its file, line number and file hash. "
        "The ledger of files is raw.files.",
        code_version=shape.digest,
        retry_policy=RETRIES,
        pool="warehouse",
        check_specs=[
            dg.AssetCheckSpec(
                LINES_CHECK,
                asset=key,
                blocking=True,
                description="Per file: lines = header + blank + records + malformed + continuations of records.",
            )
        ],
    )
    @reported
    def raw_lines(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        bring_in(project.settings, name)
        # listed once: of what comes while the warehouse is waited for nothing may be read
        files = files_of(project.settings, name)
        with project.warehouse.transaction(may_read=files) as session:
            session.prepare()
            landed, plan = land_raw_set(session, project, name, files)
            metadata = table_metadata(session, f"raw.{name}") | _told(session, name, landed, plan)
        for told in _log_lines(landed):
            context.log.info(told)
        files_there = {"files": len(landed) + len(plan.unchanged) + len(plan.second_copies)}
        check = dg.AssetCheckResult(check_name=LINES_CHECK, passed=True, metadata=files_there)
        return dg.MaterializeResult(metadata=metadata, check_results=[check])

    return raw_lines


def land_raw_set(
    session: Session, project: Project, name: str, files: Sequence[Path]
) -> tuple[list[LandedFile], LandingPlan]:
    """Lands what is new or changed of the files of one raw set, which the session may read.

    Raises BadFile where a file cannot be used, or nothing is there.
    """
    shape = shape_of(project.settings, name)
    table = table_of(project.settings, name)
    place = Path(table.connection.place, table.name) if table else project.settings.input_path
    begin_anew_for_another_input(session, shape, place)
    landed, plan = land_files(session, shape, files)
    _refuse_nothing(session, project, name)
    return landed, plan


def land_files(session: Session, shape: RawSetShape, files: Sequence[Path]) -> tuple[list[LandedFile], LandingPlan]:
    """Lands what is new or changed of `files`; all of them are inspected before the first one is loaded.

    Each file is read once for its inspection and hash. One whose stamp (size, times of writing and change, inode) is
    that of its last reading is not read again.
    """
    prepare(session.connection, shape)
    by_name = {file.name: file for file in files}
    if len(by_name) < len(files):
        raise BadFile(
            f"raw.{shape.name}: two of its files have the same name in different folders: rename one of them."
        )
    stamps = {file.name: settled_stamp(file) for file in files}
    hashes = known_hashes(session.connection, shape, stamps)
    inspected = _inspected({name: path for name, path in by_name.items() if name not in hashes}, shape)
    note_stamps(session.connection, shape, [(name, file.source_hash, stamps[name]) for name, file in inspected.items()])
    hashes |= {name: file.source_hash for name, file in inspected.items()}
    plan = plan_landing(session.connection, shape, sorted(hashes.items()))
    # a declaration that changed has its files inspected by it, read before or not
    chosen = [inspected.get(name) or inspect_file(by_name[name], shape) for name in plan.to_land]
    landed = land_all(session.connection, chosen)
    for file in inspected.values():
        # once more after all of them: a slow writer shows only after a while
        refuse_changed(file)
    for copy, original in plan.second_copies.items():
        note_second_copy(session.connection, shape, (copy, hashes[copy]), original)
    return landed, plan


def _inspected(files: Mapping[str, Path], shape: RawSetShape) -> dict[str, InspectedFile]:
    """The files as inspected, two at a time: hashing and scanning leave the interpreter free."""

    def found(path: Path) -> InspectedFile:
        _ = stamp_of(path)  # one that went since the folder was looked at is no bad file
        return look_ahead.taken(path, shape) or inspect_file(path, shape)

    with ThreadPoolExecutor(INSPECTED_AT_ONCE) as pool:
        return dict(zip(files, pool.map(found, files.values()), strict=True))


def begin_anew_for_another_input(session: Session, shape: RawSetShape, place: Path) -> None:
    """Forgets the lines that came from another input than `place`: an input is a history of its own.

    Files that are gone from the same input stay landed, so that a shop may archive what has been read.
    """
    session.connection.execute("create table if not exists raw.inputs (raw_set varchar, place varchar)")
    known = session.rows("select place from raw.inputs where raw_set = $raw_set", {"raw_set": shape.name})
    # a hash, since a path may name a person
    told = hashlib.sha256(str(place).encode()).hexdigest()
    if known == [(told,)]:
        return
    prepare(session.connection, shape)
    for table, where in {
        f"raw.{shape.name}": "",
        "raw.files": "where raw_set = $raw_set",
        "raw.malformed_lines": "where raw_set = $raw_set",
        "raw.inputs": "where raw_set = $raw_set",
    }.items():
        session.rows(f"delete from {table} {where}", {"raw_set": shape.name})
    session.rows("insert into raw.inputs values ($raw_set, $place)", {"raw_set": shape.name, "place": told})


def _refuse_nothing(session: Session, project: Project, name: str) -> None:
    raw_set = project.settings.pack.raw[name]
    if not raw_set.required or session.count(f"raw.{name}"):
        return
    malformed = session.rows(
        "select reason, count(*) from raw.malformed_lines where raw_set = $raw_set group by reason order by reason",
        {"raw_set": name},
    )
    if malformed:
        told = ", ".join(f"{reason} {lines:,}" for reason, lines in malformed)
        raise BadFile(
            f"NO_DATA: every line for raw.{name} is malformed ({told}): correct the files, or the delimiter and "
            f"columns of raw set {name} in custana.toml."
        )
    without = f" A source without such files has `required = false` for raw set {name} in custana.toml."
    raise BadFile(
        f"NO_DATA: there is no line for raw.{name}: none of {', '.join(raw_set.files)} is in the input of source "
        f"'{project.settings.source}'. Put the files there, or say where they are with --input."
        f"{'' if f'raw.{name}' in project.models.raw_tables('transactions') else without}"
    )


def _log_lines(landed: Sequence[LandedFile]) -> list[str]:
    """A line a file, each of which Dagster keeps as an event: the rest of many are told in one."""
    lines = [f"{file.source_file}: {file.record_count} records of {file.line_count} lines" for file in landed]
    if len(lines) <= MOST_LOGGED:
        return lines
    rest = landed[MOST_LOGGED:]
    records, count = (sum(getattr(file, name) for file in rest) for name in ("record_count", "line_count"))
    return [*lines[:MOST_LOGGED], f"{len(rest)} more files: {records} records of {count} lines"]


def _told(session: Session, name: str, landed: Sequence[LandedFile], plan: LandingPlan) -> dict[str, Any]:
    ledger = session.rows(
        """select source_file, line_count, record_count, malformed_line_count, unknown_columns, source_hash
        from raw.files where raw_set = $raw_set order by source_file desc limit 50""",
        {"raw_set": name},
    )
    head = "| file | lines | records | malformed | columns not loaded | sha256 |\n|---|---|---|---|---|---|\n"
    rows = "\n".join(
        f"| {file} | {lines:,} | {records:,} | {malformed:,} | {unknown or ''} | `{sha[:12]}` |"
        for file, lines, records, malformed, unknown, sha in ledger
    )
    return {
        "files": dg.MetadataValue.md(head + rows),
        "files_landed": len(landed),
        "files_unchanged": len(plan.unchanged),
        "second_copies": len(plan.second_copies),
    }
