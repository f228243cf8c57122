"""Whether the customers of tonight are like those that the models learned from, column by column."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from custana_pipeline.models.change import NO_CHANGE, Change, change_between, is_number
from custana_pipeline.models.change_words import direction
from custana_pipeline.models.encoding import NOT_FEATURES, UNKNOWN_TEXT, as_text

Level = Literal["none", "warn", "alarm"]
LEVELS: tuple[Level, ...] = ("none", "warn", "alarm")
LEAST_ROWS = 50
MOST_ROWS = 5_000
"""Of a snapshot; beyond it rows are sampled, the same ones every time."""
CLOCKS = r"(tenure|history|active_span|signed_up)_days"
"""Columns that grow by a day each day: without earlier snapshots nothing tells how much is ordinary."""
COLUMNS = ("column", "kind", "psi", "psi_warn", "psi_alarm", "ks", "ks_warn", "ks_alarm", "level", "direction")


@dataclass(frozen=True)
class DriftSettings:
    """From where on a change counts; the usual reading of PSI is 0.1 for a warning and 0.25 for an alarm."""

    psi_warn: float = 0.1
    psi_alarm: float = 0.25
    ks_warn: float = 0.13
    ks_alarm: float = 0.2
    """The distances of normal distributions whose PSI is 0.1 and 0.25."""
    false_alarm_share: float = 0.01
    """Chance that any column of the table exceeds its limit without a change (shared out evenly: Bonferroni)."""
    ordinary_factor: float = 2.0
    """A change counts from this many times the largest PSI between earlier snapshots on (its root for KS)."""


@dataclass(frozen=True)
class Drift:
    """What was compared and how it came out; NOT_COMPARABLE has an empty table and its reason as the note."""

    state: Literal["COMPARED", "NOT_COMPARABLE"]
    level: Level
    """The highest of the table."""
    note: str
    """One or two sentences: which inputs moved, and what to do."""
    table: pd.DataFrame
    """COLUMNS, one row a column: largest PSI first, alarms before warnings."""
    unseen: Mapping[str, int] = field(default_factory=dict)
    """Text column -> how many of tonight's customers have a category that training never saw."""

    def columns_at(self, level: Level) -> tuple[str, ...]:
        """The columns of one level, largest change first."""
        return tuple(self.table.loc[self.table["level"] == level, "column"])


def drift_between(
    reference: pd.DataFrame,
    tonight: pd.DataFrame,
    earlier: Sequence[tuple[pd.DataFrame, pd.DataFrame]] = (),
    settings: DriftSettings | None = None,
) -> Drift:
    """Compares the columns of tonight's snapshot with those of the newest one that was learned from.

    `earlier` are pairs of older snapshots, (before, after), as far apart in time as the two compared: a column that
    changed as much between them changes tonight as it always does. Without them a column that merely counts days
    since the beginning (CLOCKS) has no level. Keys and outcomes are left out; columns are matched by name.
    """
    chosen = settings or DriftSettings()
    few = min(len(reference), len(tonight))
    names = [name for name in sorted(reference.columns) if name not in NOT_FEATURES]
    if few < LEAST_ROWS or not names:
        return _not_comparable(few)
    tolerated = chosen.false_alarm_share / (2 * len(names))
    before, now = bounded(reference), bounded(tonight)
    pairs = [(bounded(first), bounded(second)) for first, second in earlier]
    rows = [_row(name, (before, now), pairs, (chosen, tolerated)) for name in names]
    return _judged(pd.DataFrame(rows, columns=list(COLUMNS)), unseen_categories(reference, tonight))


def unseen_categories(reference: pd.DataFrame, tonight: pd.DataFrame) -> dict[str, int]:
    """Text column -> rows of `tonight` whose category is nowhere in `reference`, where there are any."""
    both = [name for name in reference if name in tonight and name not in NOT_FEATURES]
    counts = {
        str(name): int((~as_text(tonight[name]).isin({*as_text(reference[name]), UNKNOWN_TEXT})).sum())
        for name in both
        if not is_number(reference[name], tonight[name])
    }
    return {name: count for name, count in counts.items() if count}


def together(*drifts: Drift) -> Drift:
    """One drift of several that were measured apart; those that could not be compared are left out, if any could."""
    compared = [drift for drift in drifts if drift.state == "COMPARED"]
    if not compared:
        return drifts[0]
    unseen = {name: count for drift in compared for name, count in drift.unseen.items()}
    return _judged(pd.concat([drift.table for drift in compared], ignore_index=True), unseen)


def _judged(table: pd.DataFrame, unseen: Mapping[str, int]) -> Drift:
    """Largest change first, alarms before warnings, with the note on them."""
    by_size = table.sort_values(["psi", "column"], ascending=[False, True])
    by_level: dict[Level, Any] = {level: by_size[by_size["level"] == level] for level in reversed(LEVELS)}
    ordered = pd.concat(list(by_level.values()), ignore_index=True)
    highest: Level = next(level for level in by_level if len(by_level[level]))
    return Drift("COMPARED", highest, _note(ordered) + _unseen_note(unseen), ordered, unseen)


def _unseen_note(unseen: Mapping[str, int]) -> str:
    told = ", ".join(f"{name} ({count:,})" for name, count in sorted(unseen.items()))
    return f" Customers with a category that training never saw, scored as rare ones: {told}." if unseen else ""


def equally_far_pairs(days: Iterable[Any], distance_days: int) -> list[tuple[Any, Any]]:
    """Of earlier days, each with the later one whose distance from it is nearest to `distance_days`; each day once.

    Pairs that are less than half or more than twice as far apart tell nothing about that distance and are left out.

    >>> import datetime as dt
    >>> days = [dt.date(2025, 1, 1), dt.date(2025, 2, 15), dt.date(2025, 4, 1)]
    >>> [(str(first), str(second)) for first, second in equally_far_pairs(days, 90)]
    [('2025-01-01', '2025-04-01'), ('2025-02-15', '2025-04-01')]
    """
    ordered = sorted(set(days))
    pairs = []
    for first in ordered:
        later = [day for day in ordered if day > first]
        if later:
            second = min(later, key=lambda day: (abs((day - first).days - distance_days), day))
            if distance_days / 2 <= (second - first).days <= 2 * distance_days:
                pairs.append((first, second))
    return pairs


def _row(
    name: str,
    compared: tuple[pd.DataFrame, pd.DataFrame],
    earlier: list[tuple[pd.DataFrame, pd.DataFrame]],
    limits: tuple[DriftSettings, float],
) -> dict[str, Any]:
    settings, tolerated = limits
    before, now = (_column(frame, name) for frame in compared)
    kind = "number" if is_number(before, now) else "text"
    change = change_between(before, now, tolerated)
    known = [(first, second) for first, second in earlier if name in first and name in second]
    past = [change_between(first[name], second[name], tolerated) for first, second in known] or [NO_CHANGE]
    psi_limits = _limits(
        (settings.psi_warn, settings.psi_alarm),
        change.psi_by_chance,
        settings.ordinary_factor * max(each.psi for each in past),
    )
    ks_limits = _limits(
        (settings.ks_warn, settings.ks_alarm),
        change.ks_by_chance,
        np.sqrt(settings.ordinary_factor) * max(np.nan_to_num(each.ks) for each in past),
    )
    is_unknown_clock = not known and re.fullmatch(CLOCKS, name) is not None
    level = "none" if is_unknown_clock else _level(change, psi_limits, ks_limits)
    words = direction(before, now, kind) if level != "none" else ""
    values = (name, kind, change.psi, *psi_limits, change.ks, *ks_limits, level, words)
    return dict(zip(COLUMNS, values, strict=True))


def _limits(sizes: tuple[float, float], by_chance: float, ordinary: float) -> tuple[float, float]:
    """Warn and alarm limit: a change that matters, that chance does not make, and that is not the ordinary one."""
    warn, alarm = (float(np.nanmax([size, by_chance, ordinary])) for size in sizes)
    return warn, alarm


def _level(change: Change, psi_limits: tuple[float, float], ks_limits: tuple[float, float]) -> Level:
    def exceeded(place: int) -> bool:
        return change.psi > psi_limits[place] or change.ks > ks_limits[place]

    return "alarm" if exceeded(1) else "warn" if exceeded(0) else "none"


def _column(frame: pd.DataFrame, name: str) -> Any:
    return frame[name] if name in frame else pd.Series(np.nan, index=frame.index)


def bounded(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that are compared: at most MOST_ROWS, the same ones every time."""
    return frame if len(frame) <= MOST_ROWS else frame.sample(MOST_ROWS, random_state=0)


def _not_comparable(row_count: int) -> Drift:
    note = (
        f"Drift was not measured: {row_count:,} customers on the smaller side, {LEAST_ROWS} needed to tell a change "
        "from chance."
        if row_count < LEAST_ROWS
        else "Drift was not measured: there is no input to compare."
    )
    return Drift("NOT_COMPARABLE", "none", note, pd.DataFrame(columns=list(COLUMNS)))


def _note(table: pd.DataFrame) -> str:
    moved: Any = table[table["level"] != "none"]
    if moved.empty:
        return f"{len(table)} inputs and scores are like those of training, but for what chance and time change."
    told = [f"{row['column']} ({row['direction']})" for row in moved.head(5).to_dict("records")]
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    alarms = int((moved["level"] == "alarm").sum())
    advice = (
        "Look at the source first; if the change is real, retrain, and trust the scores less until then."
        if alarms
        else "Nothing has to be done yet; watch whether it goes on."
    )
    return f"{len(moved)} of {len(table)} inputs and scores moved ({alarms} by much): {', '.join(told)}{more}. {advice}"
