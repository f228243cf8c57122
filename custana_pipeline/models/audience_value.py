"""What an audience is worth at every size: thresholds from margin and contact cost instead of a probability of 0.5."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.errors import ContractBroken

COLUMNS = ("customers", "share", "threshold", "expected_buyers", "expected_revenue", "expected_profit")


@dataclass(frozen=True)
class AudienceValue:
    """What a contact costs and brings; without a cost there is a curve of revenue and no optimum."""

    contact_cost: float | None = None
    """Money that it costs to contact one customer."""
    margin_share: float = 0.3
    """Share of revenue that is left after the goods are paid."""
    contact_effect: float = 0.1
    """Share of the expected purchases of the contacted that contacting adds; the rest would come without it."""

    @property
    def caveat(self) -> str:
        """What the profit assumes, in words."""
        return (
            f"Contacting does not cause all that the contacted buy: {self.contact_effect:.0%} of it is taken to come "
            f"from the contact (an assumption until the control group has measured it), {self.margin_share:.0%} of "
            "revenue to be margin."
        )


def audience_curve(scores: pd.DataFrame, value: AudienceValue) -> pd.DataFrame:
    """COLUMNS for every audience from nobody to everybody by falling p_buy; equal p_buy come in together.

    `scores` has p_buy and expected_amount, one row a customer. Revenue is missing where an amount is, profit also
    where no contact cost is given: profit = contact_effect x margin_share x revenue - contact_cost x customers.
    """
    p_buy, amount = require_scores(scores)
    order = np.argsort(-p_buy, kind="stable")
    last_of_ties = np.flatnonzero(np.append(np.diff(p_buy[order]) != 0, True)) if len(order) else np.empty(0, int)
    customers = np.append(0, last_of_ties + 1)
    buyers, revenue = (np.append(0, np.cumsum(each[order]))[customers] for each in (p_buy, amount))
    return pd.DataFrame(
        {
            "customers": customers,
            "share": customers / max(len(p_buy), 1),
            "threshold": np.append(np.inf, p_buy[order][last_of_ties]),
            "expected_buyers": buyers,
            "expected_revenue": revenue,
            "expected_profit": profit(revenue, customers, value),
        }
    )


def profit(revenue: np.ndarray, customers: np.ndarray, value: AudienceValue) -> np.ndarray:
    """What is left of a contact's own revenue after its cost; NaN without a cost."""
    if value.contact_cost is None:
        return np.full(len(revenue), np.nan)
    return value.contact_effect * value.margin_share * revenue - value.contact_cost * customers


def best_audience(curve: pd.DataFrame) -> Any:
    """The row of the highest profit, the smallest such audience; None without a profit. It may be nobody."""
    profits = curve["expected_profit"].to_numpy(dtype=float)
    if not len(profits) or np.isnan(profits).any():
        return None
    return curve.iloc[int(profits.argmax())]


def realised_curve(holdout: pd.DataFrame, value: AudienceValue) -> pd.DataFrame:
    """The curve of a holdout with realised_buyers, realised_revenue and realised_profit beside what was expected.

    `holdout` has p_buy, expected_amount, bought (0/1) and amount, as foreseen and as it came. The realised profit
    counts the same share of what came, so it tells whether the scores were right, not what a contact would have added.
    """
    expected = audience_curve(holdout, value)
    if not np.isfinite(holdout[["bought", "amount"]].to_numpy(dtype=float)).all():
        raise ContractBroken("An outcome of the holdout is missing: realised profit cannot be told.")
    ordered = holdout.sort_values("p_buy", ascending=False, kind="stable")
    customers = expected["customers"].to_numpy()
    buyers, revenue = (
        np.append(0, np.cumsum(ordered[name].to_numpy(dtype=float)))[customers] for name in ("bought", "amount")
    )
    return expected.assign(
        realised_buyers=buyers, realised_revenue=revenue, realised_profit=profit(revenue, customers, value)
    )


def require_scores(scores: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """p_buy and expected_amount; ContractBroken where one is not there, no probability or infinite."""
    missing = [name for name in ("p_buy", "expected_amount") if name not in scores]
    if missing:
        raise ContractBroken(f"The scores lack {', '.join(missing)}: score the customers again.")
    p_buy, amount = (scores[name].to_numpy(dtype=float) for name in ("p_buy", "expected_amount"))
    if not ((p_buy >= 0) & (p_buy <= 1)).all() or np.isinf(amount).any():
        raise ContractBroken("A score is no probability, or an expected amount is infinite: train again.")
    return p_buy, amount
