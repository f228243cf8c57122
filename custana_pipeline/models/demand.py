"""How often and for how much each customer buys within the horizon: candidates, naive rules, champions."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.models.amount_interval import AmountInterval
from custana_pipeline.models.demand_candidates import candidates
from custana_pipeline.models.evaluation import Loss, demand_metrics
from custana_pipeline.models.level import Measure
from custana_pipeline.models.naive_rules import AMOUNT, PURCHASES, demand_rules
from custana_pipeline.models.panel import LIMITS, OriginsLike, RowLimits
from custana_pipeline.models.promotion import GateSettings
from custana_pipeline.models.serving import ServingDemand
from custana_pipeline.models.supervised import train_targets
from custana_pipeline.models.task import Context, Task
from custana_pipeline.models.trainable import UsableColumns
from custana_pipeline.models.training import Evaluated, Training

TARGETS = {"future_purchase": PURCHASES, "future_amount": AMOUNT}
BLENDED = {"gradient_boosting": 0.5, "ridge": 0.25, "bg_nbd": 0.25}
MEASURES: dict[str, Measure] = {"future_purchase": "purchases", "future_amount": "amount"}
LOSSES: dict[str, Loss] = {"future_purchase": "poisson", "future_amount": "tweedie"}


@dataclass(frozen=True)
class DemandSettings:
    """What can be chosen about the training of demand."""

    horizon_days: int = field(default=90, metadata={"description": "Days after as_of whose purchases are foreseen."})
    seed: int = field(default=0, metadata={"description": "Seed of everything random: same input, same scores."})
    margin: float = field(
        default=0.005, metadata={"description": "Least relative gain over the best naive rule, in the target's loss."}
    )
    interval_share: float = field(
        default=0.8, metadata={"description": "Share of customers within the amount's bounds."}
    )
    least_total_ratio: float = field(
        default=0.7, metadata={"description": "Least predicted / actual total over the origins of the backtest."}
    )
    origin_half_life_days: float = field(
        default=45.0, metadata={"description": "Days after which an older training origin counts half: shops drift."}
    )
    limits: RowLimits = field(
        default=LIMITS, metadata={"description": "Rows to learn from and to judge on; beyond them customers are drawn."}
    )


def train_demand(
    snapshots: pd.DataFrame, origins: OriginsLike, settings: DemandSettings, context: Context | None = None
) -> Training:
    """Backtests both targets at origins.folds, lets the gate decide, and refits what serves on origins.refit.

    Purchases compete on Poisson deviance, amounts on Tweedie deviance (see `row_losses`): both are least for whoever
    foresees the mean, so that totals add up. Amounts compete among models whose total over the origins lies within
    `least_total_ratio` and its inverse. Amounts without data have no champion; without purchases, which every
    forecast needs, the Training is not trained either.
    """
    known = context or Context()
    tasks = [_task(target, settings) for target in TARGETS]
    parts = dict(zip(TARGETS, train_targets(snapshots, origins, tasks, asdict(settings), known), strict=True))
    stopped = [part for part in parts.values() if part.state == "LEAKED_FEATURE"]
    trained = [part for part in parts.values() if part.is_trained]
    first = stopped[0] if stopped else parts["future_purchase"]
    if not first.is_trained:
        return first
    return Training(
        analysis="demand",
        state=first.state,
        reason=" ".join(f"{target}: {part.reason}" for target, part in parts.items()),
        evaluated=tuple(each for part in trained for each in part.evaluated),
        champions={target: champion for part in trained for target, champion in part.champions.items()},
        dropped_columns=trained[0].dropped_columns,
        settings=asdict(settings),
        row_counts=trained[0].row_counts,
    )


def _task(target: str, settings: DemandSettings) -> Task:
    def tried(columns: UsableColumns, row_count: int) -> dict[str, Any]:
        given = {"horizon_days": settings.horizon_days, "row_count": row_count, "seed": settings.seed}
        return dict(candidates(columns, target, **given))

    return Task(
        analysis="demand",
        target=target,
        measure=MEASURES[target],
        loss=LOSSES[target],
        metrics=demand_metrics,
        rules=lambda columns: demand_rules(columns, TARGETS[target], settings.horizon_days),
        candidates=tried,
        blended=BLENDED,
        half_life_days=settings.origin_half_life_days,
        limits=settings.limits,
        gate=GateSettings(naive_margin=settings.margin),
        serving=lambda estimator, judged: _serving(estimator, judged, settings.interval_share),
        is_eligible=lambda each: target != "future_amount" or _adds_up(each, settings.least_total_ratio),
    )


def _serving(estimator: Any, judged: Evaluated, share: float) -> ServingDemand:
    """The model with the interval that its forecasts at all origins of the backtest had; none where there was none."""
    past = judged.backtest
    if not len(past):
        return ServingDemand(estimator)
    interval = AmountInterval(share).fit(past["predicted"].to_numpy(), past["actual"].to_numpy())
    return ServingDemand(estimator, interval)


def _adds_up(evaluated: Evaluated, least_ratio: float) -> bool:
    past: Any = evaluated.backtest
    actual, predicted = (float(np.sum(past[name].to_numpy())) for name in ("actual", "predicted"))
    return actual <= 0 or least_ratio <= predicted / actual <= 1 / least_ratio
