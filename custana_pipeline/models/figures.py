"""Named figures of what was measured: per candidate from its holdout frame, and all candidates beside each other."""

from collections.abc import Callable, Iterable

import numpy as np

from custana_pipeline.models.behavior_figures import behavior_figures
from custana_pipeline.models.calibration_figures import decile_totals_figure, reliability_figure
from custana_pipeline.models.demand_figures import UNITS, demand_figures
from custana_pipeline.models.drawing import FAINT, INK, QUIET, Drawing
from custana_pipeline.models.figure_style import BESIDE, BLUE, NAMES_LEFT
from custana_pipeline.models.segment_figures import segment_figures
from custana_pipeline.models.training import Champion, Evaluated, Training

COMPARED = {
    "is_recommended": ("holdout_log_loss", "log loss on the holdout, less is better", False),
    "future_purchase": ("holdout_rmse", "root mean squared error on the holdout, less is better", False),
    "future_amount": ("holdout_mae", "mean absolute error on the holdout, less is better", False),
    "segment": ("silhouette", "silhouette in the segment space, more is better", True),
}
"""Target -> the metric that candidates are compared by, its words, and whether more is better."""
_DASHES = {"candidate": "-", "baseline": "--", "champion": ":"}
TELLING = {"behavior": "calibration", "demand": "predicted_against_actual", "segmentation": "segment_profiles"}
"""Analysis -> the one figure that tells most of its champion."""


def figures_of(evaluated: Evaluated, analysis: str, *, only_telling: bool = False) -> dict[str, Drawing]:
    """The figures of one candidate or baseline, by file name, or the TELLING one; none where its rows do not allow any.

    Behavior has roc, precision_recall, gains_and_lift, calibration, confusion; demand has predicted_against_actual and
    residuals_by_decile; segmentation has segment_profiles and silhouettes.
    """
    wanted = TELLING[analysis] if only_telling else None
    drawings = _drawings(evaluated, analysis)
    return {figure: draw() for figure, draw in drawings.items() if wanted in (None, figure)}


def _drawings(evaluated: Evaluated, analysis: str) -> dict[str, Callable[[], Drawing]]:
    holdout = evaluated.holdout
    name = evaluated.name.replace("_", " ")
    if holdout.empty:
        return {}
    if analysis == "segmentation":
        return segment_figures(name, holdout)
    if analysis == "demand":
        return demand_figures(name, evaluated.target, holdout)
    return behavior_figures(name, holdout) if len(set(holdout["actual"])) == 2 else {}


def comparisons(training: Training) -> dict[str, Drawing]:
    """One figure a target, `comparison_<target>`; none where nothing was trained."""
    return {
        f"comparison_{target}": comparison(training.evaluated, target, training.judged_as(target))
        for target in training.champions
    }


def over_origins(training: Training) -> dict[str, Drawing]:
    """One figure a target, `over_origins_<target>`: its metric at every origin of the backtest."""
    drawn = {}
    for target in training.champions:
        judged = [each for each in training.evaluated_for(target) if len(each.by_origin) > 1]
        if judged:
            drawn[f"over_origins_{target}"] = _over_origins(judged, target, training.champions[target])
    return drawn


def calibrations(training: Training) -> dict[str, Drawing]:
    """Of what serves each target, over all origins: `reliability_<target>` for buyers, `totals_<target>` by tenths."""
    drawn = {}
    for target, champion in training.champions.items():
        for each in training.evaluated_for(target):
            if each.name != training.judged_as(target) or each.backtest.empty:
                continue
            name = champion.name.replace("_", " ")
            if target == "is_recommended":
                drawn[f"reliability_{target}"] = reliability_figure(each.backtest, name)
            drawn[f"totals_{target}"] = decile_totals_figure(each.backtest, name, UNITS.get(target, "buyers"))
    return drawn


def _over_origins(judged: list[Evaluated], target: str, champion: Champion) -> Drawing:
    """What serves in blue, the best naive rule in dark dashes; whoever is far worse than both leaves the picture."""
    metric, words, _ = COMPARED[target]
    name = metric.removeprefix("holdout_")
    shown, rule = (each.replace("_", " ") for each in (champion.name, champion.best_naive))
    title = f"{shown} (blue); naive rules dashed, {rule} dark"
    drawing = Drawing(title, "day that was foreseen from", words.replace(" on the holdout", ""))
    days = sorted({str(day) for each in judged for day in each.by_origin["origin"]})
    for each in sorted(judged, key=lambda one: one.name == champion.name):
        rows = each.by_origin.sort_values("origin")
        serves, is_rule = each.name == champion.name, each.name == champion.best_naive
        colour = BLUE if serves else INK if is_rule else QUIET if each.role == "candidate" else FAINT
        places, values = [days.index(str(day)) for day in rows["origin"]], rows[name].to_numpy(dtype=float)
        drawing.line(places, values, colour, width=2.4 if serves else 1.1, dash=_DASHES[each.role])
        if serves:
            drawing.dots(places, values, colour)
    drawing.x.name(range(len(days)), days)
    kept = [each.by_origin[name].to_numpy() for each in judged if each.name in (champion.name, champion.best_naive)]
    if kept:
        drawing.y.high = 1.15 * float(np.max(np.concatenate(kept)))
    return drawing


def champion_figures(training: Training) -> dict[str, Drawing]:
    """The telling figure of each target's champion, `<target>_<figure>`."""
    return {
        f"{target}_{name}": figure
        for target in training.champions
        for each in training.evaluated_for(target)
        if each.name == training.judged_as(target)
        for name, figure in figures_of(each, training.analysis, only_telling=True).items()
    }


def comparison(evaluated: Iterable[Evaluated], target: str, champion: str = "") -> Drawing:
    """Bars of all candidates (blue) and naive baselines (grey) of one target, best on top; the champion `serves`."""
    metric, words, more_is_better = COMPARED[target]
    measured = [each for each in evaluated if each.target == target and metric in each.metrics]
    measured.sort(key=lambda each: each.metrics[metric], reverse=not more_is_better)
    candidates = [each for each in measured if each.role == "candidate"]
    baselines = [each for each in measured if each.role == "baseline"]
    verdict = _verdict(candidates, baselines, metric, more_is_better)
    drawing = Drawing(verdict, words, margins={"left": NAMES_LEFT})
    for place, each in enumerate(measured):
        value = each.metrics[metric]
        colour = BLUE if each.role == "candidate" else QUIET
        drawing.tile((0.0, place - 0.32), (value, place + 0.32), colour)
        told = _number(value) + (", serves" if each.name == champion else "")
        drawing.text((max(value, 0.0), place), told, BESIDE)
    drawing.y.name(range(len(measured)), [each.name.replace("_", " ") for each in measured])
    drawing.x.low = min([0.0, *(each.metrics[metric] for each in measured)])
    drawing.x.room, drawing.y.has_grid = 0.25, False
    return drawing


def _number(value: float) -> str:
    return f"{value:#.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _verdict(candidates: list[Evaluated], baselines: list[Evaluated], metric: str, more_is_better: bool) -> str:
    if not candidates or not baselines:
        return "Candidates beside naive baselines"
    best, naive = candidates[-1].metrics[metric], baselines[-1].metrics[metric]
    wins = best > naive if more_is_better else best < naive
    side = "better" if wins else "no better"
    return f"{candidates[-1].name.replace('_', ' ')} is {side} than the best naive (grey)"
