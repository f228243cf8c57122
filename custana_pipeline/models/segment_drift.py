"""When segments fitted earlier no longer suit today's customers: what is kept of the fit, and what is compared.

| what                                    | limit                                                                 |
|-----------------------------------------|-----------------------------------------------------------------------|
| days since the segments were fitted     | `refit_days`                                                          |
| share of any segment                    | moved by more than `most_share_move`                                  |
| distribution of any column of the space | population stability index above `most_psi`, beyond what chance gives |
| silhouette                              | below 1 - `most_silhouette_loss` of what it was                       |

The index is the sum of (today - then) log(today / then) over ten bins that held a tenth of the customers each. Two
samples of one population differ too: the index is then near (1/n + 1/m) times chi-squared with bins - 1 degrees of
freedom (Yurdakul 2018). What one in a thousand of such samples reaches is taken off.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

from custana_pipeline.models.change import psi

BINS = 10
CHANCE = 0.999
"""The quantile of what two samples of one population differ by."""


@dataclass(frozen=True)
class DriftLimits:
    """What may differ between the day of the fit and today."""

    most_share_move: float
    most_psi: float
    most_silhouette_loss: float


def reference_of(points: np.ndarray, segment_numbers: np.ndarray, silhouette: float) -> dict[str, Any]:
    """What is kept of a fit, as plain values: bins of each column, shares of segments 1, 2, ..., silhouette."""
    edges = [_edges(column) for column in points.T]
    return {
        "edges": [each.tolist() for each in edges],
        "parts": [_parts(column, each).tolist() for column, each in zip(points.T, edges, strict=True)],
        "shares": _shares(segment_numbers, int(segment_numbers.max(initial=0))).tolist(),
        "silhouette": silhouette,
        "customer_count": len(points),
    }


def drift_of(
    reference: dict[str, Any], points: np.ndarray, segment_numbers: np.ndarray, silhouette: float
) -> dict[str, float]:
    """largest_share_move, highest_psi (less what chance gives) and silhouette_loss of today against the fit."""
    moves = np.abs(_shares(segment_numbers, len(reference["shares"])) - np.array(reference["shares"]))
    counts = (reference["customer_count"], len(points))
    indices = [
        psi(counts[0] * np.array(parts), counts[1] * _parts(column, np.array(edges))) - _by_chance(len(parts), counts)
        for column, edges, parts in zip(points.T, reference["edges"], reference["parts"], strict=True)
    ]
    return {
        "largest_share_move": float(moves.max(initial=0.0)),
        "highest_psi": max(0.0, *indices),
        "silhouette_loss": 1.0 - silhouette / reference["silhouette"],
    }


def reasons_to_refit(drift: dict[str, float], limits: DriftLimits) -> list[str]:
    """Which limits are passed, in words; none where the segments still suit."""
    reasons = []
    if drift["largest_share_move"] > limits.most_share_move:
        reasons.append(f"the share of a segment moved by {100 * drift['largest_share_move']:.1f} points")
    if drift["highest_psi"] > limits.most_psi:
        reasons.append(f"a column of the space drifted (PSI {drift['highest_psi']:.2f})")
    if drift["silhouette_loss"] > limits.most_silhouette_loss:
        reasons.append(f"the silhouette fell by {drift['silhouette_loss']:.0%}")
    return reasons


def _by_chance(bin_count: int, counts: tuple[int, int]) -> float:
    return float(sum(1 / count for count in counts) * chi2.ppf(CHANCE, bin_count - 1)) if bin_count > 1 else 0.0


def _edges(column: np.ndarray) -> np.ndarray:
    values = np.unique(column)
    if len(values) <= BINS:
        return (values[1:] + values[:-1]) / 2
    return np.unique(np.quantile(column, np.arange(1, BINS) / BINS))


def _parts(column: np.ndarray, edges: np.ndarray) -> np.ndarray:
    bins = np.searchsorted(edges, column, side="left")
    return np.bincount(bins, minlength=len(edges) + 1) / max(len(column), 1)


def _shares(segment_numbers: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(segment_numbers, minlength=count + 1)[1 : count + 1] / max(len(segment_numbers), 1)
