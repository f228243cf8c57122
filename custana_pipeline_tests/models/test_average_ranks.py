"""Ranks of many numbers are those of pandas."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.average_ranks import average_ranks


@pytest.mark.parametrize("different", [1, 2, 7, 1000])
@pytest.mark.parametrize("count", [0, 1, 2, 999])
def test_ranks_are_those_of_pandas_where_many_are_equal_or_missing(count: int, different: int) -> None:
    drawn = np.random.default_rng(count + different)
    values = np.round(drawn.normal(size=count) * different) / 3
    values[drawn.random(count) < 0.1] = np.nan
    values[drawn.random(count) < 0.1] = -np.inf
    ranks = pd.Series(values).rank(method="average")
    np.testing.assert_array_equal(average_ranks(values), ranks.to_numpy())
    turned = np.count_nonzero(~np.isnan(values)) + 1 - average_ranks(values)
    np.testing.assert_array_equal(turned, pd.Series(values).rank(ascending=False).to_numpy())
