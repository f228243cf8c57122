"""`custana quarantine`: the lines that could not be used, by reason; and, with --export, as a file to mend."""

import csv
import io
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from custana_pipeline.commands.terminal import plain_table, terminal
from custana_pipeline.errors import WrongUse
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.quarantine import QuarantinedLine, judged_lines, quarantined_lines, texts_of
from custana_pipeline.orchestration.replaying import KEY_HEADERS, RAW_LINE_HEADER, data_headers
from custana_pipeline.stores.run_lock import Turn, holding_turn
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.settings import Settings

SAMPLES = 10


def show_quarantine(settings: Settings, reason: str | None, table: str | None, export: Path | None) -> int:
    """Prints counts, money and positions by reason, never a value; writes the lines themselves to `export`, if given.

    Raises WrongUse where `export` exists already, or the lines to export are of files of different shapes.
    """
    project = Project(settings)
    with (
        holding_turn(Turn(settings.warehouse_path, wait_seconds=settings.run_wait_seconds)),
        judged_lines(project) as at,
    ):
        lines = [
            line
            for line in quarantined_lines(at, project)
            if reason in (None, line.reason) and table in (None, line.table)
        ]
        written = _export(at, project, lines, export) if export else ""
    console = terminal()
    shown = plain_table("", ("table", "reason", "column", "lines", "money"))
    for group in _groups(lines):
        shown.add_row(*_told(group))
    console.print(f"{len(lines):,} lines of {settings.source} are in quarantine.")
    if lines:
        console.print(shown)
        for group in _groups(lines):
            console.print(f"{group[0].table}, {group[0].reason}: {_places(group)}")
    if written:
        console.print(written)
    elif lines:
        console.print("To mend them: custana quarantine --table T --export FILE.csv, then custana replay FILE.csv")
    return 0


def _groups(lines: Sequence[QuarantinedLine]) -> list[list[QuarantinedLine]]:
    found: dict[tuple[str, str], list[QuarantinedLine]] = {}
    for line in lines:
        found.setdefault((line.table, line.reason), []).append(line)
    return sorted(found.values(), key=lambda group: (group[0].table, -len(group), group[0].reason))


def _told(group: Sequence[QuarantinedLine]) -> tuple[str, ...]:
    amounts = [line.amount for line in group if line.amount is not None]
    money = f"{sum(amounts, Decimal(0)):,}" if amounts else ""
    first = group[0]
    return first.table, first.reason, first.column, f"{len(group):,}", money


def _places(group: Sequence[QuarantinedLine]) -> str:
    """File and line of the first few."""
    told = ", ".join(f"{line.key.source_file}:{line.key.source_line}" for line in group[:SAMPLES])
    return told + (f" and {len(group) - SAMPLES:,} more" if len(group) > SAMPLES else "")


def _export(session: Session, project: Project, lines: Sequence[QuarantinedLine], path: Path) -> str:
    sets = sorted({line.raw_set for line in lines})
    if len(sets) != 1:
        raise WrongUse(
            f"These lines are of {', '.join(sets) or 'no file'}: one export holds those of one kind of file, so choose "
            "with --table."
        )
    headers = data_headers(project.settings.pack.raw[sets[0]])
    texts = texts_of(session, sets[0], list(headers))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*KEY_HEADERS, *headers.values(), RAW_LINE_HEADER])
    for line in lines:
        key = line.key
        content = ["" if text is None else text for text in texts[key]]
        writer.writerow([line.raw_set, key.source_file, key.source_hash, key.source_line, line.reason, *content])
    _write_for_the_owner_alone(path, stream.getvalue())
    return (
        f"{len(lines):,} lines are in {path}, which only you can read: it holds customers' values, so delete it after "
        f"the replay. Correct its cells, leave the first {len(KEY_HEADERS)} columns as they are, then: "
        f"custana replay {path}"
    )


def _write_for_the_owner_alone(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise WrongUse(f"{path} is there already: choose another name for --export, or delete it.") from None
    except OSError as fault:
        raise WrongUse(f"{path} cannot be written ({fault.strerror}): choose another name for --export.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
