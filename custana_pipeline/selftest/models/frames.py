"""Made-up feature frames of a small shop, and short ways to train on them, for the faults of models."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.features.windows import Origins, origins
from custana_pipeline.models.training import Training

AS_OF = dt.date(2025, 6, 30)
OUTCOMES = ["future_purchase", "future_amount", "is_recommended"]


def days() -> Origins:
    """The origins of AS_OF for a shop that opened two years before, with one day to judge on."""
    return origins(AS_OF, 90, dt.date(2023, 6, 30), fold_count=1)


def snapshots(customers: int = 150, seed: int = 0) -> pd.DataFrame:
    """One row per day of days() and customer; how much a customer buys follows from a rate of their own."""
    random = np.random.default_rng(seed)
    rate, value = random.gamma(0.6, 2.0, customers), random.gamma(3.0, 12.0, customers)
    frames = [_snapshot(day, rate, value, random) for day in days().snapshots]
    stacked: Any = pd.concat(frames, ignore_index=True)
    stacked = stacked.astype({"future_purchase": "float64", "future_amount": "float64", "is_recommended": "object"})
    stacked.loc[stacked["as_of"] == AS_OF, OUTCOMES] = None
    return stacked


def _snapshot(day: dt.date, rate: np.ndarray, value: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    count = len(rate)
    year, quarter, bought = random.poisson(4 * rate), random.poisson(rate), random.poisson(rate)
    spent = (year + quarter + 1) * value
    return pd.DataFrame(
        {
            "as_of": day,
            "customer_id": [f"c{number:05d}" for number in range(count)],
            "recency_days": random.exponential(90 / (rate + 0.1)).round() + 1,
            "tenure_days": random.integers(60, 700, count),
            "purchase_frequency": year + quarter + 1,
            "purchase_amount": spent.round(2),
            "purchase_days_365d": year + quarter,
            "purchase_amount_365d": ((year + quarter) * value).round(2),
            "btyd_p_buy": 1 - np.exp(-(0.5 * quarter + 0.1 * year)),
            "btyd_purchases": 0.5 * quarter + 0.1 * year,
            "btyd_amount": ((0.5 * quarter + 0.1 * year) * value).round(2),
            "location": random.choice(["North", "South", None], count),
            "is_recommended": bought > 0,
            "future_purchase": bought,
            "future_amount": (bought * value * random.gamma(8.0, 1 / 8, count)).round(2),
        }
    )


def trained(rows: pd.DataFrame) -> Training:
    """Behavior trained on the rows as a night does it."""
    from custana_pipeline.models.behavior import BehaviorSettings, train_behavior

    return train_behavior(rows, days(), BehaviorSettings())


def people(count: int = 200, seed: int = 0) -> pd.DataFrame:
    """Customers of one day, of four kinds, for segmentation."""
    random = np.random.default_rng(seed)
    kinds = np.array([(8.0, 14.0, 60.0), (6.0, 300.0, 50.0), (1.3, 15.0, 30.0), (1.0, 320.0, 25.0)])
    own = kinds[random.integers(0, len(kinds), count)]
    frequency = 1 + random.poisson(own[:, 0] - 1)
    recency = np.ceil(own[:, 1] * random.lognormal(0, 0.3, count))
    return pd.DataFrame(
        {
            "as_of": pd.Timestamp(AS_OF),
            "customer_id": [f"c{number:05d}" for number in range(count)],
            "recency_days": recency,
            "purchase_frequency": frequency,
            "purchase_amount": (frequency * own[:, 2] * random.lognormal(0, 0.3, count)).round(2),
            "tenure_days": recency + 30 * (frequency - 1),
            "age": random.integers(18, 80, count),
            "location": random.choice(["North", "South", "East"], count),
        }
    )


def segmented(rows: pd.DataFrame, previous: Any = None) -> Training:
    """Segmentation trained on the rows, with few refits."""
    from custana_pipeline.models.segmentation import SegmentationSettings, train_segmentation

    settings = SegmentationSettings(cluster_counts=(3, 4), stability_refits=1)
    return train_segmentation(rows, None, settings, previous)
