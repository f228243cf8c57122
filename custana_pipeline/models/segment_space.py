"""The space in which customers are compared: log-standardised RFM leads, everything else only tints.

| block      | columns                             | how                                        | weight (variance)   |
|------------|-------------------------------------|--------------------------------------------|---------------------|
| value      | purchase_amount, purchase_frequency | log, standardised                          | 1 each              |
| freshness  | recency_days                        | the same, negated: larger is more recent   | 1                   |
| ordered    | age                                 | standardised                               | `demographic_share` |
| categories | gender, location                    | one-hot, rare ones together, unseen = rare | `demographic_share` |
| mix        | further numbers                     | log, standardised                          | `mix_share`         |
| mix_texts  | further texts                       | one-hot, as above                          | `mix_share`         |

A share is what a whole block weighs against the leading columns (value, freshness) together.

Without any leading column (a file of demographics only) every column weighs the same.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from custana_pipeline.models.encoding import SymmetricLog, TidyFrame
from custana_pipeline.models.trainable import usable_columns

VALUE = ("purchase_amount", "purchase_frequency")
FRESHNESS = ("recency_days",)
ORDERED = ("age",)
CATEGORIES = ("gender", "location")
LEFT_OUT = "describes segments, does not make them (mix_share is 0)"
RARE_SHARE = 0.02
"""A category of fewer customers than this share is folded into one, so that no dimension is about a handful."""


@dataclass(frozen=True)
class SpaceColumns:
    """Which columns of a feature frame enter which block of the space."""

    value: tuple[str, ...] = ()
    freshness: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    mix: tuple[str, ...] = ()
    mix_texts: tuple[str, ...] = ()

    @property
    def leading(self) -> tuple[str, ...]:
        """Recency, frequency and money, as far as they are there."""
        return self.value + self.freshness

    @property
    def numeric(self) -> tuple[str, ...]:
        """The columns that are read as numbers."""
        return self.value + self.freshness + self.ordered + self.mix

    @property
    def text(self) -> tuple[str, ...]:
        """The columns that are read as text."""
        return self.categories + self.mix_texts

    @property
    def used(self) -> tuple[str, ...]:
        """Every column that the space needs."""
        return self.numeric + self.text


def space_columns(customers: pd.DataFrame, mix_share: float) -> tuple[SpaceColumns, dict[str, str]]:
    """The columns by block, and why each of the others is left out.

    Further columns enter where `mix_share` is above zero or where there is no purchase history at all.
    """
    usable = usable_columns(customers)
    known = VALUE + FRESHNESS + ORDERED + CATEGORIES
    coded = set(CATEGORIES) & set(usable.numeric)
    columns = SpaceColumns(
        value=tuple(name for name in VALUE if name in usable.numeric),
        freshness=tuple(name for name in FRESHNESS if name in usable.numeric),
        ordered=tuple(name for name in ORDERED if name in usable.numeric),
        categories=tuple(name for name in (*CATEGORIES, *ORDERED) if name in usable.text or name in coded),
        mix=tuple(name for name in usable.numeric if name not in known),
        mix_texts=tuple(name for name in usable.text if name not in known),
    )
    if mix_share > 0 or not columns.leading:
        return columns, usable.dropped
    left_out = dict.fromkeys(columns.mix + columns.mix_texts, LEFT_OUT)
    leading = SpaceColumns(columns.value, columns.freshness, columns.ordered, columns.categories)
    return leading, usable.dropped | left_out


def segment_space(columns: SpaceColumns, demographic_share: float, mix_share: float) -> Pipeline:
    """The unfitted transformer from a feature frame, by column names, to float64 points.

    The first columns are `leading`; larger is better in them. Raises ContractBroken where a frame lacks a column.
    """
    blocks = [
        ("value", _scaled(log=True), columns.value, 1.0),
        ("freshness", _scaled(log=True), columns.freshness, -1.0),
        ("ordered", _scaled(log=False), columns.ordered, _weight(columns, columns.ordered, demographic_share)),
        ("categories", _encoded(), columns.categories, _weight(columns, columns.categories, demographic_share)),
        ("mix", _scaled(log=True), columns.mix, _weight(columns, columns.mix, mix_share)),
        ("mix_texts", _encoded(), columns.mix_texts, _weight(columns, columns.mix_texts, mix_share)),
    ]
    present = [block for block in blocks if block[2]]
    together = ColumnTransformer(
        [(name, transformer, list(names)) for name, transformer, names, _ in present],
        transformer_weights={name: weight for name, _, _, weight in present},
        sparse_threshold=0.0,
        verbose_feature_names_out=False,
    )
    return Pipeline([("tidy", TidyFrame(columns.numeric, columns.text)), ("blocks", together)])


def _scaled(log: bool) -> Pipeline:
    steps: list[Any] = [SymmetricLog()] if log else []
    return make_pipeline(*steps, SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())


def _encoded() -> OneHotEncoder:
    return OneHotEncoder(min_frequency=RARE_SHARE, handle_unknown="infrequent_if_exist", sparse_output=False)


def _weight(columns: SpaceColumns, block: tuple[str, ...], share: float) -> float:
    if not columns.leading or not block:
        return 1.0
    return sqrt(share * len(columns.leading) / len(block))
