"""Rows that are read once: members and exchanged columns get what each would have read alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.behavior import BehaviorSettings, train_behavior
from custana_pipeline.models.demand import DemandSettings, train_demand
from custana_pipeline.models.encoding import Kind, encoding
from custana_pipeline.models.readings import Mixed, Readings, foresee, predict
from custana_pipeline.models.training import Training
from custana_pipeline_tests.models.shop import AS_OF, days_of_shop, snapshots


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return snapshots()


@pytest.fixture(scope="module")
def trained(shop: pd.DataFrame) -> dict[str, Training]:
    days = days_of_shop(1)
    return {
        "behavior": train_behavior(shop, days, BehaviorSettings()),
        "demand": train_demand(shop, days, DemandSettings()),
    }


@pytest.mark.parametrize("analysis", ["behavior", "demand"])
def test_what_is_foreseen_from_readings_is_what_every_model_predicts(
    shop: pd.DataFrame, trained: dict[str, Training], analysis: str
) -> None:
    today = shop.loc[shop["as_of"] == AS_OF]
    rows = Readings(today)
    champions = [each.estimator for each in trained[analysis].champions.values()]
    for estimator in [*(each.estimator for each in trained[analysis].evaluated), *champions]:
        assert foresee(estimator, rows) == pytest.approx(predict(estimator, today), rel=1e-9)


@pytest.mark.parametrize("analysis", ["behavior", "demand"])
def test_columns_that_are_taken_from_other_rows_change_nothing_else(
    shop: pd.DataFrame, trained: dict[str, Training], analysis: str
) -> None:
    today: pd.DataFrame = shop.loc[shop["as_of"] == AS_OF].reset_index(drop=True)
    order = np.random.default_rng(0).permutation(len(today))
    names = ["recency_days", "location"]
    moved = today.assign(**{name: today[name].iloc[order].array for name in names})
    mixed = Mixed(Readings(today), np.arange(len(today)), [(names, order)])
    for each in trained[analysis].evaluated:
        assert foresee(each.estimator, mixed) == pytest.approx(predict(each.estimator, moved), rel=1e-9)


@pytest.mark.parametrize("kind", ["linear", "tree", "histogram"])
def test_every_column_of_a_matrix_has_the_name_of_the_one_it_was_made_from(kind: Kind) -> None:
    count = 40
    frame = pd.DataFrame(
        {
            "whole": np.arange(count, dtype="float64"),
            "gaps": np.where(np.arange(count) % 2, np.nan, 1.0 * np.arange(count)),
            "town": ["York"] * 15 + ["Leeds"] * 20 + ["Hull"] * 5,
        }
    )
    steps = encoding(kind, ("whole", "gaps"), ("town",))
    points = steps.fit_transform(frame)
    told = ["whole", "gaps", *(["gaps"] if kind == "linear" else []), *["town"] * (3 if kind == "linear" else 1)]
    encode: Any = steps[-1]
    assert list(encode.sources()) == told
    assert points.shape[1] == len(told)
