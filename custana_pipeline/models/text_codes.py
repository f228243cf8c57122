"""Texts as whole numbers, for models that part a column by thresholds."""
# ruff: noqa: ARG002, D102 - fit and transform keep to the contract of scikit-learn

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

RARE_ROWS = 10
"""A category with fewer training rows is folded into one, so that no model file names a rare one."""
MOST_CATEGORIES = 12


class TextCodes(TransformerMixin, BaseEstimator):
    """One column of whole numbers for each text column: 0 for the most frequent text in training, and so on.

    The `most_texts` most frequent texts with `least_rows` rows have numbers of their own, equal ones in their order;
    all others, and those that training had not, share the next one. Trees part them by thresholds; a column of 0 and 1
    for each text took a third of the time of boosting, and foretold no better.
    """

    def __init__(self, least_rows: int = RARE_ROWS, most_texts: int = MOST_CATEGORIES) -> None:
        self.least_rows = least_rows
        self.most_texts = most_texts

    def fit(self, X: Any, y: Any = None) -> Self:
        self.n_features_in_ = np.shape(X)[1]
        self.common_ = [self._common(X[name].value_counts().sort_index()) for name in X]
        return self

    def _common(self, counts: Any) -> list[str]:
        often = counts[counts >= self.least_rows].sort_values(ascending=False, kind="stable")
        return [str(text) for text in often.index[: self.most_texts]]

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "common_")
        told = [places_of(X[name], common) for name, common in zip(X, self.common_, strict=True)]
        return np.column_stack(told).astype("float32")


def places_of(texts: Any, common: list[str]) -> np.ndarray:
    """The place of each text among the common ones; one behind the last for all others."""
    codes, distinct = pd.factorize(texts)
    places = {text: place for place, text in enumerate(common)}
    return np.array([places.get(text, len(common)) for text in distinct], dtype="int64")[codes]
