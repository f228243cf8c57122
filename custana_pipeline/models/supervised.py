"""The training of one target: backtest, challenger, gate, refit; what behavior and demand have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.blend import MeanOfLogits, MeanOfModels
from custana_pipeline.models.evaluation import Loss
from custana_pipeline.models.explanations import reference_of
from custana_pipeline.models.judging import (
    LOSS_WORDS,
    Judge,
    best_naive,
    challenger,
    fit,
    forecasts_of,
    losses_of,
    predict,
)
from custana_pipeline.models.leakage import leaked_features, why_leaked
from custana_pipeline.models.level import Level, Levels, Measure
from custana_pipeline.models.levelled import LevelledDemand, LevelledProbability, factor_of, shift_of
from custana_pipeline.models.panel import OriginsLike, Panel, split_by_origin
from custana_pipeline.models.promotion import Contender, GateSettings, Verdict, decide
from custana_pipeline.models.trainable import UsableColumns, usable_columns, why_not_trainable
from custana_pipeline.models.training import Champion, Evaluated, Incumbent, Training, leaked, not_trainable

BLEND = "blend"
LEVELLED = "levelled_blend"
SO_FAR = "champion_so_far"
BTYD_RULE = "bg_nbd"
UNJUDGED = (
    "UNJUDGED: no past window of the whole horizon has a history before it, so that nothing can be learned from "
    "outcomes or judged; {rule}, which needs histories only, serves."
)


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
    row_limit: int
    gate: GateSettings
    serving: Callable[[Any, Evaluated], Any] = lambda estimator, _: estimator
    """Wraps the estimator that serves, given what was judged."""
    is_eligible: Callable[[Evaluated], bool] = lambda _: True


@dataclass(frozen=True)
class Context:
    """What is known besides the snapshots: the shop's level on past days, and the champion so far."""

    levels: Levels | None = None
    incumbents: Mapping[str, Incumbent] = field(default_factory=dict)


def train_target(
    snapshots: pd.DataFrame, origins: OriginsLike, task: Task, settings: dict[str, Any], context: Context
) -> Training:
    """Backtests every rule and candidate, chooses the challenger on the earlier origins, and lets the gate decide."""
    panel = split_by_origin(snapshots, origins, task.target, task.row_limit)
    evidence: dict[str, Any] = {"settings": settings, "row_counts": panel.row_counts}
    if not panel.folds:
        return _unjudged(panel, task, evidence)
    reason = why_not_trainable(panel.training, panel.holdout, task.target)
    if reason:
        return not_trainable(task.analysis, reason, **evidence)
    columns = usable_columns(panel.training)
    leaks = leaked_features(panel.holdout, columns.names, task.target)
    if leaks:
        return leaked(task.analysis, why_leaked(leaks, task.target), dropped_columns=columns.dropped, **evidence)
    panel = _judgeable(panel, task.target)
    evidence["row_counts"] = panel.row_counts
    judge = Judge(panel, task.target, task.metrics, task.half_life_days)
    evaluated = _evaluate_all(judge, columns, task, context)
    champion, so_far = _served(judge, evaluated, columns, task, context)
    tried = (*evaluated, *so_far)
    told = {task.target: champion}
    return Training(task.analysis, "TRAINED", champion.reason, tried, told, columns.dropped, **evidence)


def _judgeable(panel: Panel, target: str) -> Panel:
    """The panel with those folds only that have enough customers and outcomes to learn from and to judge on."""
    folds = [fold for fold in panel.folds if why_not_trainable(fold.training, fold.holdout, target) is None]
    return replace(panel, folds=tuple(folds))


def _evaluate_all(judge: Judge, columns: UsableColumns, task: Task, context: Context) -> tuple[Evaluated, ...]:
    rules = task.rules(columns.names)
    tried = task.candidates(columns, len(judge.panel.training))
    baselines = [judge.evaluate(rule, name, "baseline") for name, rule in rules.items()]
    models = [judge.evaluate(model, name, "candidate") for name, model in tried.items()]
    members = [each for each in (*models, *baselines) if each.name in task.blended]
    if len(members) < 2:
        return (*baselines, *models)
    weights = [task.blended[each.name] for each in members]
    kind = MeanOfLogits if task.target == "is_recommended" else MeanOfModels
    blends = [kind.of_fitted(list(fitted), weights) for fitted in zip(*(each.fitted for each in members), strict=True)]
    parts = zip(*(forecasts_of(each) for each in members), strict=True)
    forecasts = [blend.blended(part) for blend, part in zip(blends, parts, strict=True)]
    blend = judge.measure(blends, BLEND, "candidate", forecasts)
    if context.levels is None:
        return (*baselines, *models, blend)
    days = [context.levels.known_on(fold.origin) for fold in judge.panel.folds]
    levelled = [_levelled(*each, task)[0] for each in zip(blends, forecasts, days, strict=True)]
    foreseen = [model.levelled(each) for model, each in zip(levelled, forecasts, strict=True)]
    return (*baselines, *models, blend, judge.measure(levelled, LEVELLED, "candidate", foreseen))


def _levelled(model: Any, forecast: np.ndarray, levels: Levels, task: Task) -> tuple[Any, Level | None]:
    """The fitted model drawn to the level of the day, given its forecast for all customers of that day."""
    level = levels.level(task.measure, float(forecast.sum())) if len(forecast) else None
    if task.target == "is_recommended":
        return LevelledProbability.of_fitted(model, shift_of(forecast, level)), level
    return LevelledDemand.of_fitted(model, factor_of(forecast, level)), level


def _served(
    judge: Judge, evaluated: tuple[Evaluated, ...], columns: UsableColumns, task: Task, context: Context
) -> tuple[Champion, tuple[Evaluated, ...]]:
    """The champion of tonight, and what the champion so far was measured at on the same customers, if there is one."""
    naive = best_naive(evaluated, task.loss)
    eligible = [each for each in evaluated if each.role == "baseline" or task.is_eligible(each)]
    best = challenger(eligible, task.loss) if any(each.role == "candidate" for each in eligible) else None
    incumbent, note = context.incumbents.get(task.target), ""
    so_far = None
    if incumbent is not None:
        try:
            so_far = _judged_incumbent(judge, incumbent)
        except ContractBroken as error:
            note = f" The champion so far cannot be judged: {error}"
    verdict = decide(
        None if best is None else Contender(best.name, losses_of(best, task.loss), best.name),
        Contender(naive.name, losses_of(naive, task.loss)),
        _standing(incumbent, so_far, task.loss),
        LOSS_WORDS[task.loss],
        task.gate,
    )
    verdict = replace(verdict, reason=verdict.reason + note)
    told = () if so_far is None else (so_far,)
    if verdict.serves == "champion" and incumbent is not None and so_far is not None:
        return _kept(judge, incumbent, so_far, (verdict, naive), task, context), told
    winner = best if verdict.serves == "challenger" and best is not None else naive
    return _refitted(judge, winner, columns, (verdict, naive), task, context), told


def _standing(incumbent: Incumbent | None, so_far: Evaluated | None, loss: Loss) -> Contender | None:
    if incumbent is None or so_far is None:
        return None
    return Contender(f"{incumbent.name} of {incumbent.as_of}", losses_of(so_far, loss), incumbent.name)


def _judged_incumbent(judge: Judge, incumbent: Incumbent) -> Evaluated:
    newest = Judge(replace(judge.panel, folds=judge.panel.folds[:1]), judge.target, judge.metrics)
    return newest.measure([incumbent.judged], SO_FAR, "champion")


def _refitted(
    judge: Judge,
    winner: Evaluated,
    columns: UsableColumns,
    decided: tuple[Verdict, Evaluated],
    task: Task,
    context: Context,
) -> Champion:
    verdict, naive = decided
    rows = judge.panel.refit
    shift, level = None, None
    if winner.name == LEVELLED and context.levels is not None:
        inner = fit(winner.estimator.model, rows, task.target, task.half_life_days)
        model, level = _levelled(inner, predict(inner, judge.panel.today), context.levels, task)
        shift = _shift_of(model)
    else:
        model = fit(winner.estimator, rows, task.target, task.half_life_days)
    served = task.serving(model, winner)
    return Champion(
        target=task.target,
        name=winner.name,
        estimator=served,
        columns=columns.names,
        metrics=_with_coverage(winner, served),
        beats_naive=verdict.beats_naive,
        reason=verdict.reason,
        best_naive=naive.name,
        reference=reference_of(served, rows, columns.names),
        is_promoted=verdict.is_promoted,
        figures=verdict.figures,
        shift=shift,
        level=level.words if level else "",
    )


def _kept(
    judge: Judge,
    incumbent: Incumbent,
    so_far: Evaluated,
    decided: tuple[Verdict, Evaluated],
    task: Task,
    context: Context,
) -> Champion:
    verdict, naive = decided
    model, level = incumbent.serving, None
    if isinstance(inner_of(model), LevelledProbability | LevelledDemand) and context.levels is not None:
        inner = inner_of(model).model_
        levelled, level = _levelled(inner, predict(inner, judge.panel.today), context.levels, task)
        model = moved_to(model, _shift_of(levelled))
    return Champion(
        target=task.target,
        name=incumbent.name,
        estimator=model,
        columns=incumbent.columns,
        metrics=so_far.metrics,
        beats_naive=verdict.beats_naive,
        reason=verdict.reason,
        best_naive=naive.name,
        reference=incumbent.reference,
        is_promoted=False,
        figures=verdict.figures,
        kept_version=incumbent.model_version,
        shift=_shift_of(inner_of(model)) if level else None,
        level=level.words if level else "",
    )


def _shift_of(model: Any) -> float | None:
    return getattr(model, "shift", getattr(model, "factor", None))


def inner_of(estimator: Any) -> Any:
    """The model within what serves demand; any other estimator is itself."""
    return getattr(estimator, "model", estimator) if hasattr(estimator, "interval") else estimator


def moved_to(estimator: Any, shift: float | None) -> Any:
    """The same fitted estimator at another level; as it is where it is not levelled or no shift is given."""
    inner = inner_of(estimator)
    if shift is None or not isinstance(inner, LevelledProbability | LevelledDemand):
        return estimator
    moved = type(inner).of_fitted(inner.model_, shift)
    return type(estimator)(moved, estimator.interval) if hasattr(estimator, "interval") else moved


def _with_coverage(winner: Evaluated, served: Any) -> dict[str, float]:
    interval = getattr(served, "interval", None)
    if interval is None or winner.target != "future_amount":
        return winner.metrics
    return winner.metrics | {"holdout_interval_coverage": interval.measured_on_newest(winner.backtest)}


def _unjudged(panel: Panel, task: Task, evidence: dict[str, Any]) -> Training:
    """A rule that needs no outcomes serves tonight's customers, or nothing does."""
    customers = len(panel.today)
    columns = usable_columns(panel.today) if customers else UsableColumns((), (), {})
    rule = task.rules(columns.names).get(BTYD_RULE)
    reason = why_not_trainable(panel.training, panel.holdout, task.target) or "There is no customer."
    if rule is None or customers < 50:
        return not_trainable(task.analysis, reason, **evidence)
    fitted = fit(rule, panel.today.assign(**{task.target: np.zeros(customers)}), task.target)
    told = UNJUDGED.format(rule=BTYD_RULE)
    champion = Champion(
        target=task.target,
        name=BTYD_RULE,
        estimator=task.serving(fitted, _unseen(task)),
        columns=columns.names,
        metrics={},
        beats_naive=False,
        reason=told,
        best_naive=BTYD_RULE,
        reference=reference_of(fitted, panel.today, columns.names),
        is_promoted=False,
    )
    return Training(task.analysis, "UNJUDGED", told, (), {task.target: champion}, columns.dropped, **evidence)


def _unseen(task: Task) -> Evaluated:
    nothing = pd.DataFrame({"origin": [], "actual": [], "predicted": []})
    return Evaluated(BTYD_RULE, "baseline", task.target, {}, {}, None, nothing, backtest=nothing)
