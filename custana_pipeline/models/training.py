"""What a training hands over: the evidence of every candidate, and the champion of every target."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

Role = Literal["candidate", "baseline", "champion"]
State = Literal["TRAINED", "UNJUDGED", "NOT_TRAINABLE", "LEAKED_FEATURE"]
SO_FAR = "champion_so_far"
"""The name under which the champion so far is judged beside tonight's candidates."""


@dataclass(frozen=True)
class Evaluated:
    """One candidate or naive baseline, judged at the origins of the backtest."""

    name: str
    role: Role
    target: str
    parameters: dict[str, Any]
    metrics: dict[str, float]
    """`holdout_` those of the newest complete window (with `_lower` and `_upper` of 95 % intervals), `backtest_` the
    means over all origins; a metric that is not defined on these rows is left out."""
    estimator: Any
    """Fitted before the newest complete window: the one that was judged, not the one that serves."""
    holdout: pd.DataFrame
    """customer_id, actual, predicted: one row per customer of the newest complete window."""
    fitted: tuple[Any, ...] = ()
    """The estimator of each origin, newest first."""
    backtest: pd.DataFrame = field(default_factory=pd.DataFrame)
    """origin, customer_id, actual, predicted of all origins, newest first."""
    by_origin: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One row per origin with its metrics, newest first."""


@dataclass(frozen=True)
class Incumbent:
    """The champion so far: what serves, and its sibling that was fitted before its own holdout and can be judged."""

    name: str
    model_version: str
    as_of: dt.date
    serving: Any
    judged: Any
    columns: tuple[str, ...]
    reference: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Champion:
    """The model that serves one target, refitted on the origins whose labels are complete at as_of."""

    target: str
    name: str
    estimator: Any
    """Takes the feature frame by column name (any order, further columns are ignored)."""
    columns: tuple[str, ...]
    metrics: dict[str, float]
    """Measured on the newest complete window, before the refit; see Evaluated."""
    beats_naive: bool
    reason: str
    best_naive: str
    reference: dict[str, Any] = field(default_factory=dict)
    """Feature -> its median or most frequent value in training, the most telling feature first (see explanations)."""
    is_promoted: bool = True
    figures: dict[str, float] = field(default_factory=dict)
    """The gains with intervals by which the gate decided; see promotion."""
    kept_version: str = ""
    """The model_version of the champion that stays, where no challenger was promoted."""
    shift: float | None = None
    """What draws this model to tonight's level (log odds, or a factor); None for a model that is not levelled."""
    level: str = ""
    """What the level rests on, in words."""


@dataclass(frozen=True)
class Training:
    """The outcome of training one analysis; what is not trained is an outcome too, with its reason and nothing fitted.

    UNJUDGED serves a rule that needs no past outcomes, where the history is too short for any. LEAKED_FEATURE stops
    everything after it, and so does NOT_TRAINABLE: the lists published before stay.
    """

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
        return self.state in ("TRAINED", "UNJUDGED")

    def evaluated_for(self, target: str) -> tuple[Evaluated, ...]:
        """The candidates and baselines of one target, in the order in which they were tried."""
        return tuple(each for each in self.evaluated if each.target == target)

    def judged_as(self, target: str) -> str:
        """Under which name what serves the target was judged: a champion that stays is no candidate of tonight's."""
        champion = self.champions[target]
        return SO_FAR if champion.kept_version else champion.name


def not_trainable(analysis: str, reason: str, **evidence: Any) -> Training:
    """A Training without any model; `evidence` fills settings, row_counts or dropped_columns."""
    return Training(analysis=analysis, state="NOT_TRAINABLE", reason=reason, **evidence)


def leaked(analysis: str, reason: str, **evidence: Any) -> Training:
    """A Training that was stopped, since a feature gives the outcome away."""
    return Training(analysis=analysis, state="LEAKED_FEATURE", reason=reason, **evidence)
