"""Why a customer has this score: what changes when one topic is replaced by the typical customer's values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.models.encoding import as_numbers, is_numeric
from custana_pipeline.models.judging import predict
from custana_pipeline.models.phrases import Topic, phrase_of, topic_of

TOPIC_LIMIT = 12
SAMPLE_ROWS = 300
BATCH_ROWS = 5_000
LEAST_EFFECT = 0.005
"""Of the mean score: a smaller change is no reason."""
TYPICAL = "like the typical customer"


@dataclass(frozen=True)
class Effects:
    """How much each topic moves each customer's score away from what it were with typical values."""

    topics: tuple[Topic, ...]
    changes: np.ndarray
    """Customers x topics, in units of the score; above zero where the customer's own values raise it."""


def reference_of(estimator: Any, frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, Any]:
    """Feature -> median or most frequent value, of the TOPIC_LIMIT topics that move the scores most, best first.

    The order is by mean absolute change on up to SAMPLE_ROWS rows. Values are plain numbers, texts or None.
    """
    typical = {name: _typical(frame[name]) for name in columns}
    sample = frame if len(frame) <= SAMPLE_ROWS else frame.sample(SAMPLE_ROWS, random_state=0)
    effects = effects_of(estimator, sample, columns, typical)
    weights = np.abs(effects.changes).mean(axis=0)
    order = np.argsort(-weights, kind="stable")[:TOPIC_LIMIT]
    topics = _topics(columns)
    chosen = [name for index in order for name in topics[effects.topics[index].name]]
    return {name: typical[name] for name in chosen}


def effects_of(estimator: Any, frame: pd.DataFrame, columns: Sequence[str], reference: dict[str, Any]) -> Effects:
    """The change of every row's score by every topic of the reference, in one call of the estimator per batch."""
    members = _topics(reference)
    topics = tuple(topic_of(names[0]) for names in members.values())
    changes = [
        _changes(estimator, frame.iloc[start : start + BATCH_ROWS][list(columns)], list(members.values()), reference)
        for start in range(0, len(frame), BATCH_ROWS)
    ]
    return Effects(topics, np.vstack(changes) if changes else np.empty((0, len(topics))))


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
    least = LEAST_EFFECT * float(np.abs(predict(estimator, frame)).mean())
    top = np.argsort(-np.abs(effects.changes), axis=1, kind="stable")[:, :3]
    members = list(_topics(known).values())
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


def _sentence(
    row: int, ranked: list[tuple[Topic, list[str], float]], values: dict[str, list[Any]], least: float
) -> str:
    parts = [
        f"{phrase_of(topic, {name: values[name][row] for name in names})} ({'raises' if change > 0 else 'lowers'})"
        for topic, names, change in ranked
        if abs(change) > least
    ]
    return "; ".join(parts) or TYPICAL


def _changes(estimator: Any, batch: pd.DataFrame, groups: list[list[str]], reference: dict[str, Any]) -> np.ndarray:
    if not groups:
        return np.zeros((len(batch), 0))
    ablated = [batch.assign(**{name: reference[name] for name in names}) for names in groups]
    tidy = [_as_in(batch, each) for each in ablated]
    scores = predict(estimator, pd.concat([batch, *tidy], ignore_index=True)).reshape(len(groups) + 1, len(batch))
    return (scores[0] - scores[1:]).T


def _as_in(batch: pd.DataFrame, ablated: pd.DataFrame) -> pd.DataFrame:
    text = [name for name in batch.columns if not is_numeric(batch[name])]
    return ablated.astype(dict.fromkeys(text, "object"))


def _topics(names: Any) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(topic_of(name).name, []).append(name)
    return members


def _typical(values: Any) -> Any:
    if is_numeric(values):
        middle = float(as_numbers(values).median())
        return None if np.isnan(middle) else middle
    known = values.dropna()
    return str(known.mode().iloc[0]) if len(known) else None
