import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custana_pipeline.features.windows import origins

FIRST_DAY = dt.date(2009, 12, 1)
AS_OF = dt.date(2011, 9, 10)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    history_days=st.integers(0, 2000),
    horizon_days=st.integers(1, 400),
    step_days=st.integers(1, 200),
    count=st.integers(1, 8),
)
def test_every_label_ends_before_it_is_used(history_days: int, horizon_days: int, step_days: int, count: int) -> None:
    first_day = AS_OF - dt.timedelta(days=history_days)
    days = origins(AS_OF, horizon_days, first_day, step_days=step_days, count=count)
    horizon = dt.timedelta(days=horizon_days)

    assert days.holdout + horizon == AS_OF
    for fold in days.folds:
        assert fold.origin + horizon <= AS_OF
        assert all(day + horizon <= fold.origin for day in fold.training)
        assert all(first_day < day for day in fold.training)
        assert 1 <= len(fold.training) <= count
    assert all(first_day < day < AS_OF for day in days.level_days)
    assert all(day + horizon <= AS_OF for day in days.refit)
    assert all(day > first_day for day in (*days.training, *days.refit))
    assert len(days.training) <= count
    judged = {day for fold in days.folds for day in (fold.origin, *fold.training)}
    assert days.snapshots == tuple(sorted({*judged, *days.refit, AS_OF}))


@pytest.mark.parametrize("horizon_days", [7, 30, 45, 60, 90, 100, 180, 273])
def test_a_long_history_is_judged_at_four_origins_on_few_snapshots(horizon_days: int) -> None:
    days = origins(AS_OF, horizon_days, dt.date(2000, 1, 1))
    assert [len(fold.training) for fold in days.folds] == [4, 4, 4, 4]
    assert len(days.snapshots) <= 7 + 2 * -(-horizon_days // 45)


def test_every_level_day_has_its_day_of_the_year_before_while_there_is_history() -> None:
    days = origins(AS_OF, 90, FIRST_DAY).level_days
    assert dt.date(2011, 6, 12) in days
    assert dt.date(2010, 6, 13) in days
    assert AS_OF - dt.timedelta(days=364) in days


def test_an_origin_needs_sixty_days_of_history() -> None:
    days = origins(AS_OF, 90, first_day=dt.date(2011, 1, 1))
    assert days.training == (dt.date(2011, 3, 14),)
    assert days.refit == (dt.date(2011, 6, 12), dt.date(2011, 4, 28), dt.date(2011, 3, 14))


def test_one_short_origin_is_better_than_none() -> None:
    assert origins(AS_OF, 90, first_day=dt.date(2011, 3, 1)).training == (dt.date(2011, 3, 14),)


@pytest.mark.parametrize("first_day", [dt.date(2011, 3, 14), dt.date(2011, 9, 9), AS_OF])
def test_without_history_before_it_there_is_no_training_origin(first_day: dt.date) -> None:
    assert origins(AS_OF, 90, first_day).training == ()
