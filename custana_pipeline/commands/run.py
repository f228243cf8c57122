"""`custana run`: the chain with a progress bar a stage, and at the end a short table that says where to look."""

import math
import time
from contextlib import suppress

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from custana_pipeline.cleaned.gate import refuse_disabled_checks
from custana_pipeline.commands.terminal import plain_table, terminal
from custana_pipeline.errors import CustanaError, NotTrainable
from custana_pipeline.orchestration.alerting import telling_of_faults
from custana_pipeline.orchestration.code_location import definitions_of
from custana_pipeline.orchestration.days import parse_day, refuse_day_outside
from custana_pipeline.orchestration.one_run import hearing
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.run import STAGES, RunOutcome, run_chain, stage_of, step_counts
from custana_pipeline.orchestration.summary import RunSummary, summarise
from custana_pipeline.stores import receipts
from custana_pipeline.stores.landing_sql import landed_contents
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline.stores.settings import Settings


class StageBars:
    """One bar a stage, advanced by the events of the run; nothing is drawn when piped."""

    def __init__(self, console: Console, counts: dict[str, int]) -> None:
        self.progress = Progress(
            TextColumn("{task.description:<13}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[step]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self.bars: dict[str, TaskID] = {
            stage: self.progress.add_task(stage, total=counts[stage], start=False, step="") for stage in STAGES
        }

    def heard(self, step_key: str, happening: str) -> None:
        """Moves the bar of the step's stage."""
        bar = self.bars[stage_of(step_key)]
        name = step_key.split("__", 1)[1].replace("_", " ")
        if happening == "started":
            self.progress.start_task(bar)
            self.progress.update(bar, step=name)
        else:
            rows = PROFILE.tables.get(step_key.replace("__", ".", 1))
            told = "" if rows is None else f"{name} {rows:,} rows"
            self.progress.update(bar, advance=1, step=told if happening == "done" else happening)
        task = self.progress.tasks[self.progress.task_ids.index(bar)]
        if task.finished:
            self.progress.stop_task(bar)


def run_and_tell(settings: Settings, as_of: str | None) -> int:
    """Runs the chain and prints what came of it.

    Raises NotTrainable where a model could not be trained, so that nothing was published.
    """
    console = terminal()
    day = parse_day(as_of) if as_of else None
    if day is not None:
        refuse_day_outside(settings.pack, day)
    refuse_disabled_checks()
    began = time.monotonic()
    console.print(f"custana: source {settings.source}, horizon {settings.horizon_days} days")
    project = Project(settings)
    definitions = definitions_of(project)
    bars = StageBars(console, step_counts(settings, definitions))
    with telling_of_faults(settings):
        begun = receipts.beginning(settings)
        with bars.progress, hearing(lambda _, told: console.print(f"custana: {told}")):
            outcome = run_chain(project, day, bars.heard, definitions)
        summary = summarise(project, outcome)
    if outcome.has_published and outcome.as_of is not None and outcome.next_day is not None:
        receipts.keep(settings, begun, (outcome.as_of, outcome.next_day), _landed(project) if begun else {})
    show(console, settings, summary, outcome, time.monotonic() - began)
    if summary.untrainable:
        raise NotTrainable(
            f"NOT_TRAINABLE, so nothing was published and what was stays. {_reasons(summary.untrainable)}"
        )
    return 0


def _landed(project: Project) -> dict[tuple[str, str], str]:
    """What was landed of each file; nothing where somebody keeps the warehouse: files with other stamps are news then,
    which is no reason for a run that has published to fail."""
    with suppress(CustanaError), project.warehouse.reading() as session:
        return landed_contents(session.connection)
    return {}


def _reasons(untrainable: dict[str, str]) -> str:
    """Each reason once, with the analyses that it holds for."""
    holding = {
        reason: [name for name, told in untrainable.items() if told == reason] for reason in untrainable.values()
    }
    return " ".join(f"{' and '.join(names)}: {reason.rstrip('.')}." for reason, names in holding.items())


def show(console: Console, settings: Settings, summary: RunSummary, outcome: RunOutcome, seconds: float) -> None:
    """Prints the summary tables."""
    lines = plain_table(f"Lines of {settings.source}", ("table", "in", "kept", "set aside", "rejected"), numbers_from=1)
    for row in summary.lines:
        lines.add_row(row.table, *(f"{number:,}" for number in (row.read, row.kept, row.set_aside, row.rejected)))
    console.print()
    console.print(lines)
    for warning in summary.warnings:
        console.print(Text.assemble(("warning", "yellow"), f"    {warning}"))
    for reason in summary.absent:
        console.print(reason, style="dim")
    if summary.models:
        console.print()
        console.print(_models(summary, outcome))
    stages = ", ".join(f"{stage} {took:.1f} s" for stage, took in outcome.stage_seconds.items() if took)
    console.print()
    console.print(f"Customers  {summary.customers:,} with a purchase before {outcome.as_of}")
    console.print(f"Time       {seconds:.1f} s ({stages}), peak memory {summary.peak_memory_gb:.2f} GB")
    console.print(f"Stages     {summary.stages}")
    for label, where in summary.places.items():
        console.print(f"{label:<10} {where}")


def _models(summary: RunSummary, outcome: RunOutcome) -> Table:
    headings = ("target", "champion", "", "best naive", "", "verdict")
    models = plain_table(
        f"Models as of {outcome.as_of}, measured on a later day than those they were trained on", headings
    )
    for row in summary.models:
        models.add_row(
            row.target,
            row.champion,
            "" if math.isnan(row.champion_value) else f"{row.metric} {row.champion_value:.4g}",
            row.naive,
            "" if math.isnan(row.naive_value) else f"{row.naive_value:.4g}",
            row.verdict,
        )
    return models
