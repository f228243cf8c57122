"""The days on which customers are looked at: one as_of to score, and the earlier origins to learn from."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Origins:
    """The as_of of a run with the past as_of days whose outcomes it may learn from.

    Every label of `training` ends at or before `holdout`, every label of `refit` and of `holdout` at or before `as_of`.
    """

    as_of: dt.date
    holdout: dt.date
    training: tuple[dt.date, ...]
    refit: tuple[dt.date, ...]

    @property
    def snapshots(self) -> tuple[dt.date, ...]:
        """Every day that features are needed for, oldest first; as_of itself is the last."""
        past = {*self.training, *self.refit}
        return (*sorted(past - {self.as_of}), self.as_of)


def origins(
    as_of: dt.date,
    horizon_days: int,
    first_day: dt.date,
    *,
    step_days: int = 45,
    count: int = 4,
    min_history_days: int = 60,
) -> Origins:
    """The origins of a run on `as_of`, given the first day with a purchase.

    Training and refit origins lie `step_days` apart and have `min_history_days` of history behind them; where none
    has, the latest one with any history is taken alone, and where there is no history at all the tuple is empty.

    >>> days = origins(dt.date(2011, 9, 10), 90, dt.date(2009, 12, 1))
    >>> str(days.holdout), [str(day) for day in days.training]
    ('2011-06-12', ['2011-03-14', '2011-01-28', '2010-12-14', '2010-10-30'])
    >>> [str(day) for day in days.refit]
    ['2011-06-12', '2011-04-28', '2011-03-14', '2011-01-28']
    >>> origins(dt.date(2010, 7, 1), 90, dt.date(2009, 12, 1)).training
    (datetime.date(2010, 1, 2),)
    """
    holdout = as_of - dt.timedelta(days=horizon_days)

    def back_from(latest: dt.date) -> tuple[dt.date, ...]:
        days = [latest - dt.timedelta(days=step_days * number) for number in range(count)]
        seasoned = [day for day in days if (day - first_day).days >= min_history_days]
        return tuple(seasoned or [day for day in days[:1] if day > first_day])

    return Origins(
        as_of=as_of,
        holdout=holdout,
        training=back_from(holdout - dt.timedelta(days=horizon_days)),
        refit=back_from(holdout),
    )
