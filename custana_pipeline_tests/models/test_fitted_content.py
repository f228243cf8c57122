"""Fitted transformers are told apart by all that they have learned."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.encoding import EncodedColumns, Kind
from custana_pipeline.models.fitted_content import content_of

ROWS = pd.DataFrame({"days": np.arange(40.0), "amount": np.sqrt(np.arange(40.0)), "place": ["a", "b"] * 20})


def fitted(kind: Kind, rows: pd.DataFrame) -> EncodedColumns:
    made = EncodedColumns(kind, ("days", "amount"), ("place",))
    made.fit_transform(rows)
    return made


@pytest.mark.parametrize("kind", ["linear", "tree", "histogram"])
def test_the_same_rows_give_the_same_content_and_one_other_value_another(kind: Kind) -> None:
    content = content_of(fitted(kind, ROWS))
    assert content == content_of(fitted(kind, ROWS.copy()))
    assert content != content_of(fitted(kind, ROWS.assign(place=["a", "c"] * 20)))


@pytest.mark.parametrize("kind", ["linear", "histogram"])
def test_another_number_gives_another_content(kind: Kind) -> None:
    assert content_of(fitted(kind, ROWS)) != content_of(fitted(kind, ROWS.assign(days=np.arange(40.0) * 1.001)))


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, "1"), ([1, [2]], [[1], 2]), ({"a": 1}, {"b": 1}), (np.zeros(2), np.zeros((2, 1)))]
)
def test_what_looks_alike_is_told_apart(one: object, other: object) -> None:
    assert content_of(one) != content_of(other)


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        content_of([object()])
