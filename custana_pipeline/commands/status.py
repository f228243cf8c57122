"""`custana status`: what is published, what has been landed, and which models serve."""

from rich.console import Console

from custana_pipeline.commands.terminal import plain_table, terminal
from custana_pipeline.errors import CustanaError
from custana_pipeline.stores.publishing import current, read_manifest
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.warehouse import Warehouse


def show_status(settings: Settings) -> int:
    """Prints the state of the active source; changes nothing."""
    console = terminal()
    console.print(f"source     {settings.source}: {settings.pack.description}")
    console.print(f"input      {settings.input or settings.pack.input}")
    try:
        version = current(settings.published_dir)
        manifest = read_manifest(version)
        console.print(
            f"published  {version.name} of {manifest['source']}, {len(manifest['files'])} files", highlight=False
        )
    except CustanaError as error:
        console.print(f"published  {error}")
    if not settings.warehouse_path.exists():
        console.print("warehouse  none yet: `custana run` builds it")
        return 0
    with Warehouse(settings.warehouse_path).reading() as session:
        _print(console, "Files", _files(session))
        _print(console, "Models", _models(session))
    return 0


def _files(session: Session) -> tuple[tuple[str, ...], list[tuple]]:
    headings = ("raw set", "file", "lines", "records", "malformed", "sha256")
    if not session.exists("raw.files"):
        return headings, []
    query = """select raw_set, source_file, line_count, record_count, malformed_line_count, substr(source_hash, 1, 12)
        from raw.files order by raw_set, source_file"""
    return headings, session.rows(query)


def _models(session: Session) -> tuple[tuple[str, ...], list[tuple]]:
    headings = ("as of", "analysis", "target", "champion", "best naive", "state")
    if not session.exists("models.champions"):
        return headings, []
    query = """select as_of, analysis, coalesce(target, ''), coalesce(candidate, ''), coalesce(best_naive, ''), state
        from models.champions qualify dense_rank() over (order by as_of desc) <= 3
        order by as_of desc, analysis, target"""
    return headings, session.rows(query)


def _print(console: Console, title: str, shown: tuple[tuple[str, ...], list[tuple]]) -> None:
    headings, rows = shown
    table = plain_table(title, headings)
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row))
    console.print()
    console.print(table)
