"""Who is alike: KMeans in the segment space beside DBSCAN and RFM quantiles, judged under a smallest-share rule.

The number of KMeans clusters is the largest k of `cluster_counts` whose smallest segment holds `smallest_share` of the
customers, whose refits on resampled customers agree (adjusted Rand index >= `least_stability`) and whose silhouette
reaches `silhouette_tolerance` of the best one; where no k is that stable, the best silhouette under the share rule.
A silhouette alone would prefer one giant segment and a few outliers.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from custana_pipeline.models.density import DensitySegments
from custana_pipeline.models.encoding import as_numbers, is_numeric
from custana_pipeline.models.rfm_quantiles import RfmQuantiles
from custana_pipeline.models.segment_order import OrderedSegments
from custana_pipeline.models.segment_profile import PROFILED
from custana_pipeline.models.segment_quality import agreement, geometry, shares, silhouettes, spend_explained
from custana_pipeline.models.segment_space import SpaceColumns, segment_space, space_columns
from custana_pipeline.models.training import Champion, Evaluated, Training, not_trainable

TARGET = "segment"
BASELINE = "rfm_quantiles"


@dataclass(frozen=True)
class SegmentationSettings:
    """What segmentation may try and what a segmentation that serves must keep to."""

    cluster_counts: tuple[int, ...] = (3, 4, 5, 6, 7, 8)
    smallest_share: float = 0.05
    """Share of customers that the smallest segment holds at least."""
    most_noise_share: float = 0.05
    """Share of customers that a serving segmentation leaves without a segment at most."""
    silhouette_tolerance: float = 0.85
    least_stability: float = 0.90
    stability_refits: int = 5
    demographic_share: float = 0.05
    """Variance of age, and of gender and location, relative to that of recency, frequency and money together."""
    mix_share: float = 0.0
    """The same for all further columns; 0 leaves them to the description of segments."""
    least_customers: int = 50
    fit_customers: int = 20_000
    """Models are fitted on that many customers, drawn at random with the seed, where there are more."""
    silhouette_customers: int = 2_000
    seed: int = 0


@dataclass(frozen=True)
class _Ground:
    """The customers of one as_of in the segment space, with the rows on which models are fitted and judged."""

    customers: pd.DataFrame
    columns: SpaceColumns
    space: Pipeline
    points: np.ndarray
    fitted_on: np.ndarray
    earlier_points: np.ndarray | None
    earlier_amounts: np.ndarray | None
    settings: SegmentationSettings

    @property
    def sample(self) -> np.ndarray:
        return self.points[self.fitted_on]


def train_segmentation(
    snapshot: pd.DataFrame, earlier: pd.DataFrame | None, settings: SegmentationSettings | None = None
) -> Training:
    """Segments the customers of `snapshot`, one row each; a Training whose only target is `segment`.

    `earlier` is an older snapshot with `future_amount`: every recipe is fitted on it anew to measure how much of the
    spend after that day its segments explain (eta2_log_spend); None leaves that metric out. Row order does not matter.
    """
    chosen = settings or SegmentationSettings()
    customers = _in_order(snapshot)
    columns, dropped = space_columns(customers, chosen.mix_share)
    refusal = _refusal(customers, columns, chosen)
    evidence: dict[str, Any] = {
        "settings": asdict(chosen),
        "row_counts": {"training": len(customers), "holdout": 0 if earlier is None else len(earlier)},
        "dropped_columns": dropped,
    }
    if refusal:
        return not_trainable("segmentation", refusal, **evidence)
    with threadpool_limits(1):
        return _trained(_ground(customers, columns, earlier, chosen), evidence)


def _in_order(snapshot: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in ("as_of", "customer_id") if name in snapshot]
    return snapshot.sort_values(keys, kind="stable").reset_index(drop=True) if keys else snapshot.reset_index(drop=True)


def _refusal(customers: pd.DataFrame, columns: SpaceColumns, settings: SegmentationSettings) -> str:
    if len(customers) < settings.least_customers:
        return f"{len(customers)} customers are too few to segment: at least {settings.least_customers} are needed."
    if not columns.used:
        return "No column tells the customers apart: each is missing or the same for everybody."
    distinct = len(customers[list(columns.used)].drop_duplicates())
    fewest = min(settings.cluster_counts)
    if distinct < fewest:
        return f"The customers have only {distinct} different rows; at least {fewest} segments need as many."
    return ""


def _ground(
    customers: pd.DataFrame, columns: SpaceColumns, earlier: pd.DataFrame | None, settings: SegmentationSettings
) -> _Ground:
    space = segment_space(columns, settings.demographic_share, settings.mix_share)
    points = np.asarray(space.fit_transform(customers), dtype=float)
    before = _in_order(earlier) if earlier is not None and len(earlier) >= settings.least_customers else None
    return _Ground(
        customers=customers,
        columns=columns,
        space=space,
        points=points,
        fitted_on=_drawn(len(points), settings.fit_customers, settings.seed),
        earlier_points=None if before is None else np.asarray(_fresh(space).fit_transform(before), dtype=float),
        earlier_amounts=None if before is None else before["future_amount"].to_numpy(dtype=float),
        settings=settings,
    )


def _fresh(estimator: Any) -> Any:
    return clone(estimator)


def _drawn(row_count: int, most: int, seed: int) -> np.ndarray:
    if row_count <= most:
        return np.arange(row_count)
    return np.sort(np.random.default_rng(seed).choice(row_count, most, replace=False))


def _trained(ground: _Ground, evidence: dict[str, Any]) -> Training:
    candidates: list[tuple[str, Any, dict[str, Any]]] = [
        ("kmeans", *_chosen_kmeans(ground)),
        ("dbscan", DensitySegments(random_state=ground.settings.seed), {}),
        (BASELINE, RfmQuantiles(score_columns=_leading_count(ground)), {}),
    ]
    evaluated = tuple(_evaluated(name, clusterer, extra, ground) for name, clusterer, extra in candidates)
    name, reason = serving({each.name: each.metrics for each in evaluated}, ground.settings)
    if not name:
        return not_trainable("segmentation", reason, **evidence)
    champion = _champion(next(each for each in evaluated if each.name == name), reason, ground)
    return Training("segmentation", "TRAINED", reason, evaluated, {TARGET: champion}, **evidence)


def _evaluated(name: str, clusterer: Any, extra: dict[str, Any], ground: _Ground) -> Evaluated:
    segments = OrderedSegments(clusterer).fit(ground.sample)
    segment_ids = segments.predict(ground.points)
    metrics = geometry(ground.sample, segments.labels_, _judged(ground)) | shares(segment_ids)
    metrics["stability"] = _stability(segments, ground)
    explained = _explained(segments, ground)
    return Evaluated(
        name=name,
        role="baseline" if name == BASELINE else "candidate",
        target=TARGET,
        parameters=clusterer.get_params() | extra,
        metrics=metrics if explained is None else metrics | {"eta2_log_spend": explained},
        estimator=Pipeline([*ground.space.steps, ("segments", segments)]),
        holdout=_evidence(segment_ids, ground),
    )


def _explained(segments: OrderedSegments, ground: _Ground) -> float | None:
    """Eta squared of the same recipe, fitted on the earlier snapshot only, with the spend after it."""
    if ground.earlier_points is None or ground.earlier_amounts is None:
        return None
    drawn = _drawn(len(ground.earlier_points), ground.settings.fit_customers, ground.settings.seed)
    refitted = _fresh(segments).fit(ground.earlier_points[drawn])
    return spend_explained(refitted.predict(ground.earlier_points), ground.earlier_amounts)


def _evidence(segment_ids: np.ndarray, ground: _Ground) -> pd.DataFrame:
    """customer_id, what a profile shows, actual (missing: there is no truth), predicted, silhouette (of a sample)."""
    wanted = ("customer_id", *ground.columns.used, *PROFILED)
    evidence = ground.customers[[name for name in ground.customers if name in wanted]]
    judged = ground.fitted_on[_judged(ground)]
    silhouette = np.full(len(segment_ids), np.nan)
    silhouette[judged] = silhouettes(ground.points[judged], segment_ids[judged])
    return evidence.assign(actual=np.nan, predicted=segment_ids, silhouette=silhouette)


def serving(metrics: dict[str, dict[str, float]], settings: SegmentationSettings) -> tuple[str, str]:
    """The name of the segmentation that serves and why, by rules; an empty name where none can.

    The first of kmeans and dbscan serves that has two segments or more, keeps the smallest share and the most noise,
    and separates customers better (silhouette) than RFM quantiles; else RFM quantiles serve, if they yield segments.
    """
    baseline = metrics[BASELINE]
    refusals = []
    for name in ("kmeans", "dbscan"):
        refusal = _shortcoming(metrics[name], baseline.get("silhouette", -1.0), settings)
        if not refusal:
            return name, f"{name} keeps the share rule and separates customers better than {BASELINE}."
        refusals.append(f"{name} {refusal}")
    if baseline["cluster_count"] < 2:
        return "", f"No segmentation: {'; '.join(refusals)}; {BASELINE} finds a single group."
    return BASELINE, f"{BASELINE} serve: {'; '.join(refusals)}."


def _shortcoming(metrics: dict[str, float], to_beat: float, settings: SegmentationSettings) -> str:
    if metrics["cluster_count"] < 2:
        return "finds a single group" if metrics["cluster_count"] else "finds noise only"
    if metrics["smallest_share"] < settings.smallest_share:
        return f"has a segment of {metrics['smallest_share']:.1%}, below {settings.smallest_share:.0%}"
    if metrics["noise_share"] > settings.most_noise_share:
        return f"leaves {metrics['noise_share']:.0%} without a segment"
    if metrics.get("silhouette", -1.0) <= to_beat:
        return f"separates no better than {BASELINE}"
    return ""


def _champion(evaluated: Evaluated, reason: str, ground: _Ground) -> Champion:
    return Champion(
        target=TARGET,
        name=evaluated.name,
        estimator=evaluated.estimator,
        columns=ground.columns.used,
        metrics=evaluated.metrics,
        beats_naive=evaluated.role == "candidate",
        reason=reason,
        best_naive=BASELINE,
        reference={name: _typical(ground.customers[name]) for name in ground.columns.used},
    )


def _typical(column: Any) -> Any:
    if is_numeric(column):
        return float(as_numbers(column).median())
    return column.mode(dropna=True).iloc[0]


def _leading_count(ground: _Ground) -> int:
    return len(ground.columns.leading) or min(3, ground.points.shape[1])


def _chosen_kmeans(ground: _Ground) -> tuple[KMeans, dict[str, Any]]:
    trials = {count: _trial(count, ground) for count in ground.settings.cluster_counts if count < len(ground.sample)}
    best = chosen_count(trials, ground.settings)
    tried = {
        f"{measure}_by_count": ", ".join(f"{count}: {trial[measure]:.3f}" for count, trial in trials.items())
        for measure in ("silhouette", "smallest_share", "stability")
    }
    return _kmeans(best, ground.settings), tried


def _kmeans(count: int, settings: SegmentationSettings) -> KMeans:
    return KMeans(n_clusters=count, n_init=5, random_state=settings.seed)  # pyright: ignore[reportArgumentType]


def _trial(count: int, ground: _Ground) -> dict[str, float]:
    fitted = OrderedSegments(_kmeans(count, ground.settings)).fit(ground.sample)
    return {"stability": _stability(fitted, ground), **geometry(ground.sample, fitted.labels_, _judged(ground))}


def _judged(ground: _Ground) -> np.ndarray:
    """Positions within the sample on which silhouettes are taken."""
    return _drawn(len(ground.sample), ground.settings.silhouette_customers, ground.settings.seed + 1)


def _stability(fitted: OrderedSegments, ground: _Ground) -> float:
    random = np.random.default_rng(ground.settings.seed + 2)
    judged = ground.sample[_judged(ground)]
    refits = []
    for _ in range(ground.settings.stability_refits):
        resampled = ground.sample[random.integers(0, len(ground.sample), len(ground.sample))]
        refits.append(agreement(fitted.predict(judged), _fresh(fitted.clusterer).fit(resampled).predict(judged)))
    return float(np.mean(refits))


def chosen_count(trials: dict[int, dict[str, float]], settings: SegmentationSettings) -> int:
    """The number of clusters by the rule in the module's docstring; without any admissible one, the smallest tried.

    `trials` holds silhouette, smallest_share and stability by number of clusters; a missing silhouette rules out.
    """
    allowed = {
        count: trial
        for count, trial in trials.items()
        if trial["smallest_share"] >= settings.smallest_share and "silhouette" in trial
    }
    if not allowed:
        return min(trials)
    best = max(allowed, key=lambda count: allowed[count]["silhouette"])
    enough = settings.silhouette_tolerance * allowed[best]["silhouette"]
    stable = [
        count
        for count, trial in allowed.items()
        if trial["stability"] >= settings.least_stability and trial["silhouette"] >= enough
    ]
    return max(stable, default=best)
