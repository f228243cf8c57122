"""What a training hands over: the evidence of every candidate, and the champion of every target."""

from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

Role = Literal["candidate", "baseline"]
State = Literal["TRAINED", "NOT_TRAINABLE"]


@dataclass(frozen=True)
class Evaluated:
    """One candidate or naive baseline, fitted on the training origins and judged on the holdout origin."""

    name: str
    role: Role
    target: str
    parameters: dict[str, Any]
    metrics: dict[str, float]
    """Names start with `holdout_`; a metric that is not defined on these rows is left out."""
    estimator: Any
    """Fitted on the training origins only: the one that was judged, not the one that serves."""
    holdout: pd.DataFrame
    """customer_id, actual, predicted: one row per customer of the holdout origin."""


@dataclass(frozen=True)
class Champion:
    """The model that serves one target, refitted on the origins whose labels are complete at as_of."""

    target: str
    name: str
    estimator: Any
    """Takes the feature frame by column name (any order, further columns are ignored)."""
    columns: tuple[str, ...]
    metrics: dict[str, float]
    """Those of the same name in `Training.evaluated`: measured on the holdout, before the refit."""
    beats_naive: bool
    reason: str
    best_naive: str
    reference: dict[str, Any] = field(default_factory=dict)
    """Feature -> its median or most frequent value in training, the most telling feature first (see explanations)."""


@dataclass(frozen=True)
class Training:
    """The outcome of training one analysis; NOT_TRAINABLE is an outcome too, with its reason and nothing fitted."""

    analysis: str
    state: State
    reason: str
    evaluated: tuple[Evaluated, ...] = ()
    champions: dict[str, Champion] = field(default_factory=dict)
    dropped_columns: dict[str, str] = field(default_factory=dict)
    """Column -> why it was not used."""
    settings: dict[str, Any] = field(default_factory=dict)
    row_counts: dict[str, int] = field(default_factory=dict)
    """Rows by use: training, holdout, refit (customer x origin)."""

    @property
    def is_trained(self) -> bool:
        """Whether there is a champion for every target."""
        return self.state == "TRAINED"

    def evaluated_for(self, target: str) -> tuple[Evaluated, ...]:
        """The candidates and baselines of one target, in the order in which they were tried."""
        return tuple(each for each in self.evaluated if each.target == target)


def not_trainable(analysis: str, reason: str, **evidence: Any) -> Training:
    """A Training without any model; `evidence` fills settings, row_counts or dropped_columns."""
    return Training(analysis=analysis, state="NOT_TRAINABLE", reason=reason, **evidence)
