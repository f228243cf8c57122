"""The terminal as all commands write to it: wide tables when piped, no colours in a file."""

from rich.console import Console
from rich.table import Table

PIPED_WIDTH = 140


def terminal() -> Console:
    """Standard output; lines are never broken, so that a path can be copied whole, and [words] are words."""
    plain = Console(soft_wrap=True, highlight=False, markup=False)
    return plain if plain.is_terminal else Console(soft_wrap=True, highlight=False, markup=False, width=PIPED_WIDTH)


def plain_table(title: str, headings: tuple[str, ...], numbers_from: int | None = None) -> Table:
    """A table without lines; columns from `numbers_from` on are right-aligned."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for place, heading in enumerate(headings):
        is_number = numbers_from is not None and place >= numbers_from
        table.add_column(heading, no_wrap=True, justify="right" if is_number else "left")
    return table
