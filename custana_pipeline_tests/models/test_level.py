"""The level: how much the shop as a whole will buy."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.level import Levels, shift_to
from custana_pipeline.models.levelled import LevelledDemand, LevelledProbability, factor_of, shift_of

AS_OF = dt.date(2025, 9, 1)
MEASURES = ("buyers", "purchases", "amount")


def table(season: float, days: int = 800, noise: float = 0.0) -> pd.DataFrame:
    """A shop whose trade is exp(season) times a steady one's in autumn and as steady else, told every 45 days."""
    random = np.random.default_rng(0)
    stamps = [AS_OF - dt.timedelta(days=45 * number) for number in range(9)]
    stamps += [day - dt.timedelta(days=364) for day in stamps]
    rows = []
    for day in sorted(set(stamps)):
        row: dict[str, object] = {"as_of": day, "customer_count": 1_000}
        row["history_days"] = float(days - (AS_OF - day).days)
        for window, length in (("near", 30), ("future", 90)):
            ratio = (season if day.month in (8, 9, 10) else 0.0) + random.normal(0, noise)
            for measure in MEASURES:
                row[f"steady_{window}_{measure}"] = 4.0 * length
                row[f"{window}_{measure}"] = 4.0 * length * np.exp(ratio)
        rows.append(row)
    return pd.DataFrame(rows)


def levels(season: float, days: int = 800, noise: float = 0.02) -> Levels:
    return Levels(table(season, days, noise), AS_OF, 90, 30)


@pytest.mark.parametrize("measure", ["purchases", "amount"])
def test_last_years_season_lifts_forecasts_that_know_nothing_of_it(measure: str) -> None:
    level = levels(0.5).level(measure, 360.0)  # type: ignore[arg-type]
    assert level is not None
    assert 0.3 < level.ratio < 0.5
    assert level.total == pytest.approx(360 * np.exp(level.ratio))
    assert level.weights["year_ago"] > 0.6
    assert "year_ago" in level.words


def test_buyers_are_told_in_log_odds() -> None:
    level = levels(0.3).level("buyers", 360.0)
    assert level is not None
    assert 360 < level.total < 1_000


def test_a_young_shop_has_no_year_to_look_back_to() -> None:
    level = levels(0.5, days=450).level("purchases", 360.0)
    assert level is not None
    assert set(level.weights) == {"steady", "model"}


def test_a_year_that_does_not_repeat_itself_is_not_asked() -> None:
    wild = levels(0.5, noise=0.0).table
    last_year = pd.to_datetime(wild["as_of"]) < pd.Timestamp("2024-10-01")
    turned = wild.assign(near_purchases=np.where(last_year, wild["near_purchases"] * 4, wild["near_purchases"]))
    level = Levels(turned, AS_OF, 90, 30).level("purchases", 360.0)
    assert level is not None
    assert "year_ago" not in level.weights


def test_windows_that_are_not_over_change_nothing() -> None:
    known = levels(0.5)
    late = pd.to_datetime(known.table["as_of"]) > pd.Timestamp(AS_OF - dt.timedelta(days=30))
    turned = known.table.assign(
        **{f"{w}_purchases": np.where(late, 1e6, known.table[f"{w}_purchases"]) for w in ("near", "future")}
    )
    assert Levels(turned, AS_OF, 90, 30).level("purchases", 300.0) == known.level("purchases", 300.0)


def test_without_the_day_or_without_money_there_is_no_level() -> None:
    known = levels(0.5)
    assert Levels(known.table.head(0), AS_OF, 90, 30).level("purchases", 10.0) is None
    bare = known.table.assign(steady_future_amount=np.nan)
    assert Levels(bare, AS_OF, 90, 30).level("amount", 10.0) is None


def test_a_shift_moves_everybody_alike_to_the_total() -> None:
    probability = np.random.default_rng(0).beta(1, 3, 500)
    shift = shift_to(probability, 250.0)
    moved = LevelledProbability.of_fitted(None, shift).levelled(probability)
    assert moved.sum() == pytest.approx(250.0, rel=1e-3)
    assert (np.argsort(moved) == np.argsort(probability)).all()


def test_without_a_level_forecasts_stay_as_they_are() -> None:
    assert shift_of(np.array([0.2, 0.4]), None) == 0.0
    assert factor_of(np.array([2.0, 4.0]), None) == 1.0
    assert LevelledDemand.of_fitted(None, 1.0).levelled(np.array([3.0])).tolist() == [3.0]
