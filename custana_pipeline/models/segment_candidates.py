"""The segmentations that compete: KMeans, DBSCAN and RFM quantiles, how each is judged, and the rule of what serves."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline

from custana_pipeline.models.at_once import at_once
from custana_pipeline.models.density import DensitySegments
from custana_pipeline.models.rfm_quantiles import RfmQuantiles
from custana_pipeline.models.segment_ground import Ground, SegmentationSettings, drawn, fresh
from custana_pipeline.models.segment_order import OrderedSegments
from custana_pipeline.models.segment_profile import PROFILED
from custana_pipeline.models.segment_quality import agreement, geometry, shares, spend_explained
from custana_pipeline.models.training import Evaluated

TARGET = "segment"
BASELINE = "rfm_quantiles"
COMPARED_REFITS = 5
"""Refits of what KMeans is compared with; its own are `stability_refits`."""


def kmeans(ground: Ground, count_before: int | None = None) -> Evaluated:
    """KMeans with the number of clusters that `chosen_count` picks; `count_before` is how many there were."""
    counts = [count for count in ground.settings.cluster_counts if count < len(ground.sample)]
    trials = dict(zip(counts, at_once(lambda count: _tried(count, ground), counts), strict=True))
    best = chosen_count(trials, ground.settings, count_before)
    stability = trials[best]["stability"]
    tried = {
        f"{measure}_by_count": ", ".join(
            f"{count}: {trial[measure]:.3f}" for count, trial in trials.items() if measure in trial
        )
        for measure in ("silhouette", "smallest_share", "stability")
    }
    return evaluated("kmeans", trials[best].segments, ground, tried, stability=stability)


def dbscan(ground: Ground) -> Evaluated:
    """DBSCAN, whose noise is in no segment."""
    segments = OrderedSegments(DensitySegments(random_state=ground.settings.seed)).fit(ground.sample)
    return evaluated("dbscan", segments, ground, {}, stability=stability_of(segments, ground, COMPARED_REFITS))


def rfm_quantiles(ground: Ground) -> Evaluated:
    """The naive rule: bands of summed quantile scores."""
    scored = len(ground.columns.rfm) or min(3, ground.points.shape[1])
    naive = RfmQuantiles(score_columns=scored, least_share=ground.settings.smallest_share)
    segments = OrderedSegments(naive).fit(ground.sample)
    return evaluated(BASELINE, segments, ground, {}, stability=stability_of(segments, ground, COMPARED_REFITS))


def evaluated(
    name: str,
    segments: OrderedSegments,
    ground: Ground,
    told: dict[str, Any],
    *,
    stability: float | None = None,
) -> Evaluated:
    """A fitted segmentation with its measures on the ground; `told` joins its parameters.

    `stability` is measured here where it is not known yet.
    """
    segment_ids = segments.predict(ground.points)
    on_sample = segment_ids[ground.fitted_on]
    sampled = ground.silhouettes(on_sample)
    metrics = geometry(ground.sample, on_sample, sampled) | shares(segment_ids)
    metrics["stability"] = stability_of(segments, ground) if stability is None else stability
    return Evaluated(
        name=name,
        role="baseline" if name == BASELINE else "candidate",
        target=TARGET,
        parameters=segments.clusterer.get_params() | told,
        metrics=metrics | _explained(segments, ground),
        estimator=Pipeline([*ground.space.steps, ("segments", segments)]),
        holdout=_evidence(segment_ids, sampled, ground),
    )


def stability_of(segments: OrderedSegments, ground: Ground, most_refits: int | None = None) -> float:
    """Mean adjusted Rand index with cold refits of the same recipe on customers drawn with replacement."""
    random = np.random.default_rng(ground.settings.seed + 2)
    sample = ground.sample
    judged = sample[ground.judged]
    size = min(len(sample), ground.settings.stability_customers)
    refits = min(ground.settings.stability_refits, most_refits or ground.settings.stability_refits)
    draws = [random.integers(0, len(sample), size) for _ in range(refits)]
    own = segments.predict(judged)
    return float(
        np.mean(
            at_once(lambda drawn: agreement(own, fresh(segments.clusterer).fit(sample[drawn]).predict(judged)), draws)
        )
    )


def _explained(segments: OrderedSegments, ground: Ground) -> dict[str, float]:
    """Eta squared of the same recipe, fitted on the earlier snapshot only, with the spend after it, log and raw."""
    points = ground.earlier_points
    if points is None or ground.earlier is None:
        return {}
    amounts = ground.earlier["future_amount"].to_numpy(dtype=float)
    sample = points[drawn(len(points), ground.settings.fit_customers, ground.settings.seed)]
    segment_ids = fresh(segments).fit(sample).predict(points)
    found = {
        "eta2_log_spend": spend_explained(segment_ids, amounts),
        "eta2_spend": spend_explained(segment_ids, amounts, in_logs=False),
    }
    return {name: value for name, value in found.items() if value is not None}


def _evidence(segment_ids: np.ndarray, sampled: np.ndarray, ground: Ground) -> pd.DataFrame:
    """customer_id, what a profile shows, actual (missing: there is no truth), predicted, silhouette (of a sample)."""
    wanted = ("customer_id", *ground.columns.used, *PROFILED)
    evidence = ground.customers[[name for name in ground.customers if name in wanted]]
    silhouette = np.full(len(segment_ids), np.nan)
    silhouette[ground.fitted_on[ground.judged]] = sampled
    return evidence.assign(actual=np.nan, predicted=segment_ids, silhouette=silhouette)


def serving(metrics: dict[str, dict[str, float]], settings: SegmentationSettings) -> tuple[str, str]:
    """The name of the segmentation that serves and why, by rules; an empty name where none can.

    The first of kmeans and dbscan serves that has two segments or more, keeps the smallest share and the most noise,
    and separates customers better (silhouette) than RFM quantiles; else RFM quantiles serve, if they yield segments.
    """
    baseline = metrics[BASELINE]
    refusals = []
    for name in ("kmeans", "dbscan"):
        refusal = shortcoming(metrics[name], baseline, settings)
        if not refusal:
            return name, f"{name} keeps the share rule and separates customers better than {BASELINE}."
        refusals.append(f"{name} {refusal}")
    if baseline["cluster_count"] < 2:
        return "", f"No segmentation: {'; '.join(refusals)}; {BASELINE} finds a single group."
    return BASELINE, f"{BASELINE} serve: {'; '.join(refusals)}."


def shortcoming(metrics: dict[str, float], baseline: dict[str, float], settings: SegmentationSettings) -> str:
    """Why a segmentation may not serve, as a predicate; empty where it may."""
    if metrics["cluster_count"] < 2:
        return "finds a single group" if metrics["cluster_count"] else "finds noise only"
    if metrics["smallest_share"] < settings.smallest_share:
        return f"has a segment of {metrics['smallest_share']:.1%}, below {settings.smallest_share:.0%}"
    if metrics["noise_share"] > settings.most_noise_share:
        return f"leaves {metrics['noise_share']:.0%} without a segment"
    if metrics.get("silhouette", -1.0) <= baseline.get("silhouette", -1.0):
        return f"separates no better than {BASELINE}"
    return ""


def _kmeans(count: int, settings: SegmentationSettings) -> KMeans:
    return KMeans(n_clusters=count, n_init=5, random_state=settings.seed)  # pyright: ignore[reportArgumentType]


class _Trial(dict[str, float]):
    """The measures of one number of clusters; its stability is measured when it is asked for, since that takes
    longest, and the first number that may stay is enough."""

    def __init__(self, segments: OrderedSegments, ground: Ground) -> None:
        super().__init__(geometry(ground.sample, segments.labels_, ground.silhouettes(segments.labels_)))
        self.segments = segments
        self._ground = ground

    def __missing__(self, name: str) -> float:
        if name != "stability":
            raise KeyError(name)
        self[name] = stability_of(self.segments, self._ground)
        return self[name]


def _tried(count: int, ground: Ground) -> _Trial:
    return _Trial(OrderedSegments(_kmeans(count, ground.settings)).fit(ground.sample), ground)


def chosen_count(
    trials: Mapping[int, dict[str, float]], settings: SegmentationSettings, count_before: int | None = None
) -> int:
    """The number of clusters by the rule in segmentation's docstring; without any admissible one, the smallest tried.

    `trials` holds silhouette, smallest_share and stability by number of clusters; a missing silhouette rules out.
    """
    least = settings.smallest_share + settings.share_room
    allowed = {
        count: trial for count, trial in trials.items() if trial["smallest_share"] >= least and "silhouette" in trial
    }
    if not allowed:
        return min(trials)
    enough = settings.silhouette_tolerance * max(trial["silhouette"] for trial in allowed.values())
    apart = {count: trial for count, trial in allowed.items() if trial["silhouette"] >= enough}
    for kept in (count_before, settings.preferred_count):
        if kept in apart and apart[kept]["stability"] >= settings.least_stability - settings.stability_room:
            return kept
    stable = [count for count, trial in apart.items() if trial["stability"] >= settings.least_stability]
    if stable:
        return min(stable, key=lambda count: (abs(count - settings.preferred_count), -count))
    return max(apart, key=lambda count: apart[count]["stability"])
