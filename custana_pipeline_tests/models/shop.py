"""A small made-up shop: stacked snapshots whose outcomes follow from each customer's own rate."""

import datetime as dt

import numpy as np
import pandas as pd

from custana_pipeline.features.windows import Origins, origins

AS_OF = dt.date(2025, 6, 30)
HORIZON_DAYS = 90


def days_of_shop(fold_count: int = 2) -> Origins:
    """The origins of AS_OF for a shop that opened two years before."""
    return origins(AS_OF, HORIZON_DAYS, dt.date(2023, 6, 30), fold_count=fold_count)


def snapshots(customer_count: int = 240, seed: int = 0, *, shuffled: bool = False) -> pd.DataFrame:
    """One row per day of days_of_shop() and customer; with `shuffled` the outcomes do not depend on the features."""
    random = np.random.default_rng(seed)
    rate = random.gamma(0.6, 2.0, customer_count)
    value = random.gamma(3.0, 12.0, customer_count)
    days = days_of_shop(4)
    frames = [_snapshot(day, rate, value, random) for day in days.snapshots]
    stacked = pd.concat(frames, ignore_index=True)
    outcomes = ["future_purchase", "future_amount", "is_recommended"]
    if shuffled:
        order = random.permutation(len(stacked))
        stacked[outcomes] = stacked[outcomes].to_numpy()[order]
    stacked = stacked.astype({"future_purchase": "float64", "future_amount": "float64", "is_recommended": "object"})
    stacked.loc[stacked["as_of"] == AS_OF, outcomes] = None
    return stacked


def _snapshot(day: dt.date, rate: np.ndarray, value: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    count = len(rate)
    year, quarter = random.poisson(4 * rate), random.poisson(rate)
    bought = random.poisson(rate)
    return pd.DataFrame(
        {
            "as_of": day,
            "customer_id": [f"c{number:05d}" for number in range(count)],
            "recency_days": random.exponential(90 / (rate + 0.1)).round() + 1,
            "tenure_days": random.integers(60, 700, count),
            "purchase_frequency": year + quarter + 1,
            "purchase_amount": ((year + quarter + 1) * value).round(2),
            "purchase_days_90d": quarter,
            "purchase_days_365d": year + quarter,
            "purchase_amount_90d": (quarter * value).round(2),
            "purchase_amount_365d": ((year + quarter) * value).round(2),
            "mean_gap_days": np.where(year > 1, 365 / np.maximum(year, 1), np.nan),
            "btyd_p_buy": 1 - np.exp(-(0.5 * quarter + 0.1 * year)),
            "btyd_purchases": 0.5 * quarter + 0.1 * year,
            "btyd_amount": ((0.5 * quarter + 0.1 * year) * value).round(2),
            "is_member": random.random(count) < 0.5,
            "location": random.choice(["North", "South", None], count),
            "age": None,
            "is_recommended": bought > 0,
            "future_purchase": bought,
            "future_amount": (bought * value * random.gamma(8.0, 1 / 8, count)).round(2),
        }
    )
