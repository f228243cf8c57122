"""What a plain rule or published way foresees, so that custana's figures have something beside them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVR

from bench.quality.windows import Window

TWO_COLUMNS = ["frequency", "amount"]
"""The article's inputs: how often and for how much a customer bought, over the whole history."""

SVR_ROWS = 6_000
"""SVR takes every k-th customer where there are more: its cost grows with their square."""


def demand(
    window: Window, customers: pd.DataFrame, before: pd.DataFrame | None, outcome: str
) -> Iterator[tuple[str, np.ndarray]]:
    """Foreseen orders or spend of each customer, by the name of the rule; `before` is the window they are fitted on.

    "same window last year" is only told where the frame has the columns of a year ago.
    """
    stem = "frequency" if outcome == "orders" else "amount"
    year = "last-365-day revenue x H/365" if outcome == "spend" else "last-365-day count x H/365"
    yield year, customers[f"{stem}_365"].to_numpy() * window.horizon_days / 365
    yield "last window", customers[f"{stem}_last"].to_numpy(dtype="float64")
    if f"{stem}_ago" in customers:
        yield "same window last year", customers[f"{stem}_ago"].to_numpy(dtype="float64")
    if before is None:
        return
    for name, model in (
        ("linear on 2 columns", LinearRegression()),
        ("forest on 2 columns", RandomForestRegressor(random_state=0)),
        ("SVR on 2 columns", SVR()),
    ):
        rows = before.iloc[:: -(-len(before) // SVR_ROWS)] if isinstance(model, SVR) else before
        fitted = model.fit(rows[TWO_COLUMNS].to_numpy(), rows[outcome].to_numpy(dtype="float64"))
        yield name, fitted.predict(customers[TWO_COLUMNS].to_numpy())


def behavior(customers: pd.DataFrame, before: pd.DataFrame | None) -> Iterator[tuple[str, np.ndarray]]:
    """The probability that each customer buys, by the name of the rule; all are fitted on the window before."""
    if before is None:
        return
    bought = (before["orders"] > 0).to_numpy(dtype="float64")
    yield "base rate", np.full(len(customers), bought.mean())
    rule = IsotonicRegression(increasing=False, y_min=0.001, y_max=0.999, out_of_bounds="clip")
    yield "recency alone", rule.fit(before["recency"], bought).predict(customers["recency"])
    forest = RandomForestClassifier(random_state=0).fit(before[TWO_COLUMNS].to_numpy(), bought)
    yield "forest on 2 columns", forest.predict_proba(customers[TWO_COLUMNS].to_numpy())[:, -1]
