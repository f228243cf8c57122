"""Boosting that is told its bins grows the same trees as boosting that looks for them."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from custana_pipeline.models.code_bins import fit_on_codes
from custana_pipeline.models.fitted_content import content_of
from custana_pipeline.models.persistence import dump

SETTINGS: dict[str, Any] = {"max_iter": 8, "max_leaf_nodes": 6, "max_features": 0.5, "max_bins": 16, "random_state": 0}


def codes() -> np.ndarray:
    """Bins of 600 rows: all of them, every fifth, one alone, and some that are missing."""
    random = np.random.default_rng(0)
    points = random.integers(0, 16, (600, 6)).astype("float32")
    points[:, 1] = 5 * random.integers(0, 4, 600)
    points[:, 2] = 3
    points[random.random(600) < 0.3, 3] = np.nan
    return np.asfortranarray(points)


def bought(points: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).poisson(np.exp(points[:, 0] / 16 + np.nan_to_num(points[:, 3]) / 8)).astype(float)


def both_ways(model: Any, points: np.ndarray, outcome: np.ndarray, weights: np.ndarray | None = None) -> list[Any]:
    """The model as the library fits it, and as it is told its bins."""
    copies: Any = [clone(model), clone(model)]
    copies[0].fit(points, outcome, sample_weight=weights)
    fit_on_codes(copies[1], points, outcome, weights)
    return copies


@pytest.mark.parametrize("weighs", [False, True])
@pytest.mark.parametrize(
    "model",
    [HistGradientBoostingRegressor(loss="poisson", **SETTINGS), HistGradientBoostingClassifier(**SETTINGS)],
)
def test_told_its_bins_boosting_is_the_same_and_stored_as_the_library_s_own(model: Any, weighs: bool) -> None:
    points = codes()
    outcome = bought(points) if isinstance(model, HistGradientBoostingRegressor) else (bought(points) > 1).astype(int)
    weights = np.random.default_rng(2).random(600) + 0.1 if weighs else None
    plain, told = both_ways(model, points, outcome, weights)
    assert set(vars(told)) == set(vars(plain))
    assert content_of(told._bin_mapper) == content_of(plain._bin_mapper)
    assert type(told) is type(plain)
    assert dump(told)
    for one, other in zip(plain._predictors, told._predictors, strict=True):
        assert np.array_equal(one[0].nodes, other[0].nodes)


@pytest.mark.parametrize("strange", [0.5, -1.0, 16.0, np.inf])
def test_numbers_that_are_no_bins_are_left_to_the_library(strange: float) -> None:
    points = codes()
    points[7, 0] = strange
    model = HistGradientBoostingRegressor(loss="poisson", **SETTINGS)
    plain, told = both_ways(model, points, bought(codes()))
    assert content_of(told._bin_mapper) == content_of(plain._bin_mapper)


def test_rows_without_weight_make_no_bins() -> None:
    points, weights = codes(), np.ones(600)
    weights[points[:, 1] == 5] = 0.0
    model = HistGradientBoostingRegressor(**SETTINGS)
    plain, told = both_ways(model, points, bought(points), weights)
    assert content_of(told._bin_mapper) == content_of(plain._bin_mapper)


def test_other_models_are_fitted_as_ever() -> None:
    points = np.nan_to_num(codes())
    told = fit_on_codes(Ridge(), points, bought(points), None)
    assert np.array_equal(told.coef_, Ridge().fit(points, bought(points)).coef_)
