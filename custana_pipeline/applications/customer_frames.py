"""Frames of one row a customer: put beside each other, and marked with their day."""

import datetime as dt
from typing import Any

import pandas as pd
import pyarrow as pa


def beside(customers: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The customers with the other columns of `others`, by customer_id; missing where `others` has them not.

    Where both have the same customers in the same order, as lists of a day mostly have, nobody is looked for.
    """
    if customers["customer_id"].array.equals(others["customer_id"].array):
        columns: Any = {str(name): others[name].array for name in others if name != "customer_id"}
        return customers.reset_index(drop=True).assign(**columns)
    return customers.merge(others, on="customer_id", how="left", validate="one_to_one")


def day_column(as_of: dt.date, count: int) -> pd.Series:
    """The day in every row; a list without rows has its type too.

    >>> str(day_column(dt.date(2025, 1, 1), 0).dtype)
    'date32[day][pyarrow]'
    """
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.repeat(pa.scalar(as_of, pa.date32()), count)))
