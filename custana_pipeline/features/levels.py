"""The shop's trade as a whole on past days, beside that of a steady shop.

A steady shop is one in which everybody goes on as BG/NBD expects, fitted on the histories known on the day alone. What
comes besides is season and drift: models.level foresees it.
"""

import numpy as np
import pandas as pd

from custana_pipeline.errors import NotTrainable
from custana_pipeline.features.btyd.bg_nbd import BgNbd, fit_bg_nbd_to
from custana_pipeline.features.btyd.columns import HISTORY, OWN_MEAN_PRIOR
from custana_pipeline.features.btyd.fitting import SERVING_PENALTY
from custana_pipeline.features.btyd.histories import Histories, thinned
from custana_pipeline.features.windows import CHECK_DAYS

MEASURES = ("buyers", "purchases", "amount")
MOST_HISTORIES = 25_000
"""Where a day has more different histories, the steady shop is reckoned from these many, evenly taken by customers."""
WINDOWS = ("near", "future")
"""Prefixes of the outcomes in features.histories: those of the short window and those of the horizon."""
LEVEL_COLUMNS = (
    "as_of",
    "customer_count",
    "history_days",
    *(f"{window}_{measure}" for window in WINDOWS for measure in MEASURES),
    *(f"steady_{window}_{measure}" for window in WINDOWS for measure in MEASURES),
)


def trade_levels(histories: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """LEVEL_COLUMNS, one row per as_of of `histories` (the table features.histories), oldest first.

    buyers, purchases and amount are totals over all customers of the day, in the short window (near) and in the horizon
    (future); null where the window is not over, or the source has no money. `steady_` are those that a steady shop
    would have. history_days is the age of the oldest customer.
    """
    rows = [_level(day, of_day, horizon_days) for day, of_day in histories.groupby("as_of", sort=True)]
    return pd.DataFrame([row for row in rows if row], columns=list(LEVEL_COLUMNS))


def _level(day: object, histories: pd.DataFrame, horizon_days: int) -> dict[str, object]:
    seen = _thinned(histories)
    x, t_x, T = (seen[name].to_numpy(dtype="float64") for name in HISTORY)  # noqa: N806 - the paper's name
    try:
        model = fit_bg_nbd_to(Histories(x, t_x, T, seen["customer_count"].to_numpy(dtype="float64")), SERVING_PENALTY)
    except NotTrainable:
        return {}
    customers = int(histories["customer_count"].to_numpy(dtype="int64").sum())
    oldest = float(histories["tenure_days"].to_numpy(dtype="float64").max())
    level: dict[str, object] = {"as_of": day, "customer_count": customers, "history_days": oldest}
    for window, days in zip(WINDOWS, (min(CHECK_DAYS, horizon_days), horizon_days), strict=True):
        level |= {f"{window}_{measure}": _total(histories, f"{window}_{measure}") for measure in MEASURES}
        steady = _steady(model, seen, days)
        level |= {f"steady_{window}_{measure}": steady[measure] for measure in MEASURES}
    return level


def _thinned(histories: pd.DataFrame) -> pd.DataFrame:
    """HISTORY, customer_count and purchase_amount of all customers, or of those that stand for them."""
    customers = histories["customer_count"].to_numpy(dtype="float64")
    places, stands_for = thinned(customers, MOST_HISTORIES)
    seen = histories[[*HISTORY, "customer_count", "purchase_amount"]].iloc[places]
    amount = seen["purchase_amount"].to_numpy(dtype="float64") * (stands_for / customers[places])
    return seen.assign(customer_count=stands_for, purchase_amount=amount)


def _steady(model: BgNbd, histories: pd.DataFrame, days: int) -> dict[str, float]:
    x, t_x, T = (histories[name].to_numpy(dtype="float64") for name in HISTORY)  # noqa: N806
    customers = histories["customer_count"].to_numpy(dtype="float64")
    purchases = model.expected_purchases(x, t_x, T, days)
    return {
        "buyers": float(customers @ model.p_buy(x, t_x, T, days)),
        "purchases": float(customers @ purchases),
        "amount": float(purchases @ _values(histories)),
    }


def _values(histories: pd.DataFrame) -> np.ndarray:
    """The value of a purchase of each history's customers, added up: the own mean, drawn towards everybody's."""
    purchases = histories["repeat_count"].to_numpy(dtype="float64") + 1
    customers = histories["customer_count"].to_numpy(dtype="float64")
    amounts = histories["purchase_amount"].to_numpy(dtype="float64")
    overall = amounts.sum() / (customers @ purchases)
    return (amounts + customers * OWN_MEAN_PRIOR * overall) / (purchases + OWN_MEAN_PRIOR)


def _total(histories: pd.DataFrame, column: str) -> float:
    return float(histories[column].to_numpy(dtype="float64").sum())
