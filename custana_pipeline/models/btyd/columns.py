"""The models on feature frames: fitted parameters of a shop, and what they foresee of each customer as columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.errors import ContractBroken, NoMeanSpend, NotTrainable
from custana_pipeline.models.btyd.bg_nbd import BgNbd, fit_bg_nbd
from custana_pipeline.models.btyd.fitting import SERVING_PENALTY
from custana_pipeline.models.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from custana_pipeline.models.encoding import as_numbers

HISTORY = ("repeat_count", "active_span_days", "tenure_days")
MONEY = ("mean_repeat_amount", "purchase_amount", "purchase_frequency")
OWN_MEAN_PRIOR = 2.0
"""Pull of the mean purchase on a customer's own mean, in purchases, where Gamma-Gamma has no mean to give."""

FITTED = "gamma_gamma"
NO_MEAN_SPEND = "no_mean_spend"
TOO_FEW_PURCHASES = "too_few_purchases"


@dataclass(frozen=True)
class Spend:
    """What a purchase is worth: Gamma-Gamma where it has a mean, or else a customer's own mean, shrunken.

    `state` is gamma_gamma, no_mean_spend or too_few_purchases; `overall` is the money per purchase of all customers.
    `first_counts` tells whether the first purchase is one of those that are looked at, or only its repeats.
    """

    state: str
    overall: float
    gamma_gamma: GammaGamma | None = None
    first_counts: bool = True

    def mean_value(self, frame: pd.DataFrame) -> np.ndarray:
        """The expected money of the next purchase of each row: finite and never negative."""
        if self.gamma_gamma is not None:
            return self.gamma_gamma.mean_value(*amounts(frame, self.first_counts))
        count = np.nan_to_num(column(frame, "purchase_frequency")).clip(min=0)
        amount = np.nan_to_num(column(frame, "purchase_amount")).clip(min=0)
        return (amount + OWN_MEAN_PRIOR * self.overall) / (count + OWN_MEAN_PRIOR)


@dataclass(frozen=True)
class Btyd:
    """The parameters of a shop's customers; `spend` is None where the source has no money."""

    purchases: BgNbd
    spend: Spend | None


def column(frame: Any, name: str) -> np.ndarray:
    """A column of the frame as float64, missing as NaN; ContractBroken, with the mend, when it is not there."""
    if name not in frame.columns:
        raise ContractBroken(f"The frame to be scored lacks {name}: build the features again, or train again.")
    return as_numbers(frame[name]).to_numpy(dtype="float64")


def history(frame: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, t_x and T (days) of each row."""
    repeats, span, tenure = (column(frame, name) for name in HISTORY)
    return repeats, span, tenure


def amounts(frame: Any, first_counts: bool) -> tuple[np.ndarray, np.ndarray]:
    """How many purchases of each row are looked at, and their mean money."""
    if not first_counts:
        return column(frame, "repeat_count"), column(frame, "mean_repeat_amount")
    count = column(frame, "purchase_frequency")
    return count, column(frame, "purchase_amount") / np.where(count > 0, count, np.nan)


def newest(frame: Any) -> Any:
    """The rows of the newest as_of, where several are stacked: a customer is one history, not one for each origin."""
    if "as_of" not in frame.columns or not len(frame):
        return frame
    return frame[frame["as_of"] == frame["as_of"].max()]


def fit_purchases(frame: Any, penalty: float = SERVING_PENALTY) -> BgNbd:
    """BG/NBD of the newest origin's histories, in days."""
    return fit_bg_nbd(*history(newest(frame)), penalty)


def fit_spend(frame: Any, penalty: float = SERVING_PENALTY, first_counts: bool = True) -> Spend:
    """Gamma-Gamma of the newest origin's purchases, or the reason why there is none with the fallback.

    The published way looks at repeats only (first_counts = False). With the first purchase counted, the MAE of spend
    was lower in each of five windows of 90 days tried (Online Retail II 2010-09-01, 2010-12-01 and 2011-03-01, CDNOW
    1997-07-01 and 1997-10-01): one-time buyers have no other. NotTrainable when no customer has a positive amount.
    """
    rows = newest(frame)
    amount, count = column(rows, "purchase_amount"), column(rows, "purchase_frequency")
    paid = (amount > 0) & (count > 0)
    if not paid.any():
        raise NotTrainable("No customer has a purchase with a positive amount: there is no spend to learn from.")
    overall = float(amount[paid].sum() / count[paid].sum())
    try:
        fitted = fit_gamma_gamma(*amounts(rows, first_counts), penalty)
    except NoMeanSpend:
        return Spend(NO_MEAN_SPEND, overall)
    except NotTrainable:
        return Spend(TOO_FEW_PURCHASES, overall)
    return Spend(FITTED, overall, fitted, first_counts)


def fit_btyd(frame: Any, penalty: float = SERVING_PENALTY) -> Btyd:
    """The parameters of a feature frame; without money the purchases alone."""
    has_money = all(name in frame.columns for name in MONEY) and bool((column(frame, "purchase_amount") > 0).any())
    return Btyd(fit_purchases(frame, penalty), fit_spend(frame, penalty) if has_money else None)


def btyd_columns(frame: pd.DataFrame, parameters: Btyd, horizon_days: float) -> pd.DataFrame:
    """What the models foresee of each row, in its order and with its index.

    btyd_p_alive, btyd_p_buy (a purchase within the horizon), btyd_purchases (expected within it) and btyd_mean_amount
    (expected money of a purchase; missing where the source has no money).
    """
    past, model = history(frame), parameters.purchases
    missing = np.full(len(frame), np.nan)
    return pd.DataFrame(
        {
            "btyd_p_alive": model.p_alive(*past),
            "btyd_p_buy": model.p_buy(*past, horizon_days),
            "btyd_purchases": model.expected_purchases(*past, horizon_days),
            "btyd_mean_amount": missing if parameters.spend is None else parameters.spend.mean_value(frame),
        },
        index=frame.index,
    )
