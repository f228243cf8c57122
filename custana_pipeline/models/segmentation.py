"""Who is alike: segments that are fitted rarely, serve frozen in between, and keep their number and name.

The segments of the last run serve on for today's customers as long as they suit: the rules are in segment_drift, and
besides they must keep the share rule and separate better than RFM quantiles. Otherwise KMeans, DBSCAN and RFM
quantiles are fitted anew, and each new segment takes the id of that one of the last run with which it shares its
customers. Frozen or not, all measures are taken on today's customers.

The number of KMeans clusters is that of the last run, else `preferred_count`, where it is admissible: its smallest
segment holds `smallest_share` of the customers (and `share_room` beyond), its silhouette reaches `silhouette_tolerance`
of the best one's, and its refits on resampled customers agree (adjusted Rand index >= `least_stability`, with
`stability_room` below it). Otherwise it is the admissible one of `cluster_counts` that is nearest to `preferred_count`,
or, where no refits agree that well, the one whose refits agree most.
A silhouette alone would prefer one giant segment and a few outliers.
"""

import datetime as dt
import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from custana_pipeline.models.at_once import at_once
from custana_pipeline.models.encoding import as_numbers, is_numeric
from custana_pipeline.models.segment_candidates import (
    BASELINE,
    TARGET,
    dbscan,
    evaluated,
    kmeans,
    rfm_quantiles,
    serving,
    shortcoming,
)
from custana_pipeline.models.segment_drift import drift_of, reasons_to_refit, reference_of
from custana_pipeline.models.segment_ground import Ground, SegmentationSettings, ground_of, in_order, refusal_of
from custana_pipeline.models.segment_identity import IdentifiedSegments, PreviousSegments, ids_for, kept
from custana_pipeline.models.segment_names import OUTSIDE, name_segments
from custana_pipeline.models.segment_profile import profile_segments
from custana_pipeline.models.segment_space import SpaceColumns, space_columns
from custana_pipeline.models.training import Champion, Evaluated, Training, not_trainable


@dataclass(frozen=True)
class _Task:
    """What one training is given, and the last segmentation where there is one of the same customers."""

    customers: pd.DataFrame
    columns: SpaceColumns
    earlier: pd.DataFrame | None
    settings: SegmentationSettings
    previous: PreviousSegments | None

    @property
    def as_of(self) -> dt.date | None:
        """The day of the customers; None for a flat file."""
        days: Any = self.customers.get("as_of")
        return None if days is None else pd.to_datetime(days).dt.date.iloc[0]

    def ground(self, frozen: Pipeline | None = None) -> Ground:
        return ground_of(self.customers, self.columns, self.earlier, self.settings, frozen=frozen)


@dataclass(frozen=True)
class _Outcome:
    """The candidates on their ground, which one serves and why; `frozen` is its identity where it serves on."""

    ground: Ground
    candidates: tuple[Evaluated, ...]
    name: str
    reason: str
    frozen: IdentifiedSegments | None = None


def train_segmentation(
    snapshot: pd.DataFrame,
    earlier: pd.DataFrame | None,
    settings: SegmentationSettings | None = None,
    previous: PreviousSegments | None = None,
) -> Training:
    """Segments the customers of `snapshot`, one row each; a Training whose only target is `segment`.

    `earlier` is an older snapshot with `future_amount`: every recipe is fitted on it anew to measure how much of the
    spend after that day its segments explain (eta2); None leaves those metrics out. `previous` is the segmentation of
    the last day before. Row order does not matter.
    """
    chosen = settings or SegmentationSettings()
    customers = in_order(snapshot)
    columns, dropped = space_columns(customers, chosen.mix_share)
    before = previous if previous is not None and previous.is_of(customers) else None
    evidence: dict[str, Any] = {
        "settings": asdict(chosen) | {"continues": before.model_version if before else "nothing"},
        "row_counts": {"training": len(customers), "holdout": 0 if earlier is None else len(earlier)},
        "dropped_columns": dropped,
    }
    refusal = refusal_of(customers, columns, chosen)
    if refusal:
        return not_trainable("segmentation", refusal, **evidence)
    past = None if earlier is None else in_order(earlier)
    task = _Task(customers, columns, past, chosen, before)
    with threadpool_limits(1):
        return _trained(task, evidence)


def _trained(task: _Task, evidence: dict[str, Any]) -> Training:
    outcome = _served_on_or_anew(task)
    if not outcome.name:
        return not_trainable("segmentation", outcome.reason, **evidence)
    winner = next(each for each in outcome.candidates if each.name == outcome.name)
    identified = _identified(winner, outcome, task)
    judged = tuple(identified if each is winner else each for each in outcome.candidates)
    champion = _champion(identified, outcome)
    return Training("segmentation", "TRAINED", outcome.reason, judged, {TARGET: champion}, **evidence)


def _served_on_or_anew(task: _Task) -> _Outcome:
    why = _why_not_frozen(task)
    if not why:
        outcome = _frozen(task)
        if outcome.frozen is not None:
            return outcome
        why = outcome.reason
    ground = task.ground()
    identity = task.previous.identity if task.previous else None
    count_before = len(identity.ids) if identity else None
    made = (partial(kmeans, count_before=count_before), dbscan, rfm_quantiles)
    candidates = tuple(at_once(lambda candidate: candidate(ground), made))
    name, reason = serving({each.name: each.metrics for each in candidates}, task.settings)
    return _Outcome(ground, candidates, name, f"Fitted anew, since {why}. {reason}")


def _why_not_frozen(task: _Task) -> str:
    """Why the last segmentation cannot serve on whatever it says of today's customers; empty where it may."""
    previous = task.previous
    if previous is None:
        return "there is no segmentation of these customers on an earlier day"
    if previous.identity is None:
        return f"that of {previous.as_of} cannot be used: {previous.fault.rstrip('.')}"
    if previous.candidate == BASELINE:
        return f"{BASELINE} served last"
    memory = previous.identity.memory
    if json.loads(memory["columns"]) != list(task.columns.used):
        return "other columns tell the customers apart now"
    if json.loads(memory["settings"]) != json.loads(json.dumps(asdict(task.settings))):
        return "the settings have changed"
    age = _age(task, memory)
    if age >= task.settings.refit_days:
        return f"the segments are {age} days old"
    return ""


def _age(task: _Task, memory: dict[str, Any]) -> int:
    fitted = memory["fitted_as_of"]
    return (task.as_of - dt.date.fromisoformat(fitted)).days if task.as_of and fitted else 0


def _frozen(task: _Task) -> _Outcome:
    """The last segmentation on today's customers; without `frozen`, and with the reasons, where it no longer suits."""
    previous = task.previous
    if previous is None or previous.identity is None:
        raise ValueError("Only a segmentation that was loaded can serve on.")
    identity = previous.identity
    ground = task.ground(Pipeline(previous.estimator.steps[:-1]))
    since = identity.memory["fitted_as_of"]
    naive = rfm_quantiles(ground)
    serves = evaluated(previous.candidate, identity.segments, ground, {"frozen_since": since})
    numbers = identity.segments.predict(ground.points)
    drift = drift_of(identity.memory, ground.points, numbers, serves.metrics.get("silhouette", -1.0))
    poor = shortcoming(serves.metrics, naive.metrics, task.settings)
    reasons = [f"{previous.candidate} {poor}"] if poor else reasons_to_refit(drift, task.settings.drift_limits)
    if reasons:
        return _Outcome(ground, (), "", " and ".join(reasons))
    age = _age(task, identity.memory)
    serves = replace(serves, metrics=serves.metrics | drift | {"days_since_fit": float(age)})
    others = (naive,) if previous.candidate == "dbscan" else (dbscan(ground), naive)
    return _Outcome(ground, (serves, *others), serves.name, _why_frozen(serves, since), identity)


def _why_frozen(serves: Evaluated, since: str) -> str:
    told = serves.metrics
    days = "1 day" if told["days_since_fit"] == 1 else f"{told['days_since_fit']:.0f} days"
    return (
        f"{serves.name} serves on as fitted on {since} ({days} ago): shares moved by at most "
        f"{100 * told['largest_share_move']:.1f} points, highest PSI {told['highest_psi']:.2f}, "
        f"silhouette {told['silhouette']:.2f}."
    )


def _identified(winner: Evaluated, outcome: _Outcome, task: _Task) -> Evaluated:
    """The winner with lasting ids and names in its pipeline and its evidence."""
    segments, numbers = winner.estimator[-1], winner.holdout["predicted"].to_numpy()
    if outcome.frozen is None:
        ids = ids_for(numbers, len(segments.clusters_), task.previous, task.customers)
        memory = _memory(winner, numbers, outcome.ground, task)
    else:
        ids, memory = outcome.frozen.ids, outcome.frozen.memory
        segments = outcome.frozen.segments
    last_id = max(*ids, task.previous.last_id if task.previous else 0)
    segment_ids = np.array([0, *ids])[numbers]
    profile = profile_segments(task.customers, segment_ids)
    named = name_segments(profile, task.previous.names if task.previous else {})
    by_id = dict(zip(named["segment_id"], named["segment_name"], strict=True))
    names = [str(by_id.get(each, OUTSIDE)) for each in ids]
    identity = IdentifiedSegments(segments, ids, names, memory | {"last_id": last_id})
    listed = [by_id[each] for each in segment_ids]
    keeping = kept(task.previous, task.customers.get("customer_id"), segment_ids, listed)
    return replace(
        winner,
        metrics=winner.metrics | keeping,
        estimator=Pipeline([*outcome.ground.space.steps, ("segments", identity)]),
        holdout=winner.holdout.assign(predicted=segment_ids, segment_name=listed),
    )


def _memory(winner: Evaluated, numbers: np.ndarray, ground: Ground, task: _Task) -> dict[str, Any]:
    return {
        "fitted_as_of": task.as_of.isoformat() if task.as_of else "",
        "columns": json.dumps(list(ground.columns.used)),
        "settings": json.dumps(asdict(task.settings)),
        **reference_of(ground.points, numbers, winner.metrics.get("silhouette", -1.0)),
    }


def _champion(identified: Evaluated, outcome: _Outcome) -> Champion:
    ground = outcome.ground
    return Champion(
        target=TARGET,
        name=identified.name,
        estimator=identified.estimator,
        columns=ground.columns.used,
        metrics=identified.metrics,
        beats_naive=identified.role == "candidate",
        reason=outcome.reason,
        best_naive=BASELINE,
        reference={name: _typical(ground.customers[name]) for name in ground.columns.used},
    )


def _typical(column: Any) -> Any:
    if is_numeric(column):
        return float(as_numbers(column).median())
    return column.mode(dropna=True).iloc[0]
