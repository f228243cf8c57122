"""Mended lines in the place of the rejected ones that they were, with a ledger that outlives a second landing.

raw.replays holds each mended line with the hash of the file that it belongs to: it is put in whenever that very file is
landed, and has no effect once the file has another content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from custana_pipeline.stores.landing_loaders import LoadedCounts
from custana_pipeline.stores.landing_statements import FILES_TABLE, MALFORMED_TABLE

REPLAYS_TABLE = "raw.replays"
REPLAYS_COLUMNS = (
    "raw_set varchar, source_file varchar, source_hash varchar, source_line bigint, replay_hash varchar, "
    "replay_line bigint, names varchar[], texts varchar[]"
)


@dataclass(frozen=True)
class LineKey:
    """One physical line of one state of a file."""

    source_file: str
    source_hash: str
    source_line: int


@dataclass(frozen=True)
class MendedLine:
    """What a line shall say instead: raw column -> text, and where in the replayed file it stands."""

    key: LineKey
    texts: Mapping[str, str | None]
    replay_hash: str
    replay_line: int


def prepare_replays(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the ledger where it is missing."""
    connection.execute(f"create table if not exists {REPLAYS_TABLE} ({REPLAYS_COLUMNS})")


def has_replays(connection: duckdb.DuckDBPyConnection, raw_set: str) -> bool:
    """Whether the ledger has any mended line of a raw set; after `prepare_replays`."""
    query = f"select count(*) from {REPLAYS_TABLE} where raw_set = $raw_set"
    return connection.execute(query, {"raw_set": raw_set}).fetchall()[0][0] > 0


def replayed_texts(connection: duckdb.DuckDBPyConnection, raw_set: str) -> dict[LineKey, dict[str, str | None]]:
    """The mended lines of a raw set that are in the ledger and in force: their files still have that content."""
    prepare_replays(connection)
    rows = connection.execute(
        f"select source_file, source_hash, source_line, names, texts from {REPLAYS_TABLE} where raw_set = $raw_set "
        f"and (source_file, source_hash) in (select (source_file, source_hash) from {FILES_TABLE} "
        "where raw_set = $raw_set)",
        {"raw_set": raw_set},
    ).fetchall()
    return {
        LineKey(file, content, line): dict(zip(names, texts, strict=True)) for file, content, line, names, texts in rows
    }


def take_in(connection: duckdb.DuckDBPyConnection, raw_set: str, lines: Sequence[MendedLine]) -> None:
    """Enter mended lines into the ledger, put them in place of the old ones, and correct the counts of their files.

    Call it within a transaction.
    """
    prepare_replays(connection)
    for line in lines:
        key = [raw_set, line.key.source_file, line.key.source_hash, line.key.source_line]
        connection.execute(
            f"delete from {REPLAYS_TABLE} where raw_set = ? and source_file = ? and source_hash = ? "
            "and source_line = ?",
            key,
        )
        values = [*key, line.replay_hash, line.replay_line, list(line.texts), list(line.texts.values())]
        connection.execute(f"insert into {REPLAYS_TABLE} values (?, ?, ?, ?, ?, ?, ?, ?)", values)
    for file, content in sorted({(line.key.source_file, line.key.source_hash) for line in lines}):
        counts = put_in(connection, raw_set, (file, content), LoadedCounts(0))
        connection.execute(
            f"update {FILES_TABLE} set record_count = record_count + ?, "
            "malformed_line_count = malformed_line_count + ? where raw_set = ? and source_file = ? and source_hash = ?",
            [counts.record, counts.malformed, raw_set, file, content],
        )


def put_in(
    connection: duckdb.DuckDBPyConnection, raw_set: str, file: tuple[str, str], counts: LoadedCounts
) -> LoadedCounts:
    """Put the ledger's lines of a landed (file name, sha256) in place of the old ones; returns the counts then."""
    given = {"raw_set": raw_set, "file": file[0], "content": file[1]}
    its = "raw_set = $raw_set and source_file = $file and source_hash = $content"
    mended = connection.execute(f"select count(*) from {REPLAYS_TABLE} where {its}", given).fetchall()[0][0]
    if not mended:
        return counts
    lines = f"source_line in (select source_line from {REPLAYS_TABLE} where {its})"
    malformed = connection.execute(f"delete from {MALFORMED_TABLE} where {its} and {lines}", given).fetchall()[0][0]
    records = connection.execute(
        f"delete from raw.{raw_set} where source_file = $file and source_hash = $content and {lines}", given
    ).fetchall()[0][0]
    names = [
        name
        for (name,) in connection.execute(
            "select column_name from information_schema.columns where table_schema = 'raw' and table_name = ? "
            "and ordinal_position > 3 order by ordinal_position",
            [raw_set],
        ).fetchall()
    ]
    shown = ", ".join(f"nullif(texts[list_position(names, '{name}')], '')" for name in names)
    connection.execute(
        f"insert into raw.{raw_set} (source_file, source_hash, source_line, {', '.join(names)}) "
        f"select source_file, source_hash, source_line, {shown} from {REPLAYS_TABLE} where {its}",
        given,
    )
    return replace(counts, record=counts.record - records + mended, malformed=counts.malformed - malformed)
