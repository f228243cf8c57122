"""Medians, ratios, verdicts and Markdown tables of the speed page."""

import statistics
from typing import Any

Figures = dict[str, Any]


def middle(runs: list[Figures], stages: tuple[str, ...] = ()) -> float:
    """The median seconds of the whole, or of the stages together."""
    return statistics.median(seconds_of(run, stages) for run in runs)


def seconds_of(run: Figures, stages: tuple[str, ...]) -> float:
    """Of the whole run, or of the stages together."""
    return sum(run["stages"].get(stage, 0.0) for stage in stages) if stages else run["seconds"]


def ratio(chain: Figures, stages: tuple[str, ...] = ()) -> float:
    """The median of the ratios of the turns."""
    turns = zip(chain["product"], chain["reference"], strict=True)
    return statistics.median(seconds_of(own, stages) / max(seconds_of(other, stages), 1e-9) for own, other in turns)


def verdict(value: float, goal: float | None) -> str:
    """The goal and whether the value is within it; empty where there is none."""
    return "" if goal is None else f"{goal:g} {'met' if value <= goal else '**missed**'}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])
