"""What a segmentation is made from: its settings, and the customers of one day as points in the segment space."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from custana_pipeline.models.segment_drift import DriftLimits
from custana_pipeline.models.segment_quality import distances_between, silhouettes
from custana_pipeline.models.segment_space import SpaceColumns, segment_space


@dataclass(frozen=True)
class SegmentationSettings:
    """What segmentation may try and what a segmentation that serves must keep to."""

    cluster_counts: tuple[int, ...] = (3, 4, 5, 6)
    smallest_share: float = 0.05
    """Share of customers that the smallest segment holds at least."""
    share_room: float = 0.005
    """What a segment must hold beyond that when it is fitted, so that it does not fall below the next night."""
    most_noise_share: float = 0.05
    """Share of customers that a serving segmentation leaves without a segment at most."""
    silhouette_tolerance: float = 0.70
    least_stability: float = 0.90
    stability_room: float = 0.05
    """How far below `least_stability` the preferred number, or that of the last run, may fall and stay."""
    preferred_count: int = 5
    """The number of segments where it is admissible, so that a few customers more or less do not change it."""
    stability_refits: int = 10
    stability_customers: int = 6_000
    """Each refit is on that many customers at most."""
    refit_days: int = 30
    """A segmentation serves frozen for fewer days than that."""
    most_share_move: float = 0.05
    most_psi: float = 0.2
    most_silhouette_loss: float = 0.2
    demographic_share: float = 0.05
    """Variance of age, and of gender and location, relative to that of recency, frequency and money together."""
    mix_share: float = 0.0
    """The same for all further columns; 0 leaves them to the description of segments."""
    least_customers: int = 50
    fit_customers: int = 20_000
    """Models are fitted on that many customers, drawn at random with the seed, where there are more."""
    silhouette_customers: int = 2_000
    seed: int = 0

    @property
    def drift_limits(self) -> DriftLimits:
        """What may differ before a frozen segmentation is fitted anew."""
        return DriftLimits(self.most_share_move, self.most_psi, self.most_silhouette_loss)


@dataclass(frozen=True)
class Ground:
    """The customers of one as_of in the segment space, with the rows on which models are fitted and judged."""

    customers: pd.DataFrame
    columns: SpaceColumns
    space: Pipeline
    points: np.ndarray
    fitted_on: np.ndarray
    earlier: pd.DataFrame | None
    settings: SegmentationSettings

    @cached_property
    def sample(self) -> np.ndarray:
        """The points that models are fitted on."""
        return self.points[self.fitted_on]

    @cached_property
    def judged(self) -> np.ndarray:
        """Positions within the sample on which silhouettes are taken."""
        return drawn(len(self.fitted_on), self.settings.silhouette_customers, self.settings.seed + 1)

    def silhouettes(self, segment_ids: np.ndarray) -> np.ndarray:
        """The silhouettes of the judged rows, given the segments of the sample."""
        return silhouettes(self.sample[self.judged], segment_ids[self.judged], self._distances)

    @cached_property
    def _distances(self) -> np.ndarray:
        """Between the judged rows: the same for every segmentation."""
        return distances_between(self.sample[self.judged])

    @cached_property
    def earlier_points(self) -> np.ndarray | None:
        """The earlier snapshot in a space fitted on it alone; None where it is too small."""
        if self.earlier is None or len(self.earlier) < self.settings.least_customers:
            return None
        return np.asarray(fresh(self.space).fit_transform(self.earlier), dtype=float)


def ground_of(
    customers: pd.DataFrame,
    columns: SpaceColumns,
    earlier: pd.DataFrame | None,
    settings: SegmentationSettings,
    *,
    frozen: Pipeline | None = None,
) -> Ground:
    """The ground in a space that is fitted on `customers`, or in a `frozen` one."""
    space = frozen or segment_space(columns, settings.demographic_share, settings.mix_share).fit(customers)
    points = np.asarray(space.transform(customers), dtype=float)
    fitted_on = drawn(len(points), settings.fit_customers, settings.seed)
    return Ground(customers, columns, space, points, fitted_on, earlier, settings)


def in_order(snapshot: pd.DataFrame) -> pd.DataFrame:
    """The rows by as_of and customer_id, as far as there are these, so that their order does not matter."""
    keys = [name for name in ("as_of", "customer_id") if name in snapshot]
    return snapshot.sort_values(keys, kind="stable").reset_index(drop=True) if keys else snapshot.reset_index(drop=True)


def refusal_of(customers: pd.DataFrame, columns: SpaceColumns, settings: SegmentationSettings) -> str:
    """Why these customers cannot be segmented; empty where they can."""
    if len(customers) < settings.least_customers:
        return f"{len(customers)} customers are too few to segment: at least {settings.least_customers} are needed."
    if not columns.used:
        return "No column tells the customers apart: each is missing or the same for everybody."
    distinct = len(customers[list(columns.used)].drop_duplicates())
    fewest = min(settings.cluster_counts)
    if distinct < fewest:
        return f"The customers have only {distinct} different rows; at least {fewest} segments need as many."
    return ""


def drawn(row_count: int, most: int, seed: int) -> np.ndarray:
    """Positions of at most `most` of the rows, drawn at random with the seed, in order."""
    if row_count <= most:
        return np.arange(row_count)
    return np.sort(np.random.default_rng(seed).choice(row_count, most, replace=False))


def fresh(estimator: Any) -> Any:
    """An unfitted copy."""
    return clone(estimator)
