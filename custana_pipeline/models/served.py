"""Who serves a target tonight: the gate's verdict carried out, by a refit or by the champion so far."""

from dataclasses import replace
from typing import Any

import pandas as pd

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.evaluation import Loss
from custana_pipeline.models.explanations import reference_of
from custana_pipeline.models.judging import (
    LOSS_WORDS,
    Judge,
    best_naive,
    challenger,
    fit_on,
    losses_of,
)
from custana_pipeline.models.level import Level, Levels
from custana_pipeline.models.levelled import LevelledDemand, LevelledProbability
from custana_pipeline.models.promotion import Contender, Verdict, decide
from custana_pipeline.models.readings import Readings, foresee
from custana_pipeline.models.task import LEVELLED, Context, Task, levelled
from custana_pipeline.models.trainable import UsableColumns
from custana_pipeline.models.training import SO_FAR, Champion, Evaluated, Incumbent


def served(
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
            so_far = _judged_incumbent(judge, incumbent, task, context)
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


def _judged_incumbent(judge: Judge, incumbent: Incumbent, task: Task, context: Context) -> Evaluated:
    """The champion so far on the newest window, at the level that was known when it began, as tonight's models are."""
    fold = judge.panel.folds[0]
    levels = context.levels and context.levels.known_on(fold.origin)
    model, _ = _at_level(incumbent.judged, fold.holdout, levels, task)
    newest = Judge(replace(judge.panel, folds=(fold,)), judge.target, judge.metrics)
    return newest.measure([model], SO_FAR, "champion")


def _refitted(
    judge: Judge,
    winner: Evaluated,
    columns: UsableColumns,
    decided: tuple[Verdict, Evaluated],
    task: Task,
    context: Context,
) -> Champion:
    verdict, naive = decided
    shift, level = None, None
    if winner.name == LEVELLED and context.levels is not None:
        inner = fit_on(judge.panel.serving, winner.estimator.model, task.target)
        model, level = levelled(inner, foresee(inner, judge.panel.serving), context.levels, task)
        shift = _shift_of(model)
    else:
        model = fit_on(judge.panel.serving, winner.estimator, task.target)
    serving = task.serving(model, winner)
    return Champion(
        target=task.target,
        name=winner.name,
        estimator=serving,
        columns=columns.names,
        metrics=_with_coverage(winner, serving),
        beats_naive=verdict.beats_naive,
        reason=verdict.reason,
        best_naive=naive.name,
        reference=reference_of(serving, judge.panel.refit, columns.names),
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
    model, level = _at_level(incumbent.serving, judge.panel.today, context.levels, task)
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
        shift=_shift_of(inner_of(model)),
        level=level.words if level else "",
    )


def _at_level(model: Any, rows: pd.DataFrame, levels: Levels | None, task: Task) -> tuple[Any, Level | None]:
    """A levelled model drawn to the level of the rows' day; as it is where it is not levelled, or no level is known."""
    inner = inner_of(model)
    if levels is None or not isinstance(inner, LevelledProbability | LevelledDemand):
        return model, None
    drawn, level = levelled(inner.model_, foresee(inner.model_, Readings(rows)), levels, task)
    return (moved_to(model, _shift_of(drawn)), level) if level else (model, None)


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


def _with_coverage(winner: Evaluated, serving: Any) -> dict[str, float]:
    interval = getattr(serving, "interval", None)
    if interval is None or winner.target != "future_amount":
        return winner.metrics
    return winner.metrics | {"holdout_interval_coverage": interval.measured_on_newest(winner.backtest)}
