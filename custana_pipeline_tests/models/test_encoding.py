"""What each kind of model reads: bins of numbers, and codes or columns of texts."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.at_once import at_once
from custana_pipeline.models.encoding import (
    BIN_COUNT,
    EncodedColumns,
    Kind,
    SnapToQuantiles,
    encoding,
)
from custana_pipeline.models.panel import FoldRows
from custana_pipeline.models.text_codes import RARE_ROWS, TextCodes


def frame(texts: dict[str, int]) -> pd.DataFrame:
    return pd.DataFrame({"city": [name for name, count in texts.items() for _ in range(count)]})


@pytest.mark.parametrize("row_count", [1, 2, 5, 64, 500])
def test_a_bin_is_the_number_of_edges_below_a_value_and_missing_stays_missing(row_count: int) -> None:
    random = np.random.default_rng(row_count)
    known = np.column_stack([random.integers(0, 5, row_count), random.normal(size=row_count), np.zeros(row_count)])
    values = np.vstack([known, known + 0.5, [[-np.inf] * 3, [np.inf] * 3, [np.nan] * 3]])
    fitted = SnapToQuantiles().fit(known)
    bins = fitted.transform(values)
    assert bins.max(initial=0, where=~np.isnan(bins)) < BIN_COUNT
    for column, edges in enumerate(fitted.edges_):
        assert bins[:-1, column].tolist() == np.searchsorted(edges, values[:-1, column], side="left").tolist()
    assert np.isnan(bins[-1]).all()


def test_a_column_without_any_value_in_training_is_the_same_for_everybody() -> None:
    fitted = SnapToQuantiles().fit(np.full((3, 1), np.nan))
    assert fitted.transform(np.array([[np.nan], [4.0]])).tolist() == [[0.0], [0.0]]


def test_texts_are_numbered_by_how_frequent_they_are_and_rare_and_unheard_ones_are_one() -> None:
    fitted = TextCodes(most_texts=3).fit(frame({"ulm": 20, "bonn": 30, "kiel": 20, "jena": 11, "rare": RARE_ROWS - 1}))
    asked = pd.DataFrame({"city": ["bonn", "kiel", "ulm", "jena", "rare", "nowhere"]})
    assert fitted.transform(asked).ravel().tolist() == [0.0, 1.0, 2.0, 3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("kind", "width"), [("linear", 4), ("tree", 2), ("histogram", 2)], ids=["linear", "tree", "histogram"]
)
def test_trees_read_a_text_as_one_column_and_lines_as_one_for_each(kind: Kind, width: int) -> None:
    rows = frame({"ulm": 20, "bonn": 30, "rare": 2}).assign(age=1.0)
    steps = encoding(kind, ["age"], ["city"])
    matrix = steps.fit_transform(rows)
    encoded = steps[-1]
    assert isinstance(encoded, EncodedColumns)
    assert matrix.shape == (52, width)
    assert encoded.sources().tolist() == ["age"] + ["city"] * (width - 1)


def test_an_encoding_that_several_ask_for_at_the_same_time_is_made_once() -> None:
    rows = frame({"ulm": 20, "bonn": 30}).assign(age=1.0)
    fold = FoldRows(dt.date(2025, 1, 1), rows, rows.head(3))
    asked: list[Kind] = ["linear", "tree", "histogram"] * 4
    made = at_once(lambda kind: fold.encoded(encoding(kind, ["age"], ["city"])), asked)
    assert len({id(each) for each in made}) == 3
    assert all(each.training.shape[0] == 50 and each.holdout.shape[0] == 3 for each in made)


@pytest.mark.parametrize("kind", ["linear", "tree", "histogram"])
def test_rows_without_any_text_have_the_columns_of_their_numbers(kind: Kind) -> None:
    steps = encoding(kind, ["age"], [])
    assert steps.fit_transform(pd.DataFrame({"age": [1.0, 2.0, 3.0]})).shape == (3, 1)
    encoded: Any = steps[-1]
    assert encoded.sources().tolist() == ["age"]
