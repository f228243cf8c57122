"""Rows that are read once: members and exchanged columns get what each would have read alone."""

from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.behavior import BehaviorSettings, train_behavior
from custana_pipeline.models.demand import DemandSettings, train_demand
from custana_pipeline.models.encoding import EncodedColumns, Kind, SnapToQuantiles, encoding
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


@pytest.mark.parametrize("edge_count", [0, 1, 2, 3, 31, 32, 33, 63])
def test_a_bin_is_the_number_of_edges_below_a_value(edge_count: int) -> None:
    random = np.random.default_rng(edge_count)
    edges = np.unique(random.integers(-40, 40, edge_count) / 2)
    drawn = random.normal(0, 15, 20_000).round(1)
    values = np.concatenate([drawn, edges, [np.inf, -np.inf, np.nan, -0.0]])[:, None]
    snap = SnapToQuantiles()
    snap.edges_ = [edges]
    wanted = np.searchsorted(edges, values[:, 0], side="left").astype("float32")
    if len(edges):
        wanted[np.isnan(values[:, 0])] = np.nan
    assert np.array_equal(snap.transform(values)[:, 0], wanted, equal_nan=True)


def test_an_encoding_that_two_stored_models_hold_reads_the_rows_once(
    shop: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = shop.loc[shop["as_of"] == AS_OF]
    one = encoding("histogram", ("recency_days", "purchase_amount"), ("location",)).fit(today)
    other = encoding("histogram", ("recency_days", "purchase_frequency"), ("location",)).fit(today)
    rows, read = Readings(today), []
    transform = EncodedColumns.transform
    monkeypatch.setattr(EncodedColumns, "transform", lambda self, X: read.append(self) or transform(self, X))
    first, again, different = (rows.read(each) for each in (one, deepcopy(one), other))
    assert again is first
    assert len(read) == 2
    assert np.array_equal(different, other.transform(today), equal_nan=True)
