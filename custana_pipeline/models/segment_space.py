"""The space in which customers are compared: log-standardised RFM and recent activity lead, the rest only tints.

| block      | columns                             | how                                         | weight (variance)   |
|------------|-------------------------------------|---------------------------------------------|---------------------|
| money      | purchase_amount                     | log, standardised, clipped                  | 1, or 1/2           |
| frequency  | purchase_frequency                  | the same                                    | 1                   |
| freshness  | recency_days                        | the same, negated: larger is more recent    | 1, or 1/2           |
| activity   | decayed_purchase_days_90d           | the same as money                           | 1                   |
| ordered    | age                                 | standardised                                | `demographic_share` |
| categories | gender, location                    | one-hot, rare ones together, unseen = rare  | `demographic_share` |
| mix        | further numbers                     | log, standardised, clipped                  | `mix_share`         |
| mix_texts  | further texts                       | one-hot, as above                           | `mix_share`         |

Activity counts purchase days, one of 90 days ago half. It tells more of the next window's spend than any of the three
others, and holds recency and frequency already: freshness and money weigh 1/2 beside it, so that the four leading
columns together weigh as much as recency, frequency and money do. Columns are held within two standard deviations, so
that a few giants do not make a segment of their own.

A share is what a whole block weighs against the leading columns together.

Without any leading column (a file of demographics only) every column weighs the same.
"""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from custana_pipeline.models.encoding import Clip, SymmetricLog, TidyFrame
from custana_pipeline.models.trainable import usable_columns

MONEY = ("purchase_amount",)
FREQUENCY = ("purchase_frequency",)
FRESHNESS = ("recency_days",)
ACTIVITY = ("decayed_purchase_days_90d",)
ORDERED = ("age",)
CATEGORIES = ("gender", "location")
LEFT_OUT = "describes segments, does not make them (mix_share is 0)"
RARE_SHARE = 0.02
"""A category of fewer customers than this share is folded into one, so that no dimension is about a handful."""
CLIPPED_AT = 2.0
"""Standard deviations within which log-standardised columns are held."""


@dataclass(frozen=True)
class SpaceColumns:
    """Which columns of a feature frame enter which block of the space."""

    money: tuple[str, ...] = ()
    frequency: tuple[str, ...] = ()
    freshness: tuple[str, ...] = ()
    activity: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    mix: tuple[str, ...] = ()
    mix_texts: tuple[str, ...] = ()

    @property
    def rfm(self) -> tuple[str, ...]:
        """Money, frequency and recency, as far as they are there."""
        return self.money + self.frequency + self.freshness

    @property
    def leading(self) -> tuple[str, ...]:
        """The same and activity."""
        return self.rfm + self.activity

    @property
    def numeric(self) -> tuple[str, ...]:
        """The columns that are read as numbers."""
        return self.leading + self.ordered + self.mix

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
    known = MONEY + FREQUENCY + FRESHNESS + ACTIVITY + ORDERED + CATEGORIES
    coded = set(CATEGORIES) & set(usable.numeric)
    columns = SpaceColumns(
        money=tuple(name for name in MONEY if name in usable.numeric),
        frequency=tuple(name for name in FREQUENCY if name in usable.numeric),
        freshness=tuple(name for name in FRESHNESS if name in usable.numeric),
        activity=tuple(name for name in ACTIVITY if name in usable.numeric),
        ordered=tuple(name for name in ORDERED if name in usable.numeric),
        categories=tuple(name for name in (*CATEGORIES, *ORDERED) if name in usable.text or name in coded),
        mix=tuple(name for name in usable.numeric if name not in known),
        mix_texts=tuple(name for name in usable.text if name not in known),
    )
    if mix_share > 0 or not columns.leading:
        return columns, usable.dropped
    left_out = dict.fromkeys(columns.mix + columns.mix_texts, LEFT_OUT)
    return replace(columns, mix=(), mix_texts=()), usable.dropped | left_out


def segment_space(columns: SpaceColumns, demographic_share: float, mix_share: float) -> Pipeline:
    """The unfitted transformer from a feature frame, by column names, to float64 points.

    The first columns are `leading`; larger is better in them. Raises ContractBroken where a frame lacks a column.
    """
    halved = sqrt(0.5) if columns.activity else 1.0
    blocks = [
        ("money", _scaled(log=True), columns.money, halved),
        ("frequency", _scaled(log=True), columns.frequency, 1.0),
        ("freshness", _scaled(log=True), columns.freshness, -halved),
        ("activity", _scaled(log=True), columns.activity, 1.0),
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
    known: list[Any] = [SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()]
    return make_pipeline(*([SymmetricLog(), *known, Clip(CLIPPED_AT)] if log else known))


def _encoded() -> OneHotEncoder:
    return OneHotEncoder(min_frequency=RARE_SHARE, handle_unknown="infrequent_if_exist", sparse_output=False)


def _weight(columns: SpaceColumns, block: tuple[str, ...], share: float) -> float:
    if not columns.rfm or not block:
        return 1.0
    return sqrt(share * len(columns.rfm) / len(block))
