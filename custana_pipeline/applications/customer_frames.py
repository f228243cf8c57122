"""Frames of one row a customer: put beside each other and in order, with what is the same for many of them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa


def beside(customers: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The customers with the other columns of `others`, by customer_id; missing where `others` has them not.

    Where both have the same customers in the same order, as lists of a day mostly have, nobody is looked for.
    """
    if customers["customer_id"].array.equals(others["customer_id"].array):
        columns: Any = others.drop(columns="customer_id")
        return pd.concat([customers.reset_index(drop=True), columns.reset_index(drop=True)], axis="columns")
    return customers.merge(others, on="customer_id", how="left", validate="one_to_one")


def by_customer(customers: pd.DataFrame) -> pd.DataFrame:
    """The customers by customer_id, numbered from 0; as they are where that is their order, as it mostly is."""
    ids: Any = customers["customer_id"].array
    if (ids[1:] > ids[:-1]).all():
        return customers.reset_index(drop=True)
    return customers.sort_values("customer_id", ignore_index=True)


def texts(places: np.ndarray, of: Sequence[str]) -> pd.Series:
    """The text at each of the places; none of them is a Python object on its way.

    >>> texts(np.array([1, 0, 1]), ["tea", "coffee"]).tolist()
    ['coffee', 'tea', 'coffee']
    """
    told: Any = pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(list(of), pa.large_string()))
    return told.dictionary_decode().to_pandas()


def day_column(as_of: dt.date, count: int) -> pd.Series:
    """The day in every row; a list without rows has its type too.

    >>> str(day_column(dt.date(2025, 1, 1), 0).dtype)
    'date32[day][pyarrow]'
    """
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.repeat(pa.scalar(as_of, pa.date32()), count)))


def text_column(text: str, count: int) -> pd.Series:
    """One text in every row.

    >>> text_column("m1", 2).tolist()
    ['m1', 'm1']
    """
    column: Any = pa.repeat(pa.scalar(text, pa.large_string()), count)
    return column.to_pandas()
