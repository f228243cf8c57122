"""When the days of a source look wrong: too little, too much, too old, and what is not judged at all."""

import datetime as dt

import pytest

from custana_pipeline.cleaned.breakers import has_gone_on, staleness, volume

JUDGED = dt.date(2024, 9, 30)
LONG_AGO = dt.date(2024, 1, 1)


def weeks(count: int, lines: int) -> dict[dt.date, int]:
    """So many lines on the same weekday of each of the weeks before."""
    return {JUDGED - dt.timedelta(weeks=week): lines for week in range(1, count + 1)}


@pytest.mark.parametrize(
    ("lines", "severity"),
    [(100, "ok"), (60, "ok"), (50, "warn"), (190, "ok"), (200, "warn"), (10, "block"), (0, "block"), (1000, "block")],
)
def test_a_day_is_judged_by_the_median_of_its_weekday(lines: int, severity: str) -> None:
    assert volume(weeks(8, 100) | {JUDGED: lines}, JUDGED, LONG_AGO).severity == severity


def test_other_weekdays_do_not_count() -> None:
    busy = {JUDGED - dt.timedelta(days=past): 1000 for past in range(1, 60) if past % 7}
    assert volume(busy | weeks(8, 100) | {JUDGED: 100}, JUDGED, LONG_AGO).severity == "ok"


def test_one_odd_week_does_not_move_the_median() -> None:
    odd = {JUDGED - dt.timedelta(weeks=3): 0, JUDGED - dt.timedelta(weeks=5): 5000}
    assert volume(weeks(8, 100) | odd | {JUDGED: 100}, JUDGED, LONG_AGO).severity == "ok"


def test_the_first_weeks_are_not_judged_and_say_so() -> None:
    found = volume(weeks(3, 100), JUDGED, JUDGED - dt.timedelta(weeks=3))
    assert found.severity == "ok"
    assert "3 weeks of history" in found.told


def test_a_shop_of_a_few_lines_a_day_is_not_judged() -> None:
    assert volume(weeks(8, 9), JUDGED, LONG_AGO).severity == "ok"


def test_half_of_a_small_day_may_be_chance() -> None:
    assert volume(weeks(8, 20) | {JUDGED: 10}, JUDGED, LONG_AGO).severity == "ok"


def test_too_few_lines_of_a_day_that_may_go_on_only_warn() -> None:
    assert volume(weeks(8, 100) | {JUDGED: 2}, JUDGED, LONG_AGO, is_whole=False).severity == "warn"


@pytest.mark.parametrize(("days", "severity"), [(1, "ok"), (3, "ok"), (4, "warn"), (9, "block")])
def test_days_without_lines_warn_and_then_block(days: int, severity: str) -> None:
    newest = JUDGED - dt.timedelta(days=days)
    assert staleness(newest, JUDGED, warn_days=2, block_days=7).severity == severity


def test_a_closed_source_is_never_too_old_to_publish() -> None:
    assert staleness(LONG_AGO, JUDGED, warn_days=2, block_days=None).severity == "warn"


@pytest.mark.parametrize(
    ("later", "is_past"),
    [
        ({}, False),
        ({JUDGED: 100}, False),
        ({JUDGED + dt.timedelta(days=1): 80}, True),
        ({JUDGED + dt.timedelta(days=1): 3}, False),
        ({dt.date(2099, 1, 1): 5000}, False),
    ],
    ids=["nothing", "the day itself", "the next day", "a few wrong dates", "years to come"],
)
def test_a_day_is_of_the_past_once_the_feed_has_gone_on(later: dict[dt.date, int], is_past: bool) -> None:
    usual = {JUDGED - dt.timedelta(days=past): 100 for past in range(1, 60)}
    assert has_gone_on(usual | later, JUDGED) == is_past


def test_a_day_before_all_lines_is_one_of_the_past() -> None:
    assert has_gone_on({JUDGED + dt.timedelta(days=9): 1}, JUDGED)
