"""Segment numbers that mean something: not the cluster's number, which changes with every refit."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.utils.validation import check_is_fitted

from custana_pipeline.models.density import NOISE

UNASSIGNED = 0
"""The segment_id of noise: customers who belong to no segment."""


class OrderedSegments(ClusterMixin, BaseEstimator):
    """A clusterer whose clusters are renumbered 1, 2, ... by the published rule; noise is UNASSIGNED (0).

    The rule: clusters are sorted by the means of the columns of X, larger first, the first column deciding and each
    further one breaking ties. In the segment space this is mean log purchase_amount, then purchase_frequency, then
    recency, so segment 1 spends most. Permuting the clusterer's own numbers changes nothing.
    """

    def __init__(self, clusterer: Any) -> None:
        self.clusterer = clusterer

    def fit(self, X: np.ndarray, y: None = None) -> Self:  # noqa: ARG002
        """Fits a clone of the clusterer, then numbers its clusters by their means on the rows of X."""
        fresh: Any = clone(self.clusterer)
        self.clusterer_ = fresh.fit(X)
        labels = self.clusterer_.predict(X)
        self.n_features_in_ = X.shape[1]
        self.clusters_ = np.array(_best_first(X, labels), dtype=np.int64)
        self.labels_ = self._segment_ids(labels)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """One segment_id per row of X: 1 .. segment count, or UNASSIGNED."""
        check_is_fitted(self, "clusters_")
        return self._segment_ids(self.clusterer_.predict(X))

    def _segment_ids(self, labels: np.ndarray) -> np.ndarray:
        if not len(self.clusters_):
            return np.full(len(labels), UNASSIGNED, dtype=np.int64)
        by_cluster = np.argsort(self.clusters_)
        found = np.searchsorted(self.clusters_[by_cluster], labels).clip(max=len(by_cluster) - 1)
        positions = by_cluster[found]
        return np.where(self.clusters_[positions] == labels, positions + 1, UNASSIGNED).astype(np.int64)


def _best_first(rows: np.ndarray, labels: np.ndarray) -> list[int]:
    means = {int(label): tuple(rows[labels == label].mean(axis=0).round(9)) for label in np.unique(labels)}
    return sorted((label for label in means if label != NOISE), key=lambda label: means[label], reverse=True)
