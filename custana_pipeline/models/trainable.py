"""The gate before fitting: whether there is enough to learn from, and which columns are fit to be learned from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.features.magnitude import MOST_MAGNITUDE
from custana_pipeline.models.encoding import NOT_FEATURES, as_floats, is_numeric

LEAST_CUSTOMERS = 50
LEAST_PER_CLASS = 10
MOST_CATEGORIES_SHARE = 0.5
LOOKED_AT = 1_000
"""Ids that are counted before all are."""


@dataclass(frozen=True)
class UsableColumns:
    """The features that a model is given, by kind, and why each of the others is not."""

    numeric: tuple[str, ...]
    text: tuple[str, ...]
    dropped: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """All usable columns, numbers first."""
        return (*self.numeric, *self.text)


def usable_columns(training: pd.DataFrame) -> UsableColumns:
    """Sorts the feature columns of the training rows into numbers, text and dropped with a reason."""
    numeric, text, dropped = [], [], {}
    for name in sorted(set(training.columns) - set(NOT_FEATURES)):
        fault = _fault(training, name)
        if fault:
            dropped[name] = fault
        elif is_numeric(training[name]):
            numeric.append(name)
        else:
            text.append(name)
    return UsableColumns(tuple(numeric), tuple(text), dropped)


def _fault(training: pd.DataFrame, name: str) -> str | None:
    values: Any = training[name]
    if values.isna().all():
        return "no value at all"
    if not is_numeric(values):
        return _text_fault(values.astype(str)[values.notna()], len(values), bool(values.isna().any()))
    numbers = as_floats(values)
    if np.isinf(numbers.to_numpy()).any():
        return "infinite values"
    if numbers.abs().max() > MOST_MAGNITUDE:
        return f"values beyond {MOST_MAGNITUDE:.0e}"
    if not numbers.isna().any() and numbers.min() == numbers.max():
        return "the same value for everybody"
    days: Any = training.get("as_of")
    if days is not None and days.nunique() > 1 and _tells_only_the_day(numbers, days):
        return "the same value for everybody on a day: it tells the day, not the customer"
    return None


def _text_fault(known: pd.Series, row_count: int, has_nulls: bool) -> str | None:
    distinct_count = known.nunique()
    if distinct_count + has_nulls < 2:
        return "the same value for everybody"
    if distinct_count > 100 and distinct_count > MOST_CATEGORIES_SHARE * row_count:
        return "nearly as many different texts as rows"
    return None


def _tells_only_the_day(numbers: pd.Series, days: Any) -> bool:
    values = numbers.to_numpy()
    codes, distinct = pd.factorize(days)
    return all(_is_one_value(values[codes == code]) for code in range(len(distinct)))


def _is_one_value(values: np.ndarray) -> bool:
    """Whether all are missing, or all are the same number."""
    return bool(np.isnan(values).all() or (values == values[0]).all())


def why_not_trainable(training: pd.DataFrame, holdout: pd.DataFrame, target: str) -> str | None:
    """The reason, with its mend, why `target` cannot be learned and judged on these rows; None when it can.

    For a yes/no target each class needs 10 customers in training and in the holdout, for a number 10 customers
    above zero and two different values; either way 50 customers.
    """
    for frame, name in ((holdout, "holdout"), (training, "training")):
        reason = _too_little(frame, target, name)
        if reason:
            return reason
    features = sorted(set(training.columns) - set(NOT_FEATURES))
    if all(_fault(training, name) for name in features):
        return "No feature differs between customers: load more columns or a longer history."
    return None


def is_history_too_short(training: pd.DataFrame, holdout: pd.DataFrame, target: str) -> bool:
    """Whether the shop had too few customers yet, on the days to judge or to learn on, to say anything of `target`.

    Either hardly anybody had bought before the holdout, or the holdout has enough outcomes and the days before it have
    not: a longer history mends both. Nobody at all is another fault, as of a source without money.
    """
    if len(holdout) and _distinct(holdout["customer_id"], LEAST_CUSTOMERS) < LEAST_CUSTOMERS:
        return True
    return _too_little(holdout, target, "holdout") is None and _too_little(training, target, "training") is not None


def _too_little(frame: pd.DataFrame, target: str, name: str) -> str | None:
    mend = "load a longer history, or choose a later as-of day or a shorter horizon"
    customer_count = _distinct(frame["customer_id"], LEAST_CUSTOMERS)
    if customer_count < LEAST_CUSTOMERS:
        return (
            f"{_customers(customer_count)} with a known outcome on the {name} days, {LEAST_CUSTOMERS} needed: {mend}."
        )
    outcome = as_floats(frame[target]).to_numpy()
    if not np.isfinite(outcome).all():
        return f"{target} is not a finite number on every {name} row: rebuild the features."
    positives = _distinct(frame.loc[outcome > 0, "customer_id"], LEAST_PER_CLASS)
    if positives < LEAST_PER_CLASS:
        return (
            f"{_customers(positives)} bought within the horizon on the {name} days, {LEAST_PER_CLASS} needed: {mend}."
        )
    negatives = _distinct(frame.loc[outcome <= 0, "customer_id"], LEAST_PER_CLASS)
    if target == "is_recommended" and negatives < LEAST_PER_CLASS:
        return (
            f"{_customers(negatives)} did not buy within the horizon on the {name} days, {LEAST_PER_CLASS} needed: "
            "choose a shorter horizon."
        )
    if len(np.unique(outcome)) < 2:
        return f"{target} is the same for everybody on the {name} days: {mend}."
    return None


def _distinct(ids: Any, enough: int) -> int:
    """How many different ids there are; counted among the first ones only where these are enough."""
    first = ids.iloc[:LOOKED_AT].nunique()
    return first if first >= enough else ids.nunique()


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count} customers"
