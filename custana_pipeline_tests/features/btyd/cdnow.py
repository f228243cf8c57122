"""Histories for the tests: CDNOW's sample where the data sets are, and made-up customers of known parameters."""

import numpy as np
import pandas as pd

from custana_pipeline_tests.conftest import dataset


def cdnow_sample() -> pd.DataFrame:
    """One row a customer of CDNOW's sample after 39 weeks: repeats, t_x and T in weeks, mean repeat amount by day."""
    path = dataset("cdnow/CDNOW_sample.txt")
    lines = pd.read_csv(path, sep=r"\s+", header=None, usecols=[1, 2, 4], names=["customer", "day", "amount"])
    lines["day"] = pd.to_datetime(lines["day"].astype(str))
    days = lines[lines["day"] < "1997-10-01"].groupby(["customer", "day"], as_index=False)["amount"].sum()
    people = days.groupby("customer").agg(
        first=("day", "min"),
        last=("day", "max"),
        count=("day", "count"),
        amount=("amount", "sum"),
        start=("amount", "first"),
    )
    repeats = people["count"] - 1
    return pd.DataFrame(
        {
            "repeats": repeats,
            "last": (people["last"] - people["first"]).dt.days / 7,
            "age": (pd.Timestamp("1997-09-30") - people["first"]).dt.days / 7,
            "mean_repeat": (people["amount"] - people["start"]) / repeats.where(repeats > 0),
        }
    )


def made_up(count: int = 4_000, seed: int = 0) -> pd.DataFrame:
    """One row a customer of a BG/NBD shop with r 0.8, alpha 60 days, a 1.2, b 3 and Gamma-Gamma p 4, q 5, v 40.

    `later` is what they bought in the 90 days after T, `repeats`, `last`, `age` and `mean_repeat` what is known at T.
    """
    random = np.random.default_rng(seed)
    age = random.integers(30, 700, count).astype("float64")
    rate, leaves = random.gamma(0.8, 1 / 60, count), random.beta(1.2, 3, count)
    time, there = np.zeros(count), np.ones(count, dtype=bool)
    repeats, last, later = np.zeros(count), np.zeros(count), np.zeros(count)
    while there.any():
        time = time + random.exponential(1 / rate)
        known, follows = there & (time <= age), there & (time > age) & (time <= age + 90)
        repeats, last, later = repeats + known, np.where(known, time, last), later + follows
        there = there & (time <= age + 90) & (random.random(count) >= leaves)
    worth = random.gamma(4 * np.maximum(repeats, 1), 1 / random.gamma(5, 1 / 40, count)) / np.maximum(repeats, 1)
    mean_repeat = np.where(repeats > 0, worth, np.nan)
    return pd.DataFrame({"repeats": repeats, "last": last, "age": age, "mean_repeat": mean_repeat, "later": later})


def features(people: pd.DataFrame) -> pd.DataFrame:
    """Histories under the names of the feature contract, each purchase worth what the repeats are, or 20."""
    value = people["mean_repeat"].fillna(20.0)
    return pd.DataFrame(
        {
            "repeat_count": people["repeats"],
            "active_span_days": people["last"],
            "tenure_days": people["age"],
            "purchase_frequency": people["repeats"] + 1,
            "mean_repeat_amount": people["mean_repeat"],
            "purchase_amount": value * (people["repeats"] + 1),
        }
    )
