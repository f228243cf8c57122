"""DBSCAN as an estimator that can serve: it assigns customers whom it has not seen, and says who is noise."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_array, check_is_fitted

NOISE = -1


@dataclass(frozen=True)
class _Trial:
    """One DBSCAN of the sample: its reach, the positions of core customers, and a label for each customer."""

    reach: float
    core: np.ndarray
    labels: np.ndarray


class DensitySegments(ClusterMixin, BaseEstimator):
    """DBSCAN on a bounded random sample; `predict` gives the cluster of the nearest core customer within reach.

    The reach (eps) is chosen among quantiles of the distance to the `min_customers`-th neighbour (the k-distance
    plot of Ester et al. 1996, section 4.2): the one with the most clusters among those that leave at most `most_noise`
    as noise; else the one with the least noise. Clusters below `least_share` of the sample, and customers beyond the
    reach, are NOISE (-1). Core customers are kept as plain arrays, at most `sample_size` rows.
    """

    def __init__(
        self,
        min_customers: int = 15,
        reach_quantiles: tuple[float, ...] = (0.3, 0.5, 0.7, 0.9),
        least_share: float = 0.05,
        most_noise: float = 0.2,
        sample_size: int = 1_500,
        random_state: int = 0,
    ) -> None:
        self.min_customers = min_customers
        self.reach_quantiles = reach_quantiles
        self.least_share = least_share
        self.most_noise = most_noise
        self.sample_size = sample_size
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: None = None) -> Self:  # noqa: ARG002
        """Fits on the rows of X, or on `sample_size` of them."""
        sample = self._sample(check_array(X))
        trials = [self._trial(sample, reach) for reach in self._reaches(sample)]
        best = max(trials, key=self._merit)
        self.reach_ = best.reach
        self.core_customers_ = sample[best.core]
        self.core_labels_ = best.labels[best.core]
        self.n_features_in_ = sample.shape[1]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """One cluster number per row of X; NOISE for rows without a core customer within reach."""
        from sklearn.neighbors import NearestNeighbors

        check_is_fitted(self, "core_customers_")
        rows = check_array(X)
        if not len(self.core_customers_):
            return np.full(len(rows), NOISE)
        nearest = NearestNeighbors(n_neighbors=1).fit(self.core_customers_)
        distances, positions = nearest.kneighbors(rows)
        return np.where(distances[:, 0] <= self.reach_, self.core_labels_[positions[:, 0]], NOISE)

    def _trial(self, sample: np.ndarray, reach: float) -> "_Trial":
        from sklearn.cluster import DBSCAN

        dbscan = DBSCAN(eps=reach, min_samples=self._neighbours(sample)).fit(sample)
        labels = np.asarray(dbscan.labels_)
        clusters, sizes = np.unique(labels[labels != NOISE], return_counts=True)
        small = clusters[sizes < self.least_share * len(sample)]
        return _Trial(reach, np.asarray(dbscan.core_sample_indices_), np.where(np.isin(labels, small), NOISE, labels))

    def _merit(self, trial: "_Trial") -> tuple[bool, float, float]:
        noise = float(np.mean(trial.labels == NOISE))
        cluster_count = float(len(np.unique(trial.labels[trial.labels != NOISE])))
        return noise <= self.most_noise, cluster_count if noise <= self.most_noise else 0.0, -noise

    def _sample(self, rows: np.ndarray) -> np.ndarray:
        if len(rows) <= self.sample_size:
            return rows
        chosen = np.random.default_rng(self.random_state).choice(len(rows), self.sample_size, replace=False)
        return rows[np.sort(chosen)]

    def _neighbours(self, sample: np.ndarray) -> int:
        return min(self.min_customers, len(sample))

    def _reaches(self, sample: np.ndarray) -> list[float]:
        from sklearn.neighbors import NearestNeighbors

        neighbours = NearestNeighbors(n_neighbors=self._neighbours(sample)).fit(sample)
        furthest = neighbours.kneighbors(sample)[0][:, -1]
        return [max(float(reach), 1e-9) for reach in np.quantile(furthest, self.reach_quantiles)]
