"""From a feature frame to a matrix: everything that is fitted here lives inside a candidate's Pipeline.

The transformers are module-level classes with plain attributes, so that skops stores and loads them.
"""
# ruff: noqa: ARG002, D102 - fit, transform and predict keep to the contract of scikit-learn

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.quantile_bins import bins_of, edges_of
from custana_pipeline.models.text_codes import MOST_CATEGORIES, RARE_ROWS, TextCodes, places_of

NOT_FEATURES = ("as_of", "customer_id", "is_recommended", "future_purchase", "future_amount")
UNKNOWN_TEXT = "(unknown)"
BIN_COUNT = 64
"""Different values of a number that histogram boosting tells apart."""
SPLIT_FEATURES = 1 / 3
"""Share of the columns that a single tree looks at for each split: a third of the time, and as good on other days."""
SEARCHED_ROWS = 8_192
"""Values that are binned at a time: they and what is counted of them stay in the processor's cache."""
Kind = Literal["linear", "tree", "histogram"]
"""Who is to read the matrix: a line, trees, or histogram boosting."""


def is_numeric(values: Any) -> bool:
    """Whether a column is read as a number: numbers, booleans, or objects that hold only those and nulls."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return True
    if not pd.api.types.is_object_dtype(values):
        return False
    return pd.api.types.infer_dtype(values, skipna=True) in {"boolean", "integer", "floating", "decimal", "empty"}


def as_floats(values: Any) -> pd.Series:
    """The column as float64; what is null or no number is missing, infinite stays infinite."""
    if isinstance(values, pd.Series) and values.dtype == np.float64:
        return values
    numbers: Any = pd.to_numeric(values, errors="coerce")
    return numbers.astype("float64")


def as_numbers(values: Any) -> pd.Series:
    """The column as float64; what is null, infinite or no number is missing."""
    numbers = as_floats(values)
    is_infinite = np.isinf(numbers.to_numpy())
    return numbers.mask(is_infinite) if is_infinite.any() else numbers


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

    def __init__(self, bin_count: int = BIN_COUNT) -> None:
        self.bin_count = bin_count

    def fit(self, X: Any, y: Any = None) -> Self:
        values = np.asarray(X, dtype="float64")
        self.n_features_in_ = values.shape[1]
        inner = np.linspace(0, 1, self.bin_count + 1)[1:-1]
        self.edges_ = [edges_of(each, inner) for each in np.sort(values.T, axis=1)]
        return self

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        values = np.asarray(X, dtype="float64")
        bins = np.empty(values.shape, dtype="float32", order="F")
        for number, edges in enumerate(self.edges_):
            for start in range(0, len(values), SEARCHED_ROWS):
                rows = slice(start, start + SEARCHED_ROWS)
                bins[rows, number] = bins_of(edges, values[rows, number])
        return bins


class FillWithMedian(TransformerMixin, BaseEstimator):
    """Missing numbers become the median of training (0 where there is none); columns that tell so come after.

    A column gets one of these where any of its values was missing in training.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        values = np.asarray(X, dtype="float64")
        self.n_features_in_ = values.shape[1]
        missing = np.isnan(values).sum(axis=0)
        middles = [
            _middle(each, len(each) - gaps) for each, gaps in zip(np.sort(values.T, axis=1), missing, strict=True)
        ]
        self.medians_ = np.array(middles, dtype="float64")
        self.told_ = np.flatnonzero(missing)
        return self

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        values = np.asarray(X, dtype="float64")
        missing = np.isnan(values)
        filled = np.where(missing, self.medians_, values)
        return np.hstack([filled, missing[:, self.told_]]) if len(self.told_) else filled


def _middle(ordered: np.ndarray, count: int) -> float:
    return float((ordered[(count - 1) // 2] + ordered[count // 2]) / 2) if count else 0.0


class CommonTexts(TransformerMixin, BaseEstimator):
    """One column of 0 and 1 for each text with `least_rows` rows in training, and one for all rarer ones together.

    There are `most_columns` for a text column at most: the most frequent texts, equal ones in their order. A text
    that training had not is a rare one; where none was rare, it has 0 everywhere.
    """

    def __init__(self, least_rows: int = RARE_ROWS, most_columns: int = MOST_CATEGORIES) -> None:
        self.least_rows = least_rows
        self.most_columns = most_columns

    def fit(self, X: Any, y: Any = None) -> Self:
        self.n_features_in_ = np.shape(X)[1]
        counts = [X[name].value_counts().sort_index() for name in X]
        self.common_ = [self._common(each) for each in counts]
        self.has_rare_ = [len(common) < len(each) for common, each in zip(self.common_, counts, strict=True)]
        return self

    def _common(self, counts: Any) -> list[str]:
        often = counts[counts >= self.least_rows]
        room = self.most_columns - (len(often) < len(counts) or len(often) > self.most_columns)
        return sorted(str(text) for text in often.sort_values(ascending=False, kind="stable").index[:room])

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "common_")
        parts = []
        for name, common, has_rare in zip(X, self.common_, self.has_rare_, strict=True):
            places = places_of(X[name], common)
            parts.append(np.eye(len(common) + 1, dtype="float32")[places, : len(common) + has_rare])
        return np.hstack(parts)


class EncodedColumns(TransformerMixin, BaseEstimator):
    """The tidy frame as a matrix for one kind of model: the numbers in its way, then the texts.

    linear: log, median with an indicator, standardised and clipped; tree: as they are, since trees split on missing
    values by themselves; histogram: the index of their quantile bin. A line reads a text as columns of 0 and 1, the
    others read it as one number (see TextCodes).
    """

    def __init__(self, kind: Kind, numeric: Sequence[str] = (), text: Sequence[str] = ()) -> None:
        self.kind: Kind = kind
        self.numeric = numeric
        self.text = text

    def fit(self, X: Any, y: Any = None) -> Self:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> np.ndarray:
        self.n_features_in_ = len(self.numeric) + len(self.text)
        self.numbers_ = _numbers_for(self.kind)
        self.texts_ = CommonTexts() if self.kind == "linear" else TextCodes()
        parts = [self.numbers_.fit_transform(X[list(self.numeric)].to_numpy())] if self.numeric else []
        parts += [self.texts_.fit_transform(X[list(self.text)])] if self.text else []
        return self._matrix(parts)

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "texts_")
        parts = [self.numbers_.transform(X[list(self.numeric)].to_numpy())] if self.numeric else []
        parts += [self.texts_.transform(X[list(self.text)])] if self.text else []
        return self._matrix(parts)

    def sources(self) -> np.ndarray:
        """The name of the column that each column of the matrix was made from."""
        check_is_fitted(self, "texts_")
        names = list(self.numeric)
        if self.numeric and self.kind == "linear":
            fill: Any = self.numbers_["fill"]
            names += [self.numeric[place] for place in fill.told_]
        if self.text and isinstance(self.texts_, CommonTexts):
            widths = map(int.__add__, map(len, self.texts_.common_), map(int, self.texts_.has_rare_))
            names += [name for name, width in zip(self.text, widths, strict=True) for _ in range(width)]
        else:
            names += list(self.text)
        return np.array(names, dtype="object")

    def _matrix(self, parts: list[Any]) -> np.ndarray:
        if self.kind == "histogram":
            # column by column: a tree asks each row for a few columns only, which then stay in the processor's cache
            return np.hstack([np.asfortranarray(each, dtype="float32") for each in parts])
        return np.hstack(parts).astype("float64" if self.kind == "linear" else "float32", copy=False)


def _numbers_for(kind: Kind) -> Pipeline:
    steps: dict[Kind, list[tuple[str, Any]]] = {
        "linear": [("log", SymmetricLog()), ("fill", FillWithMedian()), ("scale", StandardScaler()), ("clip", Clip())],
        "tree": [("same", "passthrough")],
        "histogram": [("bins", SnapToQuantiles())],
    }
    return Pipeline(steps[kind])


def encoding(kind: Kind, numeric: Sequence[str], text: Sequence[str]) -> Pipeline:
    """From the feature frame to the matrix for one kind of model."""
    names = (tuple(numeric), tuple(text))
    return Pipeline([("tidy", TidyFrame(*names)), ("encode", EncodedColumns(kind, *names))])
