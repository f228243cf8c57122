"""The naive segmentation: scores by quantiles of recency, frequency and money, added up and cut into bands."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_array, check_is_fitted


class RfmQuantiles(ClusterMixin, BaseEstimator):
    """Customers in bands of their summed quantile scores (Hughes 1994), best band first.

    Each of the first `score_columns` columns of X, of which larger is better, is scored 0 .. `score_count` - 1 by its
    quantiles; the sums are cut at quantiles into at most `band_count` bands, each of `least_share` of the rows or more.
    Equal customers get equal bands: the cuts are values, not ranks, so that with many ties there are fewer bands.
    """

    def __init__(
        self, score_columns: int = 3, score_count: int = 5, band_count: int = 4, least_share: float = 0.05
    ) -> None:
        self.score_columns = score_columns
        self.score_count = score_count
        self.band_count = band_count
        self.least_share = least_share

    def fit(self, X: np.ndarray, y: None = None) -> Self:  # noqa: ARG002
        """Takes the cuts from the rows of X."""
        rows = check_array(X)[:, : self.score_columns]
        self.cuts_ = np.quantile(rows, np.arange(1, self.score_count) / self.score_count, axis=0)
        scores = self._scores(rows)
        self.band_cuts_ = self._cuts(scores, np.quantile(scores, np.arange(1, self.band_count) / self.band_count))
        self.n_features_in_ = rows.shape[1]
        self.labels_ = self.predict(X)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """One band per row of X, 0 for the best."""
        check_is_fitted(self, "cuts_")
        scores = self._scores(check_array(X)[:, : self.score_columns])
        return len(self.band_cuts_) - np.searchsorted(self.band_cuts_, scores, side="left")

    def _cuts(self, scores: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """The wanted cuts without those that would leave a band, from the lowest on, too small."""
        cuts: list[float] = []
        least = self.least_share * len(scores)
        for cut in np.unique(wanted):
            below = scores <= cut
            within = below & (scores > cuts[-1]) if cuts else below
            if within.sum() >= least and (~below).sum() >= least:
                cuts.append(float(cut))
        return np.array(cuts)

    def _scores(self, rows: np.ndarray) -> np.ndarray:
        return (rows[:, None, :] > self.cuts_[None, :, :]).sum(axis=(1, 2)).astype(float)
