"""What each customer is expected to buy within the horizon, before and after what comes back."""

import datetime as dt

import numpy as np
import pandas as pd

from custana_pipeline.applications.customer_frames import beside, by_customer, day_column, text_column


def demand_forecast(scores: pd.DataFrame, trade: pd.DataFrame, model_version: str, as_of: dt.date) -> pd.DataFrame:
    """The list `demand_forecast`, one row per row of `scores`, by customer_id.

    `scores`: customer_id, expected_purchases, expected_amount, amount_lower, amount_upper (amounts NaN without money).
    `trade`: customer_id, gross_amount_365d, return_amount_365d; a customer without trade has everybody's return share.
    Money is rounded to cents here, so that totals of this list add up to the cent.
    """
    customers = by_customer(beside(scores, return_shares(trade)))
    amount = _cents(customers, "expected_amount")
    share = customers["return_share"].to_numpy(dtype=float)
    share = np.where(np.isnan(amount), np.nan, np.where(np.isnan(share), overall_return_share(trade), share))
    return pd.DataFrame(
        {
            "as_of": day_column(as_of, len(customers)),
            "customer_id": customers["customer_id"].astype(str),
            "expected_purchases": customers["expected_purchases"].to_numpy(dtype=float).clip(min=0).round(6),
            "expected_amount": amount,
            "expected_net_amount": (amount * (1 - share)).round(2),
            "lower_amount": np.fmin(_cents(customers, "amount_lower"), amount),
            "upper_amount": np.fmax(_cents(customers, "amount_upper"), amount),
            "return_share": share.round(6),
            "model_version": text_column(model_version, len(customers)),
        },
        copy=False,
    )


def return_shares(trade: pd.DataFrame) -> pd.DataFrame:
    """customer_id and return_share: the share of a customer's money that comes back, drawn towards everybody's.

    Everybody's share counts as much as the mean spending of one active customer, so that one returned order of a new
    customer does not forecast that all comes back.
    """
    gross = trade["gross_amount_365d"].to_numpy(dtype=float)
    returned = trade["return_amount_365d"].to_numpy(dtype=float)
    weight = gross[gross > 0].mean() if (gross > 0).any() else 1.0
    share = (returned + weight * overall_return_share(trade)) / (gross + weight)
    return pd.DataFrame({"customer_id": trade["customer_id"], "return_share": share.clip(0, 1)})


def overall_return_share(trade: pd.DataFrame) -> float:
    """The share of all customers' money of the last 365 days that came back; 0 where there was no money."""
    gross = trade["gross_amount_365d"].to_numpy(dtype=float).sum()
    returned = trade["return_amount_365d"].to_numpy(dtype=float).sum()
    return min(float(returned / gross), 1.0) if gross > 0 else 0.0


def _cents(customers: pd.DataFrame, column: str) -> np.ndarray:
    return customers[column].to_numpy(dtype=float).clip(min=0).round(2)
