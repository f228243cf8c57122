"""What is particular to a target, and what is known besides its snapshots."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from custana_pipeline.models.evaluation import Loss
from custana_pipeline.models.level import Level, Levels, Measure
from custana_pipeline.models.levelled import LevelledDemand, LevelledProbability, factor_of, shift_of
from custana_pipeline.models.panel import RowLimits
from custana_pipeline.models.promotion import GateSettings
from custana_pipeline.models.trainable import UsableColumns
from custana_pipeline.models.training import Evaluated, Incumbent

LEVELLED = "levelled_blend"


@dataclass(frozen=True)
class Task:
    """What is particular to a target."""

    analysis: str
    target: str
    measure: Measure
    loss: Loss
    metrics: Callable[..., dict[str, float]]
    rules: Callable[[Sequence[str]], dict[str, Any]]
    candidates: Callable[[UsableColumns, int], Mapping[str, Any]]
    blended: Mapping[str, float]
    """Member of the blend -> its weight; a member that was not tried is left out."""
    half_life_days: float
    limits: RowLimits
    gate: GateSettings
    serving: Callable[[Any, Evaluated], Any] = lambda estimator, _: estimator
    """Wraps the estimator that serves, given what was judged."""
    is_eligible: Callable[[Evaluated], bool] = lambda _: True


@dataclass(frozen=True)
class Context:
    """What is known besides the snapshots: the shop's level on past days, and the champion so far."""

    levels: Levels | None = None
    incumbents: Mapping[str, Incumbent] = field(default_factory=dict)


def levelled(model: Any, forecast: np.ndarray, levels: Levels, task: Task) -> tuple[Any, Level | None]:
    """The fitted model drawn to the level of the day, given its forecasts for all customers of that day or a sample."""
    weight = levels.customers_for_each(len(forecast))
    level = levels.level(task.measure, weight * float(forecast.sum())) if len(forecast) else None
    drawn_to = None if level is None else replace(level, total=level.total / weight)
    if task.target == "is_recommended":
        return LevelledProbability.of_fitted(model, shift_of(forecast, drawn_to)), level
    return LevelledDemand.of_fitted(model, factor_of(forecast, drawn_to)), level
