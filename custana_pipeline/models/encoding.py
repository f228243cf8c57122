"""From a feature frame to a matrix: everything that is fitted here lives inside a candidate's Pipeline.

The transformers are module-level classes with plain attributes, so that skops stores and loads them.
"""
# ruff: noqa: ARG002, D102 - fit, transform and predict keep to the contract of scikit-learn

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

from custana_pipeline.errors import ContractBroken

NOT_FEATURES = ("as_of", "customer_id", "is_recommended", "future_purchase", "future_amount")
UNKNOWN_TEXT = "(unknown)"
RARE_ROWS = 10
"""A category with fewer training rows is folded into one, so that no model file names a rare one."""
MOST_CATEGORIES = 12


def is_numeric(values: Any) -> bool:
    """Whether a column is read as a number: numbers, booleans, or objects that hold only those and nulls."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return True
    if not pd.api.types.is_object_dtype(values):
        return False
    return pd.api.types.infer_dtype(values, skipna=True) in {"boolean", "integer", "floating", "decimal", "empty"}


def as_floats(values: Any) -> pd.Series:
    """The column as float64; what is null or no number is missing, infinite stays infinite."""
    numbers: Any = pd.to_numeric(values, errors="coerce")
    return numbers.astype("float64")


def as_numbers(values: Any) -> pd.Series:
    """The column as float64; what is null, infinite or no number is missing."""
    numbers = as_floats(values)
    return numbers.where(np.isfinite(numbers))


def as_text(values: Any) -> pd.Series:
    """The column as plain Python text; null and blank are one category of their own."""
    is_plain = pd.api.types.infer_dtype(values, skipna=True) in {"string", "empty"}
    codes, distinct = pd.factorize(values if is_plain else values.astype("object").map(str, na_action="ignore"))
    plain = [str(each) if str(each).strip() else UNKNOWN_TEXT for each in distinct]
    # code -1 is null, and takes the last place
    texts = np.array([*plain, UNKNOWN_TEXT], dtype="object")[codes]
    return pd.Series(texts, index=getattr(values, "index", None), name=getattr(values, "name", None), dtype="object")


class TidyFrame(TransformerMixin, BaseEstimator):
    """Picks the features by name, in any order: numbers become float64 with NaN, text becomes plain text.

    Raises ContractBroken when a frame to be scored lacks a column that the model was trained on.
    """

    def __init__(self, numeric: Sequence[str] = (), text: Sequence[str] = ()) -> None:
        self.numeric = numeric
        self.text = text

    def fit(self, X: Any, y: Any = None) -> Self:
        self._check_names(X)
        self.n_features_in_ = len(self.numeric) + len(self.text)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        self._check_names(X)
        numbers = self._numbers(X)
        return numbers.assign(**{name: as_text(X[name]) for name in self.text}) if self.text else numbers

    def _check_names(self, X: Any) -> None:
        missing = [name for name in (*self.numeric, *self.text) if name not in X.columns]
        if missing:
            raise ContractBroken(
                f"The frame to be scored lacks {', '.join(missing)}: build the features again, or train again."
            )

    def _numbers(self, X: Any) -> pd.DataFrame:
        names = list(self.numeric)
        if all(isinstance(kind, np.dtype) and kind.kind in "fiub" for kind in X[names].dtypes):
            values = X[names].to_numpy(dtype="float64", copy=True)
            values[~np.isfinite(values)] = np.nan
            return pd.DataFrame(values, columns=names, index=X.index)
        return pd.DataFrame({name: as_numbers(X[name]) for name in names}, index=X.index)


class SymmetricLog(TransformerMixin, BaseEstimator):
    """sign(x) log(1 + |x|): tames heavy tails, keeps zero at zero and the order as it was."""

    def fit(self, X: Any, y: Any = None) -> Self:
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        values = np.asarray(X, dtype="float64")
        return np.sign(values) * np.log1p(np.abs(values))


class Clip(TransformerMixin, BaseEstimator):
    """Holds standardised inputs within +- `limit` standard deviations, so that a straight line cannot run away."""

    def __init__(self, limit: float = 4.0) -> None:
        self.limit = limit

    def fit(self, X: Any, y: Any = None) -> Self:
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "n_features_in_")
        return np.clip(np.asarray(X, dtype="float64"), -self.limit, self.limit)


class SnapToQuantiles(TransformerMixin, BaseEstimator):
    """Replaces numbers by the index of their quantile bin; missing stays missing, small counts stay apart.

    A column without any value in training is the same for everybody, since no tree could bin it.

    Histogram boosting bins its inputs anyway; doing it here, by unweighted quantiles, spares it the search for
    weighted ones, which takes ten times as long as all its trees (scikit-learn 1.9.1).
    """

    def __init__(self, bin_count: int = 128) -> None:
        self.bin_count = bin_count

    def fit(self, X: Any, y: Any = None) -> Self:
        values = np.asarray(X, dtype="float64")
        self.n_features_in_ = values.shape[1]
        inner = np.linspace(0, 1, self.bin_count + 1)[1:-1]
        self.edges_ = [_edges(values[:, number], inner) for number in range(values.shape[1])]
        return self

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        values = np.asarray(X, dtype="float64")
        bins = [np.searchsorted(edges, values[:, number], side="left") for number, edges in enumerate(self.edges_)]
        known = ~np.isnan(values) | np.array([not len(edges) for edges in self.edges_])
        return np.where(known, np.column_stack(bins).astype("float64"), np.nan)


def _edges(values: np.ndarray, inner: np.ndarray) -> np.ndarray:
    known = values[~np.isnan(values)]
    return np.unique(np.quantile(known, inner, method="lower")) if len(known) else np.empty(0)


def linear_encoding(numeric: Sequence[str], text: Sequence[str]) -> Pipeline:
    """Log, impute with an indicator, standardise and clip the numbers; one column per frequent category."""
    numbers = Pipeline(
        [
            ("log", SymmetricLog()),
            ("impute", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
            ("scale", StandardScaler()),
            ("clip", Clip()),
        ]
    )
    return _encoding(numbers, numeric, text)


def tree_encoding(numeric: Sequence[str], text: Sequence[str]) -> Pipeline:
    """Numbers as they are (trees split on missing values by themselves); one column per frequent category."""
    return _encoding("passthrough", numeric, text)


def histogram_encoding(numeric: Sequence[str], text: Sequence[str]) -> Pipeline:
    """Numbers as quantile bins for histogram boosting; one column per frequent category."""
    return _encoding(SnapToQuantiles(), numeric, text)


def _encoding(numbers: Any, numeric: Sequence[str], text: Sequence[str]) -> Pipeline:
    categories = OneHotEncoder(
        min_frequency=RARE_ROWS,
        max_categories=MOST_CATEGORIES,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    )
    parts = [("numbers", numbers, list(numeric)), ("categories", categories, list(text))]
    encode = ColumnTransformer([part for part in parts if part[2]], verbose_feature_names_out=False)
    return Pipeline([("tidy", TidyFrame(tuple(numeric), tuple(text))), ("encode", encode)])
