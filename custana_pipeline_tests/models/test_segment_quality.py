"""What clusterers make of points, how their clusters become numbered segments, and how good these are."""

from typing import Any, Self

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from custana_pipeline.models.density import NOISE, DensitySegments
from custana_pipeline.models.rfm_quantiles import RfmQuantiles
from custana_pipeline.models.segment_order import UNASSIGNED, OrderedSegments
from custana_pipeline.models.segment_quality import distances_between, geometry, shares, silhouettes, spend_explained


class Permuted(BaseEstimator):
    """A clusterer that cuts the first column at its terciles and numbers the parts as it is told."""

    def __init__(self, numbers: tuple[int, ...] = (0, 1, 2)) -> None:
        self.numbers = numbers

    def fit(self, X: np.ndarray, y: Any = None) -> Self:
        self.cuts_ = np.quantile(X[:, 0], [1 / 3, 2 / 3])
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.array(self.numbers)[np.searchsorted(self.cuts_, X[:, 0])]


@pytest.mark.parametrize("numbers", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (7, 3, 5)])
def test_permuted_cluster_numbers_change_no_segment_id(numbers: tuple[int, ...]) -> None:
    points = np.random.default_rng(0).normal(size=(90, 2))
    plain = OrderedSegments(Permuted()).fit(points).predict(points)
    assert OrderedSegments(Permuted(numbers)).fit(points).predict(points).tolist() == plain.tolist()
    assert points[plain == 1, 0].mean() > points[plain == 2, 0].mean() > points[plain == 3, 0].mean()


def test_noise_is_unassigned_and_no_segment() -> None:
    points = np.random.default_rng(0).normal(size=(90, 2))
    segments = OrderedSegments(Permuted((NOISE, 0, 1))).fit(points)
    assert set(segments.predict(points)) == {UNASSIGNED, 1, 2}
    assert shares(segments.labels_)["cluster_count"] == 2
    assert shares(segments.labels_)["noise_share"] == pytest.approx(1 / 3)


def test_all_noise_or_one_cluster_has_no_silhouette() -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    for ids in (np.zeros(60, dtype=int), np.ones(60, dtype=int)):
        metrics = geometry(points, ids, silhouettes(points, ids))
        assert not {"silhouette", "davies_bouldin", "calinski_harabasz"} & set(metrics)
        assert np.isnan(silhouettes(points, ids)).all()


def test_silhouettes_are_the_same_whether_distances_are_known_or_not_and_never_count_noise() -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    known = distances_between(points)
    for ids in (np.arange(60) % 2 + 1, np.arange(60) % 3):
        assert np.array_equal(silhouettes(points, ids, known), silhouettes(points, ids), equal_nan=True)
        assert np.array_equal(np.isnan(silhouettes(points, ids, known)), ids == UNASSIGNED)


def test_dbscan_finds_two_crowds_and_calls_a_stranger_noise() -> None:
    random = np.random.default_rng(0)
    crowds = np.vstack([random.normal(0, 0.2, (80, 2)), random.normal(5, 0.2, (80, 2))])
    fitted = DensitySegments().fit(crowds)
    assert len(set(fitted.predict(crowds)) - {NOISE}) == 2
    assert fitted.predict(np.array([[0.0, 0.0], [5.0, 5.0], [50.0, -50.0]])).tolist()[2] == NOISE
    assert len(set(fitted.predict(np.array([[0.0, 0.0], [5.0, 5.0]])))) == 2


def test_dbscan_stores_a_bounded_number_of_customers() -> None:
    points = np.random.default_rng(0).normal(size=(1000, 2))
    fitted = DensitySegments(sample_size=100).fit(points)
    assert len(fitted.core_customers_) <= 100
    assert len(fitted.predict(points)) == 1000


def test_naive_quantiles_put_equal_customers_together_and_the_best_first() -> None:
    points = np.column_stack([np.repeat(np.arange(20.0), 5)] * 3)
    bands = RfmQuantiles().fit(points).labels_
    assert all(len(set(bands[points[:, 0] == value])) == 1 for value in range(20))
    assert np.all(np.diff(bands) <= 0)
    assert set(bands) == {0, 1, 2, 3}


def test_naive_quantiles_of_identical_rows_are_one_band() -> None:
    assert len(set(RfmQuantiles().fit(np.ones((60, 3))).labels_)) == 1


def test_eta_squared_is_one_when_segments_tell_the_spend_and_zero_when_they_do_not() -> None:
    ids, amounts = np.array([1, 1, 2, 2]), np.array([0.0, 0.0, 10.0, 10.0])
    assert spend_explained(ids, amounts) == pytest.approx(1.0)
    assert spend_explained(np.array([1, 2, 1, 2]), amounts) == pytest.approx(0.0)
    assert spend_explained(ids, np.zeros(4)) is None
    assert spend_explained(ids, np.full(4, np.nan)) is None
