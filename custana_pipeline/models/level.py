"""How much the shop as a whole will buy within the horizon: the level that individual forecasts are drawn to.

Models rank customers well, and miss the shop's season: those trained in spring know nothing of December. A `ratio` is
log(what came / what a steady shop buys); for buyers it is the difference of their log odds. Tonight's ratio is the mean
of up to three estimates, each weighted by the inverse of the mean squared error that it had on past days:

- steady: 0, everybody goes on as BG/NBD expects;
- model: what the forecasts themselves add up to; it is given the error of `steady`;
- year_ago: the ratio of the same days a year before. It is asked only where there were LEAST_HISTORY_DAYS of history
  a year ago, and not where short windows of the past say that it misses by more than `steady`. Where there is no past
  window to ask, it counts as much as the others.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from custana_pipeline.features.windows import YEAR_DAYS

Measure = Literal["buyers", "purchases", "amount"]
LEAST_HISTORY_DAYS = 150
"""A younger shop says more of its beginning than of its season."""
LONG_HISTORY_DAYS = 180
"""History a year ago that is enough even where no past window can be asked."""
PRIOR_ERROR = 0.15
PRIOR_DAYS = 2.0
"""The error of a steady shop begins with two days of 15 %."""
UNASKED_DAYS = 0.25
"""The error of `year_ago` begins with a quarter of a day of the error of `steady`."""
MOST_RATIO = 1.5
"""No level moves forecasts further than by this log ratio."""


@dataclass(frozen=True)
class Level:
    """Tonight's level of one measure: the total to be drawn to, and what it rests on."""

    measure: Measure
    total: float
    ratio: float
    estimates: dict[str, float] = field(default_factory=dict)
    """Estimate -> its ratio."""
    weights: dict[str, float] = field(default_factory=dict)
    """Estimate -> its weight; they add up to 1."""
    pairs: int = 0
    """Past short windows by which `year_ago` was judged."""

    @property
    def words(self) -> str:
        """What the level rests on, for people."""
        shares = ", ".join(f"{name} {self.estimates[name]:+.2f} ({share:.0%})" for name, share in self.weights.items())
        return f"log ratio to a steady shop {self.ratio:+.2f}: {shares}; {self.pairs} windows compared with a year ago"


@dataclass(frozen=True)
class Levels:
    """features.levels as known on `as_of`: rows whose windows are not over by then are not looked at."""

    table: pd.DataFrame
    as_of: dt.date
    horizon_days: int
    near_days: int

    def known_on(self, day: dt.date) -> "Levels":
        """The same as it was known on an earlier day."""
        return Levels(self.table, day, self.horizon_days, self.near_days)

    def customers_for_each(self, forecast_count: int) -> float:
        """How many customers of as_of each of so many forecasts stands for: 1, or more where they are a sample."""
        today = self._row(self.as_of)
        return 1.0 if today is None or not forecast_count else max(1.0, today["customer_count"] / forecast_count)

    def level(self, measure: Measure, forecast_total: float) -> Level | None:
        """The level of as_of for forecasts that add up to `forecast_total`; None where the table has no such day."""
        today = self._row(self.as_of)
        steady = np.nan if today is None else float(today[f"steady_future_{measure}"])
        if today is None or not (np.isfinite(steady) and steady > 0 and forecast_total > 0):
            return None
        customers = float(today["customer_count"])
        estimates = {"steady": 0.0, "model": _ratio(measure, forecast_total, steady, customers)}
        error = _mean_square(self._steady_ratios(measure), PRIOR_DAYS, PRIOR_ERROR**2)
        errors = {"steady": error, "model": error}
        misses = self._year_ago_misses(measure)
        year_ago = self._year_ago_ratio(measure, LEAST_HISTORY_DAYS if misses else LONG_HISTORY_DAYS)
        year_error = _mean_square(misses, UNASKED_DAYS, error)
        if year_ago is not None and year_error <= error:
            estimates["year_ago"], errors["year_ago"] = year_ago, year_error
        weights = {name: 1 / max(each, 1e-6) for name, each in errors.items()}
        weights = {name: each / sum(weights.values()) for name, each in weights.items()}
        ratio = float(np.clip(sum(weights[name] * estimates[name] for name in weights), -MOST_RATIO, MOST_RATIO))
        return Level(measure, _total(measure, ratio, steady, customers), ratio, estimates, weights, len(misses))

    @cached_property
    def _rows(self) -> dict[dt.date, dict[str, float]]:
        days: Any = pd.to_datetime(self.table["as_of"]).dt.date
        numbers: Any = self.table.drop(columns="as_of").astype("float64")
        told = zip(days[::-1], numbers[::-1].to_dict("records"), strict=True)  # of a day that is there twice, the first
        return dict(told)

    def _row(self, day: dt.date) -> dict[str, float] | None:
        return self._rows.get(day)

    def _past_ratio(self, day: dt.date, window: str, measure: Measure, least_history_days: int) -> float | None:
        """The ratio of a past day, where its window is over on as_of and there was enough history."""
        row = self._row(day)
        days = self.near_days if window == "near" else self.horizon_days
        if row is None or row["history_days"] < least_history_days or day + dt.timedelta(days=days) > self.as_of:
            return None
        actual, steady = float(row[f"{window}_{measure}"]), float(row[f"steady_{window}_{measure}"])
        if not (np.isfinite(actual) and np.isfinite(steady) and actual > 0 and steady > 0):
            return None
        return _ratio(measure, actual, steady, float(row["customer_count"]))

    def _steady_ratios(self, measure: Measure) -> list[float]:
        ratios = [self._past_ratio(day, "future", measure, LEAST_HISTORY_DAYS) for day in self._last_year()]
        return [ratio for ratio in ratios if ratio is not None]

    def _year_ago_misses(self, measure: Measure) -> list[float]:
        """By how much each past short window missed that of a year before it."""
        misses = []
        for day in self._last_year():
            then = self._past_ratio(day - dt.timedelta(days=YEAR_DAYS), "near", measure, LEAST_HISTORY_DAYS)
            now = self._past_ratio(day, "near", measure, LEAST_HISTORY_DAYS)
            if then is not None and now is not None:
                misses.append(now - then)
        return misses

    def _last_year(self) -> list[dt.date]:
        return [day for day in sorted(self._rows) if 0 < (self.as_of - day).days <= YEAR_DAYS]

    def _year_ago_ratio(self, measure: Measure, least_history_days: int) -> float | None:
        return self._past_ratio(self.as_of - dt.timedelta(days=YEAR_DAYS), "future", measure, least_history_days)


def shift_to(probability: np.ndarray, total: float) -> float:
    """The shift of all log odds with which the probabilities add up to `total`; for arrays that are not empty.

    >>> round(shift_to(np.array([0.5, 0.5]), 1.5), 4)
    1.0986
    """
    from scipy.optimize import brentq

    odds = log_odds(probability)
    target = float(np.clip(total / len(odds), 1e-4, 1 - 1e-4))
    return float(brentq(lambda shift: float(np.mean(1 / (1 + np.exp(-odds - shift)))) - target, -20, 20))  # type: ignore[arg-type]


def log_odds(probability: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) of probabilities that are held within 0.0001 and 0.9999."""
    sure = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.log(sure / (1 - sure))


def _ratio(measure: Measure, total: float, steady: float, customers: float) -> float:
    if measure == "buyers":
        both = log_odds(np.array([total, steady]) / customers)
        return float(both[0] - both[1])
    return float(np.log(total / steady))


def _total(measure: Measure, ratio: float, steady: float, customers: float) -> float:
    if measure == "buyers":
        odds = log_odds(np.array([steady / customers]))[0] + ratio
        return float(customers / (1 + np.exp(-odds)))
    return float(steady * np.exp(ratio))


def _mean_square(errors: Sequence[float], prior_days: float, prior: float) -> float:
    return (prior_days * prior + sum(each**2 for each in errors)) / (prior_days + len(errors))
