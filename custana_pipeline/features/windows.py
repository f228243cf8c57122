"""The days on which customers are looked at: one as_of to score, earlier origins to learn from and to judge on."""

import datetime as dt
from dataclasses import dataclass

YEAR_DAYS = 364
"""A year that keeps the weekdays in step."""
PAST_CUSTOMERS = 16_000
"""Customers of the run's own day that past days are looked at by, where there are more: what models learn from."""
LAST_PLACE = 2**32 - 1
"""The last `sample_place` of features.purchase_days: up to it, everybody is looked at."""
CHECK_DAYS = 30
"""Most days of the short windows on which the shop's level is compared with that of a year before."""


@dataclass(frozen=True)
class Fold:
    """A past origin to judge on, with the earlier origins to learn from: their labels end at or before it."""

    origin: dt.date
    training: tuple[dt.date, ...]


@dataclass(frozen=True)
class Origins:
    """The as_of of a run with the past as_of days whose outcomes it may learn from.

    The outcomes of every fold and of every day of `refit` are complete at as_of. `folds` are newest first; there are
    none where the history is shorter than two horizons.
    """

    as_of: dt.date
    holdout: dt.date
    folds: tuple[Fold, ...]
    refit: tuple[dt.date, ...]
    level_days: tuple[dt.date, ...] = ()
    """Days on which the shop's trade is compared with what steady customers would do; see models.level."""

    @property
    def training(self) -> tuple[dt.date, ...]:
        """The days to learn from before judging on the newest complete window."""
        return self.folds[0].training if self.folds else ()

    @property
    def snapshots(self) -> tuple[dt.date, ...]:
        """Every day that features are needed for, oldest first; as_of itself is the last."""
        past = {*self.refit}.union(*({fold.origin, *fold.training} for fold in self.folds))
        return (*sorted(past - {self.as_of}), self.as_of)


def origins(
    as_of: dt.date,
    horizon_days: int,
    first_day: dt.date,
    *,
    step_days: int = 45,
    count: int = 4,
    fold_count: int = 4,
    min_history_days: int = 60,
) -> Origins:
    """The origins of a run on `as_of`, given the first day with a purchase.

    Origins lie on one grid that divides the horizon into equal steps of at most `step_days`, so that the origins to
    judge on serve as origins to learn from as well. Each has `min_history_days` of history behind it; where none to
    learn from has, the latest one with any history is taken alone, and an origin without one is not judged on.

    >>> days = origins(dt.date(2011, 9, 10), 90, dt.date(2009, 12, 1))
    >>> [str(fold.origin) for fold in days.folds]
    ['2011-06-12', '2011-04-28', '2011-03-14', '2011-01-28']
    >>> [str(day) for day in days.training]
    ['2011-03-14', '2011-01-28', '2010-12-14', '2010-10-30']
    >>> [str(day) for day in days.refit]
    ['2011-06-12', '2011-04-28', '2011-03-14', '2011-01-28']
    >>> origins(dt.date(2010, 7, 1), 90, dt.date(2009, 12, 1)).training
    (datetime.date(2010, 1, 2),)
    """
    steps = -(-horizon_days // step_days)

    def grid(number: int) -> dt.date:
        return as_of - dt.timedelta(days=number * horizon_days // steps)

    def back_from(latest: int) -> tuple[dt.date, ...]:
        days = [grid(latest + number) for number in range(count)]
        seasoned = [day for day in days if (day - first_day).days >= min_history_days]
        return tuple(seasoned or [day for day in days[:1] if day > first_day])

    folds = [Fold(grid(steps + number), back_from(2 * steps + number)) for number in range(fold_count)]
    return Origins(
        as_of=as_of,
        holdout=grid(steps),
        folds=tuple(fold for fold in folds if fold.training),
        refit=back_from(steps),
        level_days=_level_days([grid(each) for each in range(2 * steps + fold_count)], horizon_days, first_day),
    )


def last_place(customers: int) -> int:
    """The `sample_place` up to which customers are looked at on past days, given those of the run's own day.

    >>> last_place(16_000) == LAST_PLACE, round(last_place(64_000) / LAST_PLACE, 6)
    (True, 0.25)
    """
    return LAST_PLACE * PAST_CUSTOMERS // max(customers, PAST_CUSTOMERS)


def _level_days(grid: list[dt.date], horizon_days: int, first_day: dt.date) -> tuple[dt.date, ...]:
    """The grid and the same days a year before, as far as there is history and the short window is over."""
    days = {*grid, *(day - dt.timedelta(days=YEAR_DAYS) for day in grid)}
    newest = grid[0] - dt.timedelta(days=min(horizon_days, CHECK_DAYS))
    return tuple(sorted(day for day in days if first_day < day <= newest))
