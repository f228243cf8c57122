"""The loading of an inspected file into raw.<set>: all text, each record with its file, hash and physical line.

    prepare        makes raw.<set>, the ledger raw.files and raw.malformed_lines
    plan_landing   which of the present files are new or changed, and which are a second copy of another
    land           replaces the rows of one file
    land_all       the same for several files of one raw set

They change several tables and open no transaction: call them within one, so that a file lands whole or not at all.
The law of lines holds for whatever lands: line_count = header + blank + record + continuation + malformed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from custana_pipeline.errors import BadFile, CustanaError, Transient
from custana_pipeline.raw.contracts import InspectedFile, RawSetShape
from custana_pipeline.raw.file_stamps import refuse_changed
from custana_pipeline.stores import faults
from custana_pipeline.stores.landing_groups import MOST_TOGETHER, groups_of, told_of
from custana_pipeline.stores.landing_loaders import Connection, LoadedCounts, load, load_together
from custana_pipeline.stores.landing_statements import (
    FILES_TABLE,
    LEDGER_COLUMNS,
    MALFORMED_COLUMNS,
    MALFORMED_TABLE,
    STAMPS_COLUMNS,
    STAMPS_TABLE,
    create_raw,
)
from custana_pipeline.stores.replays import has_replays, prepare_replays, put_in


@dataclass(frozen=True)
class LandedFile:
    """The ledger row of a landed file: how its physical lines divide."""

    raw_set: str
    source_file: str
    source_hash: str
    byte_count: int
    line_count: int
    header_line_count: int
    blank_line_count: int
    record_count: int
    malformed_line_count: int
    continuation_line_count: int
    unknown_columns: str


@dataclass(frozen=True)
class LandingPlan:
    """File names by what has to be done: `second_copies` maps a file to the one of the same content."""

    to_land: tuple[str, ...]
    unchanged: tuple[str, ...]
    second_copies: dict[str, str]


def prepare(connection: Connection, shape: RawSetShape) -> None:
    """Make the tables of a raw set where they are missing, and begin it anew where its columns were changed."""
    connection.execute("create schema if not exists raw")
    connection.execute(f"create table if not exists {FILES_TABLE} ({LEDGER_COLUMNS})")
    connection.execute(f"create table if not exists {MALFORMED_TABLE} ({MALFORMED_COLUMNS})")
    prepare_replays(connection)
    connection.execute(f"create table if not exists {STAMPS_TABLE} ({STAMPS_COLUMNS})")
    if not _is_there(connection, shape):
        connection.execute(create_raw(shape))
    stored = connection.execute(f"select name from pragma_table_info('raw.{shape.name}')").fetchall()
    if [name for (name,) in stored][3:] != list(shape.columns):
        connection.execute(f"drop table raw.{shape.name}")
        connection.execute(create_raw(shape))
        for table in (FILES_TABLE, MALFORMED_TABLE):
            connection.execute(f"delete from {table} where raw_set = $raw_set", {"raw_set": shape.name})


def _is_there(connection: Connection, shape: RawSetShape) -> bool:
    query = "select count(*) from duckdb_tables() where schema_name = 'raw' and table_name = $name"
    return connection.execute(query, {"name": shape.name}).fetchall()[0][0] > 0


def known_hashes(connection: Connection, shape: RawSetShape, stamps: Mapping[str, str]) -> dict[str, str]:
    """The sha256 of each file of the ledger that was read with its stamp of now (name -> stamp); after `prepare`."""
    rows = connection.execute(
        f"select source_file, stamp, source_hash from {STAMPS_TABLE} "
        f"semi join {FILES_TABLE} using (raw_set, source_file, source_hash) where raw_set = $raw_set",
        {"raw_set": shape.name},
    ).fetchall()
    return {name: content for name, stamp, content in rows if stamp and stamps.get(name) == stamp}


def landed_contents(connection: Connection) -> dict[tuple[str, str], str]:
    """The sha256 of each file of the ledger, by raw set and name; after `prepare`."""
    rows = connection.execute(f"select raw_set, source_file, source_hash from {FILES_TABLE}").fetchall()
    return {(name, file): content for name, file, content in rows}


def note_stamps(connection: Connection, shape: RawSetShape, read: Sequence[tuple[str, str, str]]) -> None:
    """Keep the (file name, sha256, stamp) of files that were read, in place of what was kept of these names."""
    if not read:
        return
    names, contents, stamps = map(list, zip(*read, strict=True))
    its = "raw_set = $raw_set and source_file in (select unnest($names))"
    connection.execute(f"delete from {STAMPS_TABLE} where {its}", {"raw_set": shape.name, "names": names})
    connection.execute(
        f"insert into {STAMPS_TABLE} select $raw_set, * from (select unnest($names), unnest($contents), "
        "unnest($stamps) as stamp) where stamp <> ''",
        {"raw_set": shape.name, "names": names, "contents": contents, "stamps": stamps},
    )


def plan_landing(connection: Connection, shape: RawSetShape, present: Sequence[tuple[str, str]]) -> LandingPlan:
    """Decide for the (file name, sha256) pairs that are there now; after `prepare`.

    A file is landed when it is new, its content changed, or the declaration of its set did. Of files with the same
    content one is landed: the one that is in already, else the first by name. Files that are gone stay landed.
    """
    ledger = connection.execute(
        f"select source_file, source_hash, shape_digest, duplicate_of from {FILES_TABLE} where raw_set = $raw_set",
        {"raw_set": shape.name},
    ).fetchall()
    names = dict(present)
    landed = {
        name: content
        for name, content, digest, duplicate_of in ledger
        if duplicate_of is None and digest == shape.digest and names.get(name, content) == content
    }
    holder = {content: name for name, content in landed.items()}
    to_land, unchanged, second_copies = [], [], {}
    for name, content in sorted(present):
        if landed.get(name) == content:
            unchanged.append(name)
        elif content in holder:
            second_copies[name] = holder[content]
        else:
            to_land.append(name)
            holder[content] = name
    return LandingPlan(tuple(to_land), tuple(unchanged), second_copies)


def needs_landing(connection: Connection, shape: RawSetShape, source_file: str, source_hash: str) -> bool:
    """Whether this one file is new or changed, and no copy of another that is landed; after `prepare`."""
    return source_file in plan_landing(connection, shape, [(source_file, source_hash)]).to_land


def note_second_copy(connection: Connection, shape: RawSetShape, copy: tuple[str, str], original: str) -> None:
    """Put a (file name, sha256) whose content is landed under the name `original` into the ledger, with no lines."""
    source_file, source_hash = copy
    _forget(connection, shape.name, source_file)
    landed = LandedFile(shape.name, source_file, source_hash, 0, 0, 0, 0, 0, 0, 0, "")
    _enter(connection, [landed], shape.digest, original)


def land(connection: Connection, inspected: InspectedFile) -> LandedFile:
    """Replace the rows of one file in raw.<set>, raw.malformed_lines and the ledger, and return its counts.

    Raises BadFile where the lines do not add up, Transient where the file changed since its inspection, and what
    `faults` tells of too little memory or disk; the caller's transaction then takes everything back.
    """
    return land_all(connection, [inspected])[0]


def land_all(connection: Connection, files: Sequence[InspectedFile]) -> list[LandedFile]:
    """The same for the files of one raw set; small ones that are alike are loaded together."""
    if not files:
        return []
    shape = files[0].shape
    prepare(connection, shape)
    for name in _known_among(connection, files):
        _forget(connection, shape.name, name)
    landed = [each for group in groups_of(files) for each in _land_group(connection, group)]
    _enter(connection, landed, shape.digest, None)
    return landed


def _known_among(connection: Connection, files: Sequence[InspectedFile]) -> list[str]:
    """Those of the files whose names the ledger has; of others there is nothing to be forgotten."""
    query = f"select source_file from {FILES_TABLE} where raw_set = $raw_set"
    known = {name for (name,) in connection.execute(query, {"raw_set": files[0].shape.name}).fetchall()}
    return [each.source_file for each in files if each.source_file in known]


def _land_group(connection: Connection, group: Sequence[InspectedFile]) -> list[LandedFile]:
    try:
        counts = load_together(connection, group) if len(group) > 1 else [load(connection, group[0])]
    except Exception as fault:
        raise _fault_of(group, fault) from None
    if counts is None:
        return [landed for each in group for landed in _land_group(connection, [each])]
    mended = has_replays(connection, group[0].shape.name)
    landed = []
    for each, loaded in zip(group, counts, strict=True):
        content = (each.source_file, each.source_hash)
        landed.append(_checked(each, put_in(connection, each.shape.name, content, loaded) if mended else loaded))
    return landed


def _fault_of(files: Sequence[InspectedFile], fault: Exception) -> Exception:
    """Why files could not be loaded: too little memory or disk, that one was written meanwhile, or what is in it."""
    own = None if isinstance(fault, CustanaError) else faults.told(fault)
    if own is not None:
        return own
    try:
        for each in files:
            refuse_changed(each)
    except Transient as changed:
        return changed
    if isinstance(fault, duckdb.Error):
        # the library's text quotes the offending line, so only its kind is told
        kind = type(fault).__name__
        return BadFile(f"{told_of(files)}: DuckDB cannot read it ({kind}): write or export it again.")
    return fault


def _forget(connection: Connection, raw_set: str, source_file: str) -> None:
    """Delete what is stored of a file of that name; a file without an entry in the ledger has nothing."""
    given = {"raw_set": raw_set, "file": source_file}
    its = "raw_set = $raw_set and source_file = $file"
    if not connection.execute(f"delete from {FILES_TABLE} where {its}", given).fetchall()[0][0]:
        return
    connection.execute(f"delete from raw.{raw_set} where source_file = $file", {"file": source_file})
    connection.execute(f"delete from {MALFORMED_TABLE} where {its}", given)


def _checked(inspected: InspectedFile, counts: LoadedCounts) -> LandedFile:
    """The ledger row, once the law of lines holds and the file is still the inspected one."""
    name = inspected.source_file
    refuse_changed(inspected)
    parts = (inspected.header_line_count, counts.blank, counts.record, counts.continuation, counts.malformed)
    if sum(parts) != inspected.line_count:
        raise BadFile(
            f"{name}: of {inspected.line_count} lines {sum(parts)} can be told apart (header, blank, records, "
            f"continuations, malformed: {parts}): check its quotes and line ends, then export it again."
        )
    return LandedFile(
        raw_set=inspected.shape.name,
        source_file=name,
        source_hash=inspected.source_hash,
        byte_count=inspected.byte_count,
        line_count=inspected.line_count,
        header_line_count=inspected.header_line_count,
        blank_line_count=counts.blank,
        record_count=counts.record,
        malformed_line_count=counts.malformed,
        continuation_line_count=counts.continuation,
        unknown_columns=", ".join(inspected.unknown_columns),
    )


def _enter(connection: Connection, landed: Sequence[LandedFile], shape_digest: str, duplicate_of: str | None) -> None:
    for first in range(0, len(landed), MOST_TOGETHER):
        rows = [(*vars(each).values(), shape_digest, duplicate_of) for each in landed[first : first + MOST_TOGETHER]]
        places = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
        connection.execute(f"insert into {FILES_TABLE} values {places}", [value for row in rows for value in row])
