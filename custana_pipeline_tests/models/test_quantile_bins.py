"""The bin of a value is the number of edges below it, however many edges there are."""

import numpy as np
import pytest

from custana_pipeline.models.quantile_bins import bins_of


@pytest.mark.parametrize("count", [1, 2, 7, 8, 24, 25, 32, 39, 40, 63, 64, 300, 3_000])
def test_values_on_beside_and_beyond_the_edges_are_told_as_by_numpy(count: int) -> None:
    drawn = np.random.default_rng(count)
    edges = np.unique(drawn.normal(size=count).round(3))
    values = np.concatenate([edges, edges + 1e-9, drawn.normal(size=500) * 2, [-np.inf, np.inf, np.nan, -0.0]])
    found = np.searchsorted(edges, values).astype("float32")
    found[np.isnan(values)] = np.nan
    np.testing.assert_array_equal(bins_of(edges, values), found)


def test_without_edges_everybody_is_the_same_even_where_a_value_is_missing() -> None:
    assert bins_of(np.empty(0), np.array([1.0, np.nan])).tolist() == [0.0, 0.0]
