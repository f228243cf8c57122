"""How good a segmentation is: shares, separation in the space, agreement of refits, and what it says about spend."""

import numpy as np
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    pairwise_distances,
    silhouette_samples,
)

from custana_pipeline.models.segment_order import UNASSIGNED


def shares(segment_ids: np.ndarray) -> dict[str, float]:
    """cluster_count, smallest_share, largest_share and noise_share; noise is no cluster but counts in the total."""
    counts = np.unique(segment_ids[segment_ids != UNASSIGNED], return_counts=True)[1]
    total = max(len(segment_ids), 1)
    return {
        "cluster_count": float(len(counts)),
        "smallest_share": float(counts.min() / total) if len(counts) else 0.0,
        "largest_share": float(counts.max() / total) if len(counts) else 0.0,
        "noise_share": float(np.mean(segment_ids == UNASSIGNED)),
    }


def distances_between(points: np.ndarray) -> np.ndarray:
    """n x n Euclidean distances: meant for a sample of some thousand rows."""
    distances = pairwise_distances(points)
    np.fill_diagonal(distances, 0.0)
    return distances


def silhouettes(points: np.ndarray, segment_ids: np.ndarray, distances: np.ndarray | None = None) -> np.ndarray:
    """The silhouette of each row (Rousseeuw 1987), NaN for noise; all NaN unless there are two clusters or more.

    `distances` are those between the points where they are known; they serve where no row is noise.
    """
    values = np.full(len(points), np.nan)
    assigned = segment_ids != UNASSIGNED
    if _is_separable(segment_ids[assigned]):
        is_known = distances is not None and bool(assigned.all())
        known = distances if is_known else distances_between(points[assigned])
        values[assigned] = silhouette_samples(known, segment_ids[assigned], metric="precomputed")
    return values


def _is_separable(segment_ids: np.ndarray) -> bool:
    return 2 <= len(np.unique(segment_ids)) < len(segment_ids)


def geometry(points: np.ndarray, segment_ids: np.ndarray, sampled: np.ndarray) -> dict[str, float]:
    """Shares on all rows, Davies-Bouldin and Calinski-Harabasz on all but noise, and the mean of silhouettes of some.

    A measure that is not defined (one cluster, all noise) is left out rather than invented.
    """
    metrics = shares(segment_ids)
    if np.isfinite(sampled).any():
        metrics["silhouette"] = float(np.nanmean(sampled))
    assigned = segment_ids != UNASSIGNED
    if _is_separable(segment_ids[assigned]):
        metrics["davies_bouldin"] = float(davies_bouldin_score(points[assigned], segment_ids[assigned]))
        metrics["calinski_harabasz"] = float(calinski_harabasz_score(points[assigned], segment_ids[assigned]))
    return metrics


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985) of two segmentations of the same rows; 1 is the same partition."""
    return float(adjusted_rand_score(one, other))


def spend_explained(segment_ids: np.ndarray, future_amounts: np.ndarray, *, in_logs: bool = True) -> float | None:
    """Eta squared: the share of the variance of log(1 + future amount), or of the amount, that lies between segments.

    Noise counts as one group. None where nobody spent or the amounts are not known.
    """
    known = np.isfinite(future_amounts)
    amounts = future_amounts[known]
    values = np.log1p(np.clip(amounts, 0.0, None)) if in_logs else amounts
    total = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
    if total == 0.0:
        return None
    _, groups = np.unique(segment_ids[known], return_inverse=True)
    means = np.bincount(groups, weights=values) / np.bincount(groups)
    return float(((means[groups] - values.mean()) ** 2).sum()) / total
