"""The way back of mended lines: each takes the place of the rejected line that it was, so nothing is counted twice."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from custana_pipeline.errors import BadFile, DataFault
from custana_pipeline.orchestration.assets.cleaned import clean_table
from custana_pipeline.orchestration.audits import CONTRACTS, counting_parameters
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.quarantine import judged_lines, prepare_sets, quarantined_lines
from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.raw.exact_csv import read_batches
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.stores.packs import RawSet
from custana_pipeline.stores.replays import LineKey, MendedLine, replayed_texts, take_in

KEY_HEADERS = ("quarantine_set", "quarantine_file", "quarantine_hash", "quarantine_line", "quarantine_reason")
RAW_LINE_HEADER = "quarantine_raw_line"
_KEY_NAMES = {f"at_{name.removeprefix('quarantine_')}": name for name in KEY_HEADERS[:4]}


@dataclass(frozen=True)
class Replayed:
    """What came of a replay."""

    taken_in: int
    already_there: int
    became: Mapping[str, int]
    """kept, or the reason why a mended line is still not -> lines."""


def data_headers(raw_set: RawSet) -> dict[str, str]:
    """Raw column -> the header that it has in an export."""
    return dict(raw_set.headers) if raw_set.format == "csv" else {name: name for name in raw_set.headers}


def replay(project: Project, path: Path) -> Replayed:
    """Take the mended lines of an export back in; within the turn of a run.

    Raises BadFile where the file is not such an export, and DataFault, with nothing changed, where one of its lines is
    not in quarantine. Once the lines are in, the cleaned tables are built anew and may be stopped as in any run.
    """
    raw_set, lines = _read(project, path)
    with judged_lines(project) as session:
        waiting = {line.key for line in quarantined_lines(session, project) if line.raw_set == raw_set}
        known = replayed_texts(session.connection, raw_set)
    new = [line for line in lines if known.get(line.key) != line.texts]
    _refuse_strangers(path, new, waiting)
    if new:
        with project.warehouse.transaction() as session:
            take_in(session.connection, raw_set, new)
        _clean(project)
    return Replayed(len(new), len(lines) - len(new), _became(project, raw_set, new))


def _read(project: Project, path: Path) -> tuple[str, list[MendedLine]]:
    """The raw set of an export and its lines."""
    keys = RawSetShape("replay", _KEY_NAMES)
    first = inspect_file(path, keys)
    records = [record for batch in read_batches(first) for record in batch.records]
    sets = {record[first.positions["at_set"] or 0] for record in records}
    if len(sets) != 1 or not sets <= project.settings.pack.raw.keys():
        raise BadFile(
            f"{path.name}: its lines have to be of one raw set of source '{project.settings.source}': replay what "
            "`custana quarantine --export` has written."
        )
    name = sets.pop()
    headers = data_headers(project.settings.pack.raw[name])
    inspected = inspect_file(path, RawSetShape("replay", {**_KEY_NAMES, **headers}, optional=tuple(headers)))
    lines = []
    for batch in read_batches(inspected):
        if batch.malformed:
            broken = batch.malformed[0]
            raise BadFile(f"{path.name}: line {broken.source_line} is malformed ({broken.reason}): mend it.")
        for place, record in zip(batch.lines, batch.records, strict=True):
            cells = {column: record[at] if at is not None else None for column, at in inspected.positions.items()}
            lines.append(_mended(cells, list(headers), (inspected.source_hash, place, path.name)))
    _refuse_repeated(path, lines)
    return name, lines


def _mended(cells: Mapping[str, str | None], columns: Sequence[str], at: tuple[str, int, str]) -> MendedLine:
    content, place, name = at
    number = str(cells["at_line"] or "").strip()
    if not number.isascii() or not number.isdigit():
        raise BadFile(f"{name}: line {place}: quarantine_line is no number: leave that column as it was exported.")
    key = LineKey(str(cells["at_file"]), str(cells["at_hash"]), int(number))
    return MendedLine(key, {column: cells[column] or None for column in columns}, content, place)


def _refuse_repeated(path: Path, lines: Sequence[MendedLine]) -> None:
    keys = Counter(line.key for line in lines)
    for line in lines:
        if keys[line.key] > 1:
            raise BadFile(
                f"{path.name}: line {line.replay_line} mends a line that another one mends: keep one of them."
            )


def _refuse_strangers(path: Path, lines: Sequence[MendedLine], waiting: set[LineKey]) -> None:
    strangers = [line.replay_line for line in lines if line.key not in waiting]
    if strangers:
        raise DataFault(
            f"{path.name}: {len(strangers):,} of its lines mend lines that are not in quarantine (first on line "
            f"{strangers[0]}), since these are in order, or their file has changed: export the quarantine again. "
            "Nothing was changed."
        )


def _clean(project: Project, as_of: dt.date | None = None) -> None:
    """Builds the cleaned tables and their counts in one act, with everything that is asked of them in a run."""
    with project.warehouse.transaction() as session:
        session.prepare()
        prepare_sets(session, project)
        for table in CONTRACTS:
            clean_table(session, project, table, as_of)
        for name in ("cleaned.line_counts", "cleaned.repairs"):
            session.build(project.models[name], counting_parameters(project))


def _became(project: Project, raw_set: str, lines: Sequence[MendedLine]) -> dict[str, int]:
    """What the table that reads these lines makes of them; nothing where none does."""
    table = next((name for name in CONTRACTS if f"raw.{raw_set}" in project.models.raw_tables(name)), None)
    if table is None:
        return {}
    wanted = {(line.key.source_file, line.key.source_line) for line in lines}
    files = sorted({file for file, _ in wanted})
    with project.warehouse.reading() as session:
        rows = session.rows(
            f"""select source_file, source_line, coalesce(reason, 'kept') from cleaned.{table}_lines
            where source_file in (select unnest($files))""",
            {"files": files},
        )
    return dict(Counter(reason for file, line, reason in rows if (file, line) in wanted))
