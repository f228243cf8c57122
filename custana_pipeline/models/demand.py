"""How often and for how much each customer buys within the horizon: candidates, naive rules, champions."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.models.amount_interval import AmountInterval, cross_coverage
from custana_pipeline.models.blend import MeanOfModels
from custana_pipeline.models.demand_candidates import candidates
from custana_pipeline.models.evaluation import Loss, demand_metrics
from custana_pipeline.models.explanations import reference_of
from custana_pipeline.models.judging import Choice, Judge, choose, fit
from custana_pipeline.models.naive_rules import AMOUNT, PURCHASES, demand_rules
from custana_pipeline.models.panel import OriginsLike, Panel, split_by_origin
from custana_pipeline.models.serving import ServingDemand
from custana_pipeline.models.trainable import UsableColumns, usable_columns, why_not_trainable
from custana_pipeline.models.training import Champion, Evaluated, Training, not_trainable

TARGETS = {"future_purchase": PURCHASES, "future_amount": AMOUNT}
BLENDED = ("ridge", "gradient_boosting")
LOSSES: dict[str, Loss] = {"future_purchase": "squared", "future_amount": "spend"}


@dataclass(frozen=True)
class DemandSettings:
    """What can be chosen about the training of demand."""

    horizon_days: int = field(default=90, metadata={"description": "Days after as_of whose purchases are foreseen."})
    seed: int = field(default=0, metadata={"description": "Seed of everything random: same input, same scores."})
    margin: float = field(
        default=0.01, metadata={"description": "Least relative gain over the best naive rule, in the target's loss."}
    )
    interval_share: float = field(
        default=0.8, metadata={"description": "Share of customers within the amount's bounds."}
    )
    least_total_ratio: float = field(
        default=0.7, metadata={"description": "Least predicted / actual total on the holdout."}
    )
    origin_half_life_days: float = field(
        default=45.0, metadata={"description": "Days after which an older training origin counts half: shops drift."}
    )
    row_limit: int = field(
        default=60_000,
        metadata={"description": "Most training rows (customer x origin); beyond it customers are sampled."},
    )


def train_demand(snapshots: pd.DataFrame, origins: OriginsLike, settings: DemandSettings) -> Training:
    """Trains both targets on origins.training, judges on origins.holdout, refits each winner on origins.refit.

    Purchases compete on squared error: its best prediction is the mean, so that totals add up. Amounts compete on
    the mix of absolute and squared error that `row_losses` describes, among models whose total on the holdout lies
    within `least_total_ratio` and its inverse, or about as near to the actual total as that of the best naive rule.
    Amounts without data have no champion; without purchases, which every forecast needs, the Training is NOT_TRAINABLE.
    """
    parts = {target: _train_target(snapshots, origins, target, settings) for target in TARGETS}
    trained = [part for part in parts.values() if part.is_trained]
    first = parts["future_purchase"]
    if not first.is_trained:
        return not_trainable("demand", first.reason, settings=first.settings, row_counts=first.row_counts)
    return Training(
        analysis="demand",
        state="TRAINED",
        reason=" ".join(f"{target}: {part.reason}" for target, part in parts.items()),
        evaluated=tuple(each for part in trained for each in part.evaluated),
        champions={target: champion for part in trained for target, champion in part.champions.items()},
        dropped_columns=trained[0].dropped_columns,
        settings=asdict(settings),
        row_counts=trained[0].row_counts,
    )


def _train_target(snapshots: pd.DataFrame, origins: OriginsLike, target: str, settings: DemandSettings) -> Training:
    panel = split_by_origin(snapshots, origins, target, settings.row_limit)
    evidence: dict[str, Any] = {"settings": asdict(settings), "row_counts": panel.row_counts}
    reason = why_not_trainable(panel.training, panel.holdout, target)
    if reason:
        return not_trainable("demand", reason, **evidence)
    columns = usable_columns(panel.training)
    evaluated = _evaluate_all(panel, columns, target, settings)
    choice = choose(evaluated, LOSSES[target], settings.margin, _total_guard(target, settings.least_total_ratio))
    champion = _champion(choice, panel, columns, settings)
    return Training("demand", "TRAINED", choice.reason, evaluated, {target: champion}, columns.dropped, **evidence)


def _evaluate_all(panel: Panel, columns: UsableColumns, target: str, settings: DemandSettings) -> tuple[Evaluated, ...]:
    judge = Judge(panel, target, demand_metrics, settings.origin_half_life_days)
    rules = demand_rules(columns.names, TARGETS[target], settings.horizon_days)
    tried = candidates(
        columns, target, horizon_days=settings.horizon_days, row_count=len(panel.training), seed=settings.seed
    )
    baselines = [judge.evaluate(rule, name, "baseline") for name, rule in rules.items()]
    models = [judge.evaluate(model, name, "candidate") for name, model in tried.items()]
    blended = MeanOfModels.of_fitted([each.estimator for each in models if each.name in BLENDED])
    return (*baselines, *models, judge.measure(blended, "blend", "candidate"))


def _total_guard(target: str, least_ratio: float) -> Callable[[Evaluated, Evaluated], bool]:
    def distance(each: Evaluated) -> float:
        return abs(float(np.log(max(each.metrics.get("holdout_total_ratio", 1.0), 1e-9))))

    def is_eligible(candidate: Evaluated, naive: Evaluated) -> bool:
        slack = -float(np.log(least_ratio))
        return target != "future_amount" or distance(candidate) <= max(slack, distance(naive) + slack / 2)

    return is_eligible


def _champion(choice: Choice, panel: Panel, columns: UsableColumns, settings: DemandSettings) -> Champion:
    winner = choice.winner
    actual, predicted = winner.holdout["actual"].to_numpy(), winner.holdout["predicted"].to_numpy()
    interval = AmountInterval(settings.interval_share).fit(predicted, actual)
    refitted = ServingDemand(
        fit(winner.estimator, panel.refit, winner.target, settings.origin_half_life_days), interval
    )
    metrics = winner.metrics | {"holdout_interval_coverage": cross_coverage(predicted, actual, interval)}
    return Champion(
        target=winner.target,
        name=winner.name,
        estimator=refitted,
        columns=columns.names,
        metrics=metrics if winner.target == "future_amount" else winner.metrics,
        beats_naive=choice.beats_naive,
        reason=choice.reason,
        best_naive=choice.best_naive,
        reference=reference_of(refitted, panel.refit, columns.names),
    )
