"""Which naive rules the columns at hand allow, from the names of the feature contract."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

from custana_pipeline.models.baselines import (
    BaseRate,
    ColumnDemand,
    ColumnProbability,
    MeanDemand,
    MonotoneRate,
    OwnPace,
    TwoColumnClassifier,
    TwoColumnRegressor,
)

PURCHASES = "purchase_days"
AMOUNT = "purchase_amount"
YEAR_DAYS = 365
P_BUY = "btyd_p_buy"
BTYD_DEMAND = {PURCHASES: "btyd_purchases", AMOUNT: "btyd_amount"}
TWO_COLUMNS = ("purchase_frequency", "purchase_amount")


def windows_of(columns: Iterable[str], stem: str) -> dict[int, str]:
    """The windows, in days, of the columns named `<stem>_<days>d`, shortest first.

    >>> windows_of(["purchase_days_90d", "purchase_days_7d", "purchase_days_prior_90d"], "purchase_days")
    {7: 'purchase_days_7d', 90: 'purchase_days_90d'}
    """
    matches = ((re.fullmatch(rf"{stem}_(\d+)d", name), name) for name in columns)
    return dict(sorted((int(match[1]), name) for match, name in matches if match))


def nearest_window(columns: Iterable[str], stem: str, horizon_days: int) -> tuple[str, int] | None:
    """The column whose window is closest to the horizon by ratio, with its days; None when there is no such column."""
    windows = windows_of(columns, stem)
    if not windows:
        return None
    days = min(windows, key=lambda each: (max(each, horizon_days) / min(each, horizon_days), each))
    return windows[days], days


def behavior_rules(columns: Sequence[str], horizon_days: int, seed: int = 0) -> dict[str, Any]:
    """Base rate, recency, the count in the window closest to the horizon and in the same window a year ago, BG/NBD's
    probability, and a forest on two columns; those whose columns are there."""
    rules: dict[str, Any] = {"base_rate": BaseRate()}
    if "recency_days" in columns:
        rules["recency_rule"] = MonotoneRate("recency_days", increasing=False)
    window = nearest_window(columns, PURCHASES, horizon_days)
    frequency = window[0] if window else "purchase_frequency"
    if frequency in columns:
        rules["frequency_rule"] = MonotoneRate(frequency, increasing=True)
    if f"{PURCHASES}_year_ago" in columns:
        rules["year_ago_rule"] = MonotoneRate(f"{PURCHASES}_year_ago", increasing=True)
    if P_BUY in columns:
        rules["bg_nbd"] = ColumnProbability(P_BUY)
    two = [name for name in TWO_COLUMNS if name in columns]
    if two:
        # grown on half the rows, trees cost half and foretell better: whole ones know their rows by heart
        forest = RandomForestClassifier(20, max_samples=0.5, random_state=seed, n_jobs=1)
        rules["two_column_forest"] = TwoColumnClassifier(forest, two)
    return rules


def demand_rules(columns: Sequence[str], stem: str, horizon_days: int) -> dict[str, Any]:
    """Mean customer; the window closest to the horizon, the last 365 days and the same window a year ago, scaled to the
    horizon; BG/NBD (x Gamma-Gamma); a line on two columns. Those whose columns are there."""
    rules: dict[str, Any] = {"mean": MeanDemand()}
    window = nearest_window(columns, stem, horizon_days)
    if window:
        rules["last_window"] = OwnPace(window[0], window[1], horizon_days)
    year = windows_of(columns, stem).get(YEAR_DAYS)
    if year:
        rules["last_year_pace"] = OwnPace(year, YEAR_DAYS, horizon_days)
    if f"{stem}_year_ago" in columns:
        rules["year_ago_window"] = OwnPace(f"{stem}_year_ago", horizon_days, horizon_days)
    btyd = BTYD_DEMAND[stem]
    if btyd in columns:
        rules["bg_nbd"] = ColumnDemand(btyd)
    two = [name for name in TWO_COLUMNS if name in columns]
    if two:
        rules["two_column_linear"] = TwoColumnRegressor(LinearRegression(), two)
    return rules
