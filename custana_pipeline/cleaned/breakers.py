"""The circuit breakers that look at days rather than at lines: is there as much as usual, and is it of yesterday?

volume     the lines of the last day against the median of the same weekday in the weeks before
staleness  how long before as_of the newest line is

Both judge what was landed and know no other clock than as_of.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

Severity = Literal["ok", "warn", "block"]
WEEKS = 8
LEAST_WEEKS = 4
LEAST_MEDIAN = 10
"""Below so many lines on a usual day, chance alone halves or doubles them."""
WARN_SHARES = (0.5, 2.0)
BLOCK_SHARES = (0.1, 10.0)


@dataclass(frozen=True)
class Finding:
    """What a breaker found, in words that hold counts and days only."""

    severity: Severity
    told: str


def volume(lines: Mapping[dt.date, int], judged: dt.date, first_day: dt.date, *, is_whole: bool = True) -> Finding:
    """Compare the lines of one day with the median of the same weekday in the `WEEKS` weeks before it.

    A day without an entry in `lines` has none. `first_day` is that of the source's first line: without `LEAST_WEEKS`
    weeks of history nothing is judged. Where the day may not be whole yet, too few lines never block.
    """
    days = [judged - dt.timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    counts = [lines.get(day, 0) for day in days if day >= first_day]
    if len(counts) < LEAST_WEEKS:
        return Finding("ok", f"{len(counts)} weeks of history before {judged}, {LEAST_WEEKS} are needed to judge it")
    found, usual = lines.get(judged, 0), median(counts)
    told = f"{judged} has {found:,} order lines, the median of {len(counts)} such weekdays before it is {usual:,.0f}"
    if usual < LEAST_MEDIAN:
        return Finding("ok", f"{told}: too few to judge")
    share, is_beyond_chance = found / usual, abs(found - usual) > 3 * usual**0.5
    if share >= BLOCK_SHARES[1] or (share <= BLOCK_SHARES[0] and is_whole):
        return Finding("block", told)
    return Finding("warn" if is_beyond_chance and not WARN_SHARES[0] < share < WARN_SHARES[1] else "ok", told)


def has_gone_on(lines: Mapping[dt.date, int], as_of: dt.date) -> bool:
    """Whether the feed went on after `as_of`: one of the days in the weeks after it has more than next to no lines.

    A line or two with a wrong date do not say so in a shop of some lines a day, nor do those of years to come.
    """
    weeks = dt.timedelta(weeks=WEEKS)
    later = [count for day, count in lines.items() if as_of < day <= as_of + weeks]
    before = [count for day, count in lines.items() if as_of - weeks <= day < as_of]
    return max(later, default=0) > BLOCK_SHARES[0] * (median(before) if before else 0)


def staleness(newest: dt.date, as_of: dt.date, *, warn_days: int, block_days: int | None) -> Finding:
    """How many whole days before `as_of` have no line; `block_days` is None for a source that is closed.

    >>> staleness(dt.date(2024, 1, 5), dt.date(2024, 1, 6), warn_days=2, block_days=7).severity
    'ok'
    """
    missing = (as_of - newest).days - 1
    told = f"the newest order line is of {newest}, so {max(missing, 0)} days before {as_of} have none"
    if block_days is not None and missing > block_days:
        return Finding("block", told)
    return Finding("warn" if missing > warn_days else "ok", told)
