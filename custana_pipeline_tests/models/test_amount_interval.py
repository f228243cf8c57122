"""The 80 % interval of amounts."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.amount_interval import AmountInterval, coverage


def spend(row_count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    predicted = random.gamma(0.7, 100.0, row_count)
    return predicted, predicted * random.gamma(2.0, 0.5, row_count)


def test_about_four_in_five_new_customers_lie_within_the_bounds() -> None:
    interval = AmountInterval().fit(*spend(2_000, seed=0))
    predicted, actual = spend(2_000, seed=1)
    assert 0.77 < coverage(actual, interval.bounds(predicted)) < 0.83


def test_the_share_holds_where_half_of_the_customers_buy_nothing() -> None:
    predicted, actual = spend(4_000, seed=0)
    actual = np.where(np.random.default_rng(2).random(4_000) < 0.5, 0.0, 2 * actual)
    backtest = pd.DataFrame({"origin": 1, "actual": actual, "predicted": predicted})
    assert 0.77 < AmountInterval().measured_on_newest(backtest) < 0.83


def test_the_coverage_is_measured_on_the_newest_origin_by_bounds_of_the_earlier_ones() -> None:
    predicted, actual = spend(4_000, seed=0)
    newest = np.arange(4_000) >= 3_000
    backtest = pd.DataFrame({"origin": newest.astype(int), "actual": actual, "predicted": predicted})
    wild = backtest.assign(actual=np.where(newest, 100 * actual, actual))
    assert 0.77 < AmountInterval().measured_on_newest(backtest) < 0.83
    assert AmountInterval().measured_on_newest(wild) < 0.1


def test_bounds_hold_the_expected_amount_and_are_never_negative() -> None:
    interval = AmountInterval().fit(*spend(500, seed=0))
    expected = np.array([0.0, 1e-6, 5.0, 80.0, 1e6])
    bounds = interval.bounds(expected)
    assert (bounds.lower >= 0).all()
    assert (bounds.lower <= expected).all()
    assert (expected <= bounds.upper).all()
    assert np.isfinite(bounds.upper).all()


@pytest.mark.parametrize("row_count", [1, 2, 39, 50])
def test_few_rows_give_one_wide_bin_and_no_crash(row_count: int) -> None:
    interval = AmountInterval().fit(*spend(row_count, seed=0))
    assert len(interval.middles_) == 1


def test_identical_predictions_are_one_answer() -> None:
    interval = AmountInterval().fit(np.full(200, 10.0), np.arange(200.0))
    bounds = interval.bounds(np.full(3, 10.0))
    assert len(set(bounds.lower)) == len(set(bounds.upper)) == 1
