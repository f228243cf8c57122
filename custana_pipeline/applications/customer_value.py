"""What each customer is expected to be worth, after what they send back: within the horizon, and within a year."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.applications.customer_frames import beside, by_customer, day_column, texts
from custana_pipeline.applications.recommended_customers import score_deciles
from custana_pipeline.errors import NotTrainable
from custana_pipeline.features.btyd.bg_nbd import fit_bg_nbd_to
from custana_pipeline.features.btyd.columns import history
from custana_pipeline.features.btyd.fitting import SERVING_PENALTY
from custana_pipeline.features.btyd.histories import placed

YEAR_DAYS = 365
OWN_YEAR = 0.5
"""Share of the rest of the year that is shared out by the purchases of the last 365 days, and not by the forecast."""
RETURNS_EXCEED = "returns exceed purchases"
BY_DAYS_ALONE = "year by the number of days: no purchase rates could be fitted"

Ends = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Lower end, value, upper end."""


def customer_value(forecast: pd.DataFrame, past: pd.DataFrame, horizon_days: int, as_of: dt.date) -> pd.DataFrame:
    """The list `customer_value`: one row per row of `forecast`, by customer_id; none where there are no amounts.

    `forecast` is the list demand_forecast of the day. `past` has customer_id, and of features.activity repeat_count,
    active_span_days, tenure_days, purchase_days_365d, purchase_amount_365d, net_amount_365d, and of features.btyd
    btyd_purchases, btyd_amount (missing where nothing could be fitted).
    """
    customers = by_customer(beside(_where(forecast["expected_amount"].notna(), forecast), past))
    ratio, is_fitted = year_ratio(customers, horizon_days)
    soon = _column(customers, "expected_purchases")
    later = rest_of_year(
        soon, ratio, _column(customers, "purchase_days_365d"), _column(customers, "btyd_purchases").sum()
    )
    horizon = _horizon(customers)
    year = _year(customers, horizon, ratio)
    return pd.DataFrame(
        {
            "as_of": day_column(as_of, len(customers)),
            "customer_id": customers["customer_id"].astype("str"),
            "horizon_value": horizon[1],
            "horizon_lower": horizon[0],
            "horizon_upper": horizon[2],
            "year_purchases": (soon + later).round(6),
            "year_value": year[1],
            "year_lower": year[0],
            "year_upper": year[2],
            "value_decile": score_deciles(year[1]).astype("int64"),
            "note": _notes(customers, is_fitted),
            "model_version": customers["model_version"].astype("str"),
        },
        copy=False,
    )


def year_ratio(customers: pd.DataFrame, horizon_days: int) -> tuple[np.ndarray, bool]:
    """A year's purchases over those of the horizon, by BG/NBD of each history; and whether BG/NBD could be fitted.

    The ratio lies between 1 (all of them come at once) and that of the days, which stands in where nothing is fitted.
    """
    by_days = YEAR_DAYS / horizon_days
    try:
        learned, different, place = placed(*history(customers))
        model = fit_bg_nbd_to(learned, SERVING_PENALTY)
    except NotTrainable:
        return np.full(len(customers), by_days), False
    rows = (different.x, different.t_x, different.T)
    soon, within_year = (model.expected_purchases(*rows, days) for days in (horizon_days, YEAR_DAYS))
    ratio = np.divide(within_year, soon, out=np.ones(len(soon)), where=soon > 0)
    return np.clip(ratio, min(1.0, by_days), max(1.0, by_days))[place], True


def rest_of_year(soon: np.ndarray, ratio: np.ndarray, last_year: np.ndarray, steady: float) -> np.ndarray:
    """What comes after the horizon, given what is expected within it (`soon`) and what came in the last 365 days.

    All customers together go on as a steady shop, of which `steady` is the total within the horizon: a season's level
    ends with the horizon (0 leaves the level as it is). Of that rest OWN_YEAR is shared out by `last_year`, the
    remainder by soon * (ratio - 1). A year that is the shorter of the two takes away from the horizon instead.

    >>> rest_of_year(np.array([10.0, 10.0]), np.array([4.0, 4.0]), np.array([0.0, 50.0]), 10.0).tolist()
    [7.5, 22.5]
    """
    rest = soon * (ratio - 1)
    if (ratio <= 1).all() or rest.sum() <= 0:
        return rest
    level = soon.sum() / steady if steady > 0 else 1.0
    if last_year.sum() > 0:
        rest = (1 - OWN_YEAR) * rest + OWN_YEAR * rest.sum() * last_year / last_year.sum()
    return rest / level


def relative_bounds(forecast: pd.DataFrame, amounts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the 80 % interval that a horizon's forecast as large as each amount has, as multiples of it.

    Between the amounts of `forecast` (expected_amount, lower_amount, upper_amount) the multiples are interpolated,
    beyond them those of the outermost hold. Where nothing is expected of anybody they are 1.
    """
    some = _where(forecast["expected_amount"] > 0, forecast[["expected_amount", "lower_amount", "upper_amount"]])
    if some.empty:
        return np.ones(len(amounts)), np.ones(len(amounts))
    ends: Any = some.groupby("expected_amount")[["lower_amount", "upper_amount"]].mean()
    sizes = ends.index.to_numpy(dtype=float)
    lower, upper = (_column(ends, name) / sizes for name in ("lower_amount", "upper_amount"))
    return np.interp(amounts, sizes, lower), np.interp(amounts, sizes, upper)


def _where(is_kept: Any, rows: Any) -> Any:
    """The rows that are kept; they themselves, instead of a copy, where all are."""
    return rows if is_kept.all() else rows[is_kept]


def _horizon(customers: pd.DataFrame) -> Ends:
    """The forecast net of returns: the value is expected_net_amount, to the cent."""
    kept, value = 1 - _column(customers, "return_share"), _column(customers, "expected_net_amount")
    lower, upper = ((_column(customers, name) * kept).round(2) for name in ("lower_amount", "upper_amount"))
    return np.fmin(lower, value), value, np.fmax(upper, value)


def _year(customers: pd.DataFrame, horizon: Ends, ratio: np.ndarray) -> Ends:
    """The year net of returns; where it holds the horizon, no end lies below the horizon's."""
    soon, kept = _column(customers, "expected_amount"), 1 - _column(customers, "return_share")
    rest = rest_of_year(
        soon, ratio, _column(customers, "purchase_amount_365d"), _column(customers, "btyd_amount").sum()
    )
    value = (horizon[1] + (rest * kept).round(2)).round(2)
    lower, upper = ((value * each).round(2) for each in relative_bounds(customers, soon + rest))
    if (rest >= 0).all():
        lower, upper = np.fmax(lower, horizon[0]), np.fmax(upper, horizon[2])
    return np.fmin(lower, value), value, np.fmax(upper, value)


def _notes(customers: pd.DataFrame, is_fitted: bool) -> pd.Series:
    """What has to be known beside a value; empty for most."""
    exceed = _column(customers, "net_amount_365d") < 0
    told = ("", RETURNS_EXCEED) if is_fitted else (BY_DAYS_ALONE, f"{RETURNS_EXCEED}; {BY_DAYS_ALONE}")
    return texts(exceed, told)


def _column(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column as numbers, missing as 0."""
    return np.nan_to_num(frame[name].to_numpy(dtype=float))
