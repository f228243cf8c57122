"""Why a customer has this score: what each topic adds to the score that typical values would have.

The parts are Shapley values over topics, estimated from permutations in antithetic pairs (Mitchell et al. 2022,
"Sampling Permutations for Shapley Value Estimation", section 4.1). Along one permutation the changes telescope, so that
the base and the parts add up to the score exactly, however few permutations are drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.models.at_once import at_once
from custana_pipeline.models.encoding import as_numbers, as_text, is_numeric
from custana_pipeline.models.phrases import Topic, phrase_of, topic_of
from custana_pipeline.models.readings import Mixed, Readings, foresee, predict

TOPIC_LIMIT = 8
"""Each topic costs two predictions a customer."""
SAMPLE_ROWS = 300
BATCH_ROWS = 1_000
PAIR_COUNT = 1
"""Pairs of a permutation and its reverse; see docs/decisions/reasons.md for what more pairs would change."""
LEAST_SHARE = 0.005
"""Of the mean score: a smaller effect on a number is no reason."""
LEAST_LOG_ODDS = 0.02
"""Half a percentage point of an even chance: a smaller effect on a probability is no reason."""
LEAST_PROBABILITY = 1e-7
TYPICAL = "like the typical customer"


@dataclass(frozen=True)
class Effects:
    """What each topic adds to each customer's score; `base + changes.sum(axis=1)` is the score."""

    topics: tuple[Topic, ...]
    base: np.ndarray
    """The score with typical values in all these topics: one number for everybody where no column lies outside."""
    changes: np.ndarray
    """Customers x topics, in log odds of a probability or in units of a number; above zero where it raises."""


def reference_of(estimator: Any, frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, Any]:
    """Feature -> median or most frequent value, of the TOPIC_LIMIT topics that move the scores most, best first.

    The order is by mean absolute effect on up to SAMPLE_ROWS rows. Values are plain numbers, texts or None.
    """
    typical = {name: _typical(frame[name]) for name in columns}
    sample = frame if len(frame) <= SAMPLE_ROWS else frame.sample(SAMPLE_ROWS, random_state=0)
    effects = effects_of(estimator, sample, columns, typical)
    weights = np.abs(effects.changes).sum(axis=0)
    order = np.argsort(-weights, kind="stable")[:TOPIC_LIMIT]
    topics = topics_of(columns)
    chosen = [name for index in order for name in topics[effects.topics[index].name]]
    return {name: typical[name] for name in chosen}


def effects_of(estimator: Any, frame: pd.DataFrame, columns: Sequence[str], reference: dict[str, Any]) -> Effects:
    """The part of every topic of the reference in every row's score; rows of equal values get equal parts."""
    members = topics_of(reference)
    topics = tuple(topic_of(names[0]) for names in members.values())
    orders = _orders(len(topics))
    batches = [frame.iloc[start : start + BATCH_ROWS] for start in range(0, len(frame), BATCH_ROWS)]
    parts = at_once(lambda rows: _parts(estimator, _Batch(rows, tuple(columns), reference), orders), batches)
    if not parts:
        return Effects(topics, np.empty(0), np.empty((0, len(topics))))
    return Effects(topics, np.concatenate([base for base, _ in parts]), np.vstack([changes for _, changes in parts]))


def reasons(
    estimator: Any, frame: pd.DataFrame, columns: Sequence[str], reference: dict[str, Any] | None = None
) -> list[str]:
    """Up to three reasons per row, the strongest first, each with whether it raises or lowers the score.

    `reference` is that of the champion; without one the frame's own typical values stand in. Reasons quote the
    customer's own values only.
    """
    if frame.empty:
        return []
    known = reference or reference_of(estimator, frame, columns)
    effects = effects_of(estimator, frame, columns, known)
    least = _least(estimator, effects)
    top = np.argsort(-np.abs(effects.changes), axis=1, kind="stable")[:, :3]
    members = list(topics_of(known).values())
    values = {name: frame[name].tolist() for names in members for name in names}
    return [
        _sentence(
            row,
            [(effects.topics[index], members[index], effects.changes[row, index]) for index in top[row]],
            values,
            least,
        )
        for row in range(len(frame))
    ]


def score(estimator: Any, rows: pd.DataFrame) -> np.ndarray:
    """What the parts add up to: the log odds of a probability, or the predicted number."""
    return _told(estimator, predict(estimator, rows))


def _told(estimator: Any, predicted: np.ndarray) -> np.ndarray:
    if not hasattr(estimator, "predict_proba"):
        return predicted
    sure = np.clip(predicted, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.log(sure / (1 - sure))


def topics_of(names: Any) -> dict[str, list[str]]:
    """Topic -> the columns that belong to it, both in the order in which they come."""
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(topic_of(name).name, []).append(name)
    return members


@dataclass(frozen=True)
class _Batch:
    """Some rows, and what their topics are replaced by."""

    rows: pd.DataFrame
    columns: tuple[str, ...]
    reference: dict[str, Any]

    def mixed(self, own: np.ndarray) -> Mixed:
        """The rows once for each line of `own` (lines x topics); a topic that is not own has its typical values."""
        count = len(self.rows)
        places = np.tile(np.arange(count), len(own))
        moved = [
            (names, np.where(np.repeat(own[:, topic], count), places, count))
            for topic, names in enumerate(topics_of(self.reference).values())
        ]
        return Mixed(self._readings, places, moved)

    @cached_property
    def _readings(self) -> Readings:
        """The rows, and after them one of typical values."""
        return Readings(pd.DataFrame({name: self._column(name) for name in self.columns}))

    def _column(self, name: str) -> np.ndarray:
        values, typical = self.rows[name], self.reference.get(name)
        if is_numeric(values):
            return np.append(as_numbers(values).to_numpy(), np.nan if typical is None else float(typical))
        return np.append(as_text(values).to_numpy(), np.array([typical], dtype="object"))


def _orders(topic_count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    drawn = [random.permutation(topic_count) for _ in range(PAIR_COUNT)]
    return [order for each in drawn for order in (each, each[::-1])]


def _parts(estimator: Any, batch: _Batch, orders: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Base and topic effects; every coalition is scored once, though the orders share the empty and the full one."""
    row_count, topic_count = len(batch.rows), len(orders[0])
    steps = np.array([_coalitions(order) for order in orders])
    coalitions, places = np.unique(steps.reshape(-1, topic_count), axis=0, return_inverse=True)
    scores = _told(estimator, foresee(estimator, batch.mixed(coalitions))).reshape(len(coalitions), row_count)
    along = scores[places.reshape(len(orders), topic_count + 1)]
    changes = np.zeros((row_count, topic_count))
    for order, path in zip(orders, along, strict=True):
        changes[:, order] += np.diff(path, axis=0).T / len(orders)
    return along[0, 0], changes


def _coalitions(order: np.ndarray) -> np.ndarray:
    """Topics that are the customer's own: none at first, then one more of the order at each step."""
    turn = np.argsort(order)
    return turn[None, :] < np.arange(len(order) + 1)[:, None]


def _least(estimator: Any, effects: Effects) -> float:
    if hasattr(estimator, "predict_proba"):
        return LEAST_LOG_ODDS
    return LEAST_SHARE * float(np.abs(effects.base + effects.changes.sum(axis=1)).mean())


def _sentence(
    row: int, ranked: list[tuple[Topic, list[str], float]], values: dict[str, list[Any]], least: float
) -> str:
    parts = [
        f"{phrase_of(topic, {name: values[name][row] for name in names})} ({'raises' if change > 0 else 'lowers'})"
        for topic, names, change in ranked
        if abs(change) > least
    ]
    return "; ".join(parts) or TYPICAL


def _typical(values: Any) -> Any:
    if is_numeric(values):
        numbers = as_numbers(values).to_numpy()
        known = numbers[~np.isnan(numbers)]
        return float(np.median(known)) if len(known) else None
    known: Any = values.dropna()
    return str(known.mode().iloc[0]) if len(known) else None
