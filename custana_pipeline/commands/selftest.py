"""`custana selftest`: tries the faults of the catalogue on the installed project and writes what came of each."""

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from custana_pipeline.commands.terminal import terminal
from custana_pipeline.errors import WrongUse
from custana_pipeline.orchestration.project import Project
from custana_pipeline.selftest.catalogue import CATALOGUE
from custana_pipeline.selftest.page import Occasion, render, summary
from custana_pipeline.selftest.runner import Plan, run_trials, trials_of
from custana_pipeline.selftest.trial import Verdict
from custana_pipeline.stores.durable_files import replace_text
from custana_pipeline.stores.settings import Settings

PAGE = Path("bench") / "trust.md"
SHOWN = {"pass": "[green]pass[/green]   ", "fail": "[red]fail[/red]   ", "not run": "[yellow]not run[/yellow]"}


def selftest(settings: Settings, ids: Sequence[str], *, is_full: bool, processes: int, out: Path | None) -> int:
    """Runs the trials, tells each, and writes the page; returns 1 where any has failed, else 0.

    The page goes to `out`, or to bench/trust.md when all entries were asked for.
    """
    console, began = terminal(), time.monotonic()
    plan = Plan(_chosen(ids), is_full=is_full, processes=processes)
    form = "full" if is_full else "quick"
    console.print(f"custana selftest: {len(plan.ids)} faults, {form} form, {processes} at a time")
    verdicts = _told_as_they_end(console, plan)
    seconds = time.monotonic() - began
    console.print(f"\n{summary(verdicts)} ({seconds:.0f} s)")
    page = out or (settings.project_dir / PAGE if not ids else None)
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        replace_text(
            page, render(verdicts, Occasion(form, Project(settings).code_version, _machine(), seconds, processes))
        )
        console.print(f"Written to {page}")
    return 1 if any(verdict.state == "fail" for verdict in verdicts) else 0


def _chosen(ids: Sequence[str]) -> tuple[str, ...]:
    known = [entry.id for entry in CATALOGUE]
    wanted = [entry.upper() for entry in ids]
    strange = [entry for entry in wanted if not any(_fits(entry, each) for each in known)]
    if strange:
        raise WrongUse(f"There is no fault {', '.join(strange)}: choose among {known[0]} ... {known[-1]}, or A to F.")
    return tuple(each for each in known if not wanted or any(_fits(entry, each) for entry in wanted))


def _fits(wanted: str, entry: str) -> bool:
    return wanted == entry or wanted == entry[0]


def _told_as_they_end(console: Console, plan: Plan) -> list[Verdict]:
    faults = {entry.id: entry.fault for entry in CATALOGUE}
    columns = (TextColumn("faults"), BarColumn(bar_width=32), MofNCompleteColumn(), TimeElapsedColumn())
    total = sum(len(set(each.ids) & set(plan.ids)) for each in trials_of(plan.ids))
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("faults", total=total)

        def heard(verdict: Verdict) -> None:
            told = f": {verdict.told}" if verdict.told else ""
            line = f"{verdict.id:<4} {SHOWN[verdict.state]} {verdict.seconds:6.1f} s  {faults[verdict.id]}"
            progress.console.print(line, markup=True, end="")
            progress.console.print(told)
            progress.update(bar, advance=1)

        return run_trials(plan, heard)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {memory:.0f} GB, Python {platform.python_version()}, {platform.system()}"
