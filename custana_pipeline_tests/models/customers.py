"""Made-up customers of one day for the tests of segmentation: four kinds, with demographics that hardly matter."""

import numpy as np
import pandas as pd

KINDS = {
    "regular": (8.0, 14.0, 60.0),
    "former": (6.0, 300.0, 50.0),
    "fresh": (1.3, 15.0, 30.0),
    "once": (1.0, 320.0, 25.0),
}
"""Kind -> its mean purchase days, days since the last one, and amount a day."""


def customers(count: int = 240, seed: int = 0) -> pd.DataFrame:
    """One row per customer as of 2025-06-30, in the order of customer_id, with future_amount."""
    random = np.random.default_rng(seed)
    kinds = np.array(list(KINDS.values()))[random.integers(0, len(KINDS), count)]
    frequency = 1 + random.poisson(kinds[:, 0] - 1)
    amount = frequency * kinds[:, 2] * random.lognormal(0, 0.3, count)
    recency = np.ceil(kinds[:, 1] * random.lognormal(0, 0.3, count))
    return pd.DataFrame(
        {
            "as_of": pd.Timestamp("2025-06-30"),
            "customer_id": [f"c{number:05d}" for number in range(count)],
            "recency_days": recency,
            "purchase_frequency": frequency,
            "purchase_amount": amount.round(2),
            "tenure_days": recency + 30 * (frequency - 1),
            "age": random.integers(18, 80, count),
            "gender": random.choice(["female", "male", None], count),
            "location": random.choice(["North", "South", "East"], count),
            "future_amount": np.where(recency < 60, amount / 4, 0.0).round(2),
        }
    )
