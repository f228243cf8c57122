"""`custana simulate`: a shop of any size with planted dirt."""

from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from custana_pipeline.commands.terminal import terminal
from custana_pipeline.errors import WrongUse
from custana_pipeline.raw.simulator import SimulationPlan, simulate


def simulate_and_tell(out: Path, **plan: Any) -> int:
    """Writes the simulated files to `out` and says what they hold; WrongUse for a plan that cannot be drawn."""
    if plan["format"] not in ("csv", "parquet"):
        raise WrongUse("--format is csv or parquet.")
    console = terminal()
    columns = (TextColumn("customers"), BarColumn(bar_width=32), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("customers", total=plan["customers"])
        planted = simulate(
            SimulationPlan(**plan), out, lambda done, total: progress.update(task, completed=done, total=total)
        )
    for name, table in planted.tables.items():
        console.print(f"{name:<13} {table.totals['line_count']:>12,} lines in {len(table.files)} file(s)")
    console.print(f"The true counts of what was planted: {out / 'planted.json'}")
    return 0
