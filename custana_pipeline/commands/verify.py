"""`custana verify`: reads everything that custana has written, says what is damaged, and mends it when asked to."""

import datetime as dt
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from custana_pipeline.commands.terminal import terminal
from custana_pipeline.errors import DataFault
from custana_pipeline.orchestration.one_run import hearing
from custana_pipeline.stores import housekeeping
from custana_pipeline.stores.repair import Mender
from custana_pipeline.stores.run_lock import Turn, holding_turn
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.verification import DAMAGED, Finding, Places, verify
from custana_pipeline.stores.warehouse import Warehouse

SHOWN = {"whole": "whole    ", "damaged": "DAMAGED  ", "left over": "left over"}


def verify_and_tell(settings: Settings, *, repairs: bool) -> int:
    """Prints a finding a line; returns 0 where all is whole, also after a repair, and 3 where something is damaged."""
    console, places = terminal(), Places(settings.data_dir)
    with ExitStack() as stack, hearing(lambda _, told: console.print(f"custana: {told}")):
        # in one order, or two that look through several warehouses wait for each other
        for warehouse in sorted({*places.warehouses, settings.warehouse_path}):
            stack.enter_context(holding_turn(Turn(warehouse, wait_seconds=settings.run_wait_seconds)))
        found = _look(console, places)
        if repairs:
            for deed in Mender.at(places, dt.datetime.now(dt.UTC)).mend(found):
                console.print(deed)
            _slim(console, settings, places)
            console.print()
            found = _look(console, places)
    damaged = [finding for finding in found if finding.state == DAMAGED]
    if damaged:
        raise DataFault(_advice(damaged, repairs=repairs))
    console.print("Everything that custana has written is whole.")
    return 0


def _look(console: Console, places: Places) -> list[Finding]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    found = []
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("looking", total=None)
        for finding in verify(places, lambda name: progress.update(task, description=name)):
            found.append(finding)
            console.print(f"{SHOWN[finding.state]}  {_below(finding.path, places.data)}: {finding.told}")
    return found


def _slim(console: Console, settings: Settings, places: Places) -> None:
    for path in places.warehouses:
        if housekeeping.slim(Warehouse(path, settings.duckdb_memory_limit, settings.duckdb_threads)):
            console.print(f"{path.name}: written anew without the blocks that held nothing.")


def _advice(damaged: list[Finding], *, repairs: bool) -> str:
    names = ", ".join(sorted({finding.kind for finding in damaged}))
    if repairs:
        return f"{len(damaged)} thing(s) could not be mended ({names}): `custana run` makes them anew."
    return (
        f"{len(damaged)} thing(s) damaged ({names}). Nothing is published from a damaged warehouse. `custana verify "
        "--repair` moves them to data/damaged, restores the warehouse from its last snapshot and points CURRENT to the "
        "newest whole version; then `custana run` takes in what came since."
    )


def _below(path: Path, data: Path) -> Path:
    return path.relative_to(data) if path.is_relative_to(data) else path
