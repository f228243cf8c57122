"""The as_of days of a source as Dagster partitions. A partition's key is the day that `as_of` is the midnight of."""

import datetime as dt

import dagster as dg

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores.packs import Pack


def as_of_days(pack: Pack) -> dg.DailyPartitionsDefinition:
    """Every day of the pack's calendar up to today, so that a night's run can take the day that begins."""
    end = pack.calendar.end
    return dg.DailyPartitionsDefinition(
        start_date=pack.calendar.start.isoformat(),
        end_date=(end + dt.timedelta(days=1)).isoformat() if end else None,
        timezone=pack.timezone,
        end_offset=1,
    )


def last_day(pack: Pack) -> dt.date:
    """The last as_of day that has begun: order lines of it or of later days are of days that are not over."""
    key = as_of_days(pack).get_last_partition_key()
    return dt.date.fromisoformat(key) if key else dt.date.max


def parse_day(text: str) -> dt.date:
    """A day written YYYY-MM-DD; WrongUse where it is none.

    >>> parse_day("2011-09-10")
    datetime.date(2011, 9, 10)
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise WrongUse("--as-of is a day such as 2011-09-10.") from None


def refuse_day_outside(pack: Pack, day: dt.date, today: dt.date | None = None) -> None:
    """Raises WrongUse where `day` is not one of the pack's as_of days."""
    start, end = pack.calendar.start, pack.calendar.end or today
    if day < start or (end is not None and day > end):
        until = end.isoformat() if end else "today"
        raise WrongUse(
            f"--as-of {day} is outside the source's calendar, {start} to {until}: choose a day within it, or widen "
            "`calendar` in custana.toml."
        )
