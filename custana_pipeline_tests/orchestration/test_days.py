import datetime as dt
from pathlib import Path

import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.orchestration.days import as_of_days, parse_day, refuse_day_outside
from custana_pipeline_tests.orchestration.packs import START, with_calendar

LAST_DAY = dt.date(2024, 12, 31)


def test_a_closed_calendar_has_its_first_and_last_day_and_all_between(tmp_path: Path) -> None:
    keys = as_of_days(with_calendar(tmp_path, LAST_DAY).pack).get_partition_keys()
    assert (keys[0], keys[-1], len(keys)) == ("2024-07-01", "2024-12-31", 184)


@pytest.mark.parametrize(
    ("timezone", "now", "last"),
    [
        ("Europe/London", "2025-03-05T00:30", "2025-03-05"),
        ("Europe/London", "2025-03-04T23:30", "2025-03-04"),
        ("Asia/Tokyo", "2025-03-05T16:00", "2025-03-06"),
        ("America/New_York", "2025-03-05T04:00", "2025-03-04"),
    ],
)
def test_an_open_calendar_ends_with_the_day_that_has_begun_in_the_sources_timezone(
    tmp_path: Path, timezone: str, now: str, last: str
) -> None:
    days = as_of_days(with_calendar(tmp_path, None, timezone).pack)
    at = dt.datetime.fromisoformat(f"{now}:00+00:00")
    assert days.get_partition_keys(current_time=at)[-1] == last


def test_a_calendar_that_ends_in_time_to_come_has_the_day_that_has_begun_and_no_later_one(tmp_path: Path) -> None:
    days = as_of_days(with_calendar(tmp_path, LAST_DAY).pack)
    at = dt.datetime.fromisoformat("2024-10-05T03:00:00+00:00")
    assert days.get_partition_keys(current_time=at)[-1] == "2024-10-05"


@pytest.mark.parametrize("text", ["yesterday", "2024-02-30", "01.07.2024", "2024-7-1", "", "2024-07-01T00:00:00"])
def test_a_day_that_is_none_is_wrong_use(text: str) -> None:
    with pytest.raises(WrongUse, match=r"--as-of is a day such as 2011-09-10"):
        parse_day(text)


@pytest.mark.parametrize("day", [START, LAST_DAY])
def test_the_ends_of_the_calendar_are_within(tmp_path: Path, day: dt.date) -> None:
    refuse_day_outside(with_calendar(tmp_path, LAST_DAY).pack, day)


@pytest.mark.parametrize("day", [START - dt.timedelta(days=1), LAST_DAY + dt.timedelta(days=1)])
def test_a_day_outside_the_calendar_is_wrong_use_and_the_calendar_is_told(tmp_path: Path, day: dt.date) -> None:
    with pytest.raises(WrongUse, match="outside the source's calendar, 2024-07-01 to 2024-12-31: choose"):
        refuse_day_outside(with_calendar(tmp_path, LAST_DAY).pack, day)


def test_tomorrow_is_outside_an_open_calendar(tmp_path: Path) -> None:
    pack, today = with_calendar(tmp_path, None).pack, dt.date(2025, 3, 5)
    refuse_day_outside(pack, today, today)
    with pytest.raises(WrongUse, match="to 2025-03-05: choose"):
        refuse_day_outside(pack, today + dt.timedelta(days=1), today)
