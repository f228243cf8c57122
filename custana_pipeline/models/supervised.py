"""The training of one target: backtest, challenger, gate, refit; what behavior and demand have in common."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.models.at_once import at_once
from custana_pipeline.models.blend import MeanOfLogits, MeanOfModels
from custana_pipeline.models.explanations import reference_of
from custana_pipeline.models.judging import Judge, evaluate_all, fit, forecasts_of
from custana_pipeline.models.leakage import leaked_features, why_leaked
from custana_pipeline.models.panel import OriginsLike, Panel, split_by_origin
from custana_pipeline.models.served import served
from custana_pipeline.models.task import LEVELLED, Context, Task, levelled
from custana_pipeline.models.trainable import (
    LEAST_CUSTOMERS,
    UsableColumns,
    is_history_too_short,
    usable_columns,
    why_not_trainable,
)
from custana_pipeline.models.training import Champion, Evaluated, Role, Training, leaked, not_trainable

BLEND = "blend"
BTYD_RULE = "bg_nbd"
UNJUDGED = (
    "UNJUDGED: no past window of the whole horizon has a history of enough customers before it, so that nothing can be "
    "learned from outcomes or judged; {rule}, which needs histories only, serves."
)


@dataclass(frozen=True)
class _Judged:
    """The rules and candidates of one target on its folds, before the gate."""

    judge: Judge
    columns: UsableColumns
    task: Task
    evidence: dict[str, Any]
    evaluated: tuple[Evaluated, ...] = ()


def train_target(
    snapshots: pd.DataFrame, origins: OriginsLike, task: Task, settings: dict[str, Any], context: Context
) -> Training:
    """Backtests every rule and candidate, chooses the challenger on the earlier origins, and lets the gate decide."""
    return train_targets(snapshots, origins, [task], settings, context)[0]


def train_targets(
    snapshots: pd.DataFrame, origins: OriginsLike, tasks: Sequence[Task], settings: dict[str, Any], context: Context
) -> list[Training]:
    """The same for several targets of the same limits; where their outcomes are known of the same rows, these are
    encoded once."""
    panels = {tasks[0].target: _panel(snapshots, origins, tasks[0])}
    known = snapshots[tasks[0].target].notna()
    for task in tasks[1:]:
        is_alike = task.target in snapshots and snapshots[task.target].notna().equals(known)
        same = panels[tasks[0].target] if is_alike else None
        panels[task.target] = same or _panel(snapshots, origins, task)
    evidence = {"settings": settings}
    ready = at_once(lambda task: _ready(panels[task.target], task, evidence), tasks)
    judged = _judged(ready, context)
    for panel in panels.values():
        for fold in panel.folds:
            fold.forget()
    return at_once(lambda each: each if isinstance(each, Training) else _trained(each, context), judged)


def _panel(snapshots: pd.DataFrame, origins: OriginsLike, task: Task) -> Panel:
    return split_by_origin(snapshots, origins, task.target, task.limits, task.half_life_days)


def _ready(panel: Panel, task: Task, settings: dict[str, Any]) -> "_Judged | Training":
    """What is to be judged, before it is; the Training itself where there is nothing to be judged."""
    evidence: dict[str, Any] = settings | {"row_counts": panel.row_counts}
    reason = why_not_trainable(panel.training, panel.holdout, task.target)
    if reason:
        is_too_early = not panel.folds or is_history_too_short(panel.training, panel.holdout, task.target)
        serving = _unjudged(panel, task, settings) if is_too_early else None
        return serving or not_trainable(task.analysis, reason, **evidence)
    columns = usable_columns(panel.training)
    leaks = leaked_features(panel.holdout, columns.names, task.target)
    if leaks:
        return leaked(task.analysis, why_leaked(leaks, task.target), dropped_columns=columns.dropped, **evidence)
    panel = _judgeable(panel, task.target)
    evidence["row_counts"] = panel.row_counts
    return _Judged(Judge(panel, task.target, task.metrics), columns, task, evidence)


def _judged(ready: Sequence[_Judged | Training], context: Context) -> list[_Judged | Training]:
    """The same with the candidates judged on the folds, those of all targets together."""
    asked = [each for each in ready if isinstance(each, _Judged)]
    evaluated = evaluate_all([(each.judge, _tried(each)) for each in asked])
    told = at_once(lambda each: _with_blends(*each, context), zip(asked, evaluated, strict=True))
    done = iter(told)
    return [each if isinstance(each, Training) else next(done) for each in ready]


def _trained(judged: _Judged, context: Context) -> Training:
    task, columns = judged.task, judged.columns
    champion, so_far = served(judged.judge, judged.evaluated, columns, task, context)
    tried = (*judged.evaluated, *so_far)
    told = {task.target: champion}
    return Training(task.analysis, "TRAINED", champion.reason, tried, told, columns.dropped, **judged.evidence)


def _judgeable(panel: Panel, target: str) -> Panel:
    """The panel with those folds only that have enough customers and outcomes to learn from and to judge on."""
    folds = [fold for fold in panel.folds if why_not_trainable(fold.training, fold.holdout, target) is None]
    return replace(panel, folds=tuple(folds))


def _tried(ready: _Judged) -> dict[str, tuple[Any, Role]]:
    rules = ready.task.rules(ready.columns.names)
    candidates = ready.task.candidates(ready.columns, len(ready.judge.panel.training))
    named: dict[str, tuple[Any, Role]] = {name: (rule, "baseline") for name, rule in rules.items()}
    named.update({name: (model, "candidate") for name, model in candidates.items()})
    return named


def _with_blends(ready: _Judged, evaluated: Sequence[Evaluated], context: Context) -> _Judged:
    """With what was evaluated, and with the mean of some of it, at its own level and at that of the day."""
    return replace(ready, evaluated=(*evaluated, *_blends(ready.judge, evaluated, ready.task, context)))


def _blends(judge: Judge, evaluated: Sequence[Evaluated], task: Task, context: Context) -> tuple[Evaluated, ...]:
    members = [
        each
        for role in ("candidate", "baseline")
        for each in evaluated
        if each.role == role and each.name in task.blended
    ]
    if len(members) < 2:
        return ()
    weights = [task.blended[each.name] for each in members]
    kind = MeanOfLogits if task.target == "is_recommended" else MeanOfModels
    blends = [kind.of_fitted(list(fitted), weights) for fitted in zip(*(each.fitted for each in members), strict=True)]
    parts = zip(*(forecasts_of(each) for each in members), strict=True)
    forecasts = [blend.blended(part) for blend, part in zip(blends, parts, strict=True)]
    blend = judge.measure(blends, BLEND, "candidate", forecasts)
    if context.levels is None:
        return (blend,)
    days = [context.levels.known_on(fold.origin) for fold in judge.panel.folds]
    drawn = [levelled(*each, task)[0] for each in zip(blends, forecasts, days, strict=True)]
    foreseen = [model.levelled(each) for model, each in zip(drawn, forecasts, strict=True)]
    return (blend, judge.measure(drawn, LEVELLED, "candidate", foreseen))


def _unjudged(panel: Panel, task: Task, settings: dict[str, Any]) -> Training | None:
    """A rule that needs no outcomes serves tonight's customers; None where it cannot."""
    customers = len(panel.today)
    columns = usable_columns(panel.today) if customers else UsableColumns((), (), {})
    rule = task.rules(columns.names).get(BTYD_RULE)
    if rule is None or customers < LEAST_CUSTOMERS:
        return None
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
    evidence = settings | {"row_counts": replace(panel, folds=()).row_counts}
    return Training(task.analysis, "UNJUDGED", told, (), {task.target: champion}, columns.dropped, **evidence)


def _unseen(task: Task) -> Evaluated:
    nothing = pd.DataFrame({"origin": [], "actual": [], "predicted": []})
    return Evaluated(BTYD_RULE, "baseline", task.target, {}, {}, None, nothing, backtest=nothing)
