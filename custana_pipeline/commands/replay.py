"""`custana replay`: mended lines of the quarantine back into the tables."""

from pathlib import Path

from custana_pipeline.commands.terminal import terminal
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.replaying import replay
from custana_pipeline.stores.run_lock import Turn, holding_turn
from custana_pipeline.stores.settings import Settings


def replay_and_tell(settings: Settings, file: Path) -> int:
    """Takes the lines of `file` in and prints what became of them; the next run publishes them."""
    with holding_turn(Turn(settings.warehouse_path, wait_seconds=settings.run_wait_seconds)):
        found = replay(Project(settings), file)
    console = terminal()
    kept = found.became.get("kept", 0)
    others = ", ".join(f"{reason} {count:,}" for reason, count in sorted(found.became.items()) if reason != "kept")
    console.print(
        f"{found.taken_in:,} mended lines are in, {kept:,} of them kept{f', others not ({others})' if others else ''}; "
        f"{found.already_there:,} had been taken in before."
    )
    if found.taken_in:
        console.print("`custana run` publishes them.")
    return 0
