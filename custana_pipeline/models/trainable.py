"""The gate before fitting: whether there is enough to learn from, and which columns are fit to be learned from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from custana_pipeline.models.encoding import NOT_FEATURES, is_numeric

LEAST_CUSTOMERS = 50
LEAST_PER_CLASS = 10
MOST_CATEGORIES_SHARE = 0.5


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
    values = training[name]
    if values.isna().all():
        return "no value at all"
    if not is_numeric(values):
        return _text_fault(values.astype(str)[values.notna()], len(values), values.isna().any())
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    if np.isinf(numbers).any():
        return "infinite values"
    if numbers.nunique(dropna=False) < 2:
        return "the same value for everybody"
    if "as_of" in training and training["as_of"].nunique() > 1 and _tells_only_the_day(numbers, training["as_of"]):
        return "the same value for everybody on a day: it tells the day, not the customer"
    return None


def _text_fault(known: pd.Series, row_count: int, has_nulls: bool) -> str | None:
    distinct_count = known.nunique()
    if distinct_count + has_nulls < 2:
        return "the same value for everybody"
    if distinct_count > 100 and distinct_count > MOST_CATEGORIES_SHARE * row_count:
        return "nearly as many different texts as rows"
    return None


def _tells_only_the_day(numbers: pd.Series, days: pd.Series) -> bool:
    return bool((numbers.groupby(days).nunique(dropna=False) <= 1).all())


def why_not_trainable(training: pd.DataFrame, holdout: pd.DataFrame, target: str) -> str | None:
    """The reason, with its mend, why `target` cannot be learned and judged on these rows; None when it can.

    For a yes/no target each class needs 10 customers in training and in the holdout, for a number 10 customers
    above zero and two different values; either way 50 customers.
    """
    for frame, name in ((holdout, "holdout"), (training, "training")):
        reason = _too_little(frame, target, name)
        if reason:
            return reason
    if not usable_columns(training).names:
        return "No feature differs between customers: load more columns or a longer history."
    return None


def _too_little(frame: pd.DataFrame, target: str, name: str) -> str | None:
    mend = "load a longer history, or choose a later as-of day or a shorter horizon"
    customer_count = frame["customer_id"].nunique() if len(frame) else 0
    if customer_count < LEAST_CUSTOMERS:
        return (
            f"{customer_count} customers with a known outcome on the {name} days, {LEAST_CUSTOMERS} are needed: {mend}."
        )
    outcome = pd.to_numeric(frame[target], errors="coerce").astype("float64")
    if not np.isfinite(outcome).all():
        return f"{target} is not a finite number on every {name} row: rebuild the features."
    positives = frame.loc[outcome.to_numpy() > 0, "customer_id"].nunique()
    if positives < LEAST_PER_CLASS:
        return (
            f"{positives} customers bought within the horizon on the {name} days, {LEAST_PER_CLASS} are needed: {mend}."
        )
    negatives = frame.loc[outcome.to_numpy() <= 0, "customer_id"].nunique()
    if target == "is_recommended" and negatives < LEAST_PER_CLASS:
        return (
            f"{negatives} customers did not buy within the horizon on the {name} days, {LEAST_PER_CLASS} are needed: "
            "choose a shorter horizon."
        )
    if outcome.nunique() < 2:
        return f"{target} is the same for everybody on the {name} days: {mend}."
    return None
