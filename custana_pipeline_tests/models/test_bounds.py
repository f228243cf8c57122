"""What shops beyond the bounds are held to: the same customers every time, whole ones, and levels of everybody."""

import datetime as dt
import sys
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.features.windows import Fold, Origins
from custana_pipeline.models.at_once import TURN_SECONDS, at_once, meanwhile
from custana_pipeline.models.level import Levels
from custana_pipeline.models.panel import Panel, RowLimits, split_by_origin

DAYS = tuple(dt.date(2024, month, 1) for month in (1, 2, 3, 4, 5))
ORIGINS = Origins(DAYS[4], DAYS[3], (Fold(DAYS[3], DAYS[:3]),), DAYS[:4])
LIMITS = RowLimits(
    whole=100, training=60, earlier_training=40, whole_refit=150, refit=150, judged=30, earlier_judged=20
)


def panel(
    customers: int, limits: RowLimits = LIMITS, half_life_days: float | None = None, origins: Origins = ORIGINS
) -> Panel:
    ids = [f"c{number}" for number in range(customers)]
    rows = [(day, each, 1.0 if day != DAYS[4] else np.nan, 2.0) for day in DAYS for each in ids]
    frame = pd.DataFrame(rows, columns=["as_of", "customer_id", "y", "x"])
    return split_by_origin(frame, origins, "y", limits, half_life_days)


def test_a_shop_below_the_bounds_keeps_every_row() -> None:
    counts = panel(30).row_counts
    assert (counts["training"], counts["holdout"], counts["refit"]) == (90, 30, 120)


def test_a_shop_beyond_the_bounds_keeps_at_most_as_many_rows_as_they_say() -> None:
    counts = panel(500).row_counts
    assert 50 < counts["training"] <= 60
    assert 140 < counts["refit"] <= 150
    assert 25 < counts["holdout"] <= 30


def test_an_earlier_day_is_judged_with_fewer_rows_of_the_same_customers() -> None:
    two_folds = replace(ORIGINS, folds=(Fold(DAYS[3], DAYS[:3]), Fold(DAYS[2], DAYS[:2])))
    newest, earlier = panel(500, origins=two_folds).folds
    assert 35 < len(earlier.training) <= 40 < 50 < len(newest.training)
    assert [len(fold.holdout) for fold in (newest, earlier)] == [30, 20]
    assert set(earlier.holdout["customer_id"]) < set(newest.holdout["customer_id"])


def test_a_drawn_customer_has_the_rows_of_all_days_or_none() -> None:
    days = panel(500).training.groupby("customer_id").size()
    assert set(days) == {3}


def test_below_the_bounds_an_older_row_weighs_less_and_beyond_them_fewer_are_drawn_of_its_day() -> None:
    few, many = (panel(customers, half_life_days=30.0).folds[0] for customers in (30, 500))
    assert few.weights is not None
    by_day = few.weights.reshape(3, 30)[:, 0]
    assert list(by_day / by_day[-1]) == pytest.approx([0.5 ** (60 / 30), 0.5 ** (29 / 30), 1.0])
    assert many.weights is None
    drawn = [set(rows["customer_id"]) for _, rows in many.training.groupby("as_of")]
    assert [len(each) for each in drawn] == [8, 17, 34]
    assert drawn[0] < drawn[1] < drawn[2]


def test_the_same_customers_are_drawn_whatever_the_order_of_the_bounds() -> None:
    larger = replace(LIMITS, training=120, whole_refit=300, refit=300, judged=60)
    few, many = panel(500), panel(500, larger)
    assert set(few.training["customer_id"]) < set(many.training["customer_id"])
    assert set(few.holdout["customer_id"]) < set(many.holdout["customer_id"])


def test_each_of_a_sample_of_forecasts_stands_for_as_many_customers_as_the_shop_has_more() -> None:
    table = pd.DataFrame({"as_of": [pd.Timestamp(DAYS[4])], "customer_count": [2_000_000]})
    levels = Levels(table, DAYS[4], horizon_days=90, near_days=30)
    assert levels.customers_for_each(40_000) == 50.0
    assert levels.customers_for_each(2_000_000) == levels.customers_for_each(2_100_000) == 1.0


def test_work_done_at_once_comes_back_in_the_order_in_which_it_was_given() -> None:
    assert at_once(lambda number: number**2, range(40)) == [number**2 for number in range(40)]


def test_work_done_at_once_waits_for_pythons_lock_for_short_turns_only() -> None:
    sys.setswitchinterval(0.005)
    at_once(lambda number: number, [1, 2])
    assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS)


def test_what_fails_in_work_done_at_once_is_raised_where_it_was_asked_for() -> None:
    with pytest.raises(ZeroDivisionError):
        at_once(lambda number: 1 // number, [2, 1, 0, 3])


def test_what_is_done_meanwhile_is_waited_for_and_its_failure_is_raised_where_it_is_asked_for() -> None:
    with meanwhile(lambda: threading.get_ident()) as other:
        here = threading.get_ident()
    assert other() != here
    with meanwhile(lambda: 1 // 0) as failed:
        pass
    with pytest.raises(ZeroDivisionError):
        failed()
