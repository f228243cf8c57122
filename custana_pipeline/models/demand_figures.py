"""How near the foreseen numbers of one demand model came on the holdout, in two figures."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from custana_pipeline.models.drawing import FAINT, QUIET, Drawing
from custana_pipeline.models.figure_style import ABOVE, BELOW, BLUE, ORANGE, label_at, short

GROUPS = 20
UNITS = {"future_purchase": "purchases", "future_amount": "amount"}


def demand_figures(name: str, target: str, holdout: pd.DataFrame) -> dict[str, Callable[[], Drawing]]:
    """What draws predicted_against_actual and residuals_by_decile."""
    actual = holdout["actual"].to_numpy(dtype=float)
    predicted = np.clip(holdout["predicted"].to_numpy(dtype=float), 0.0, None)
    unit = UNITS.get(target, target)
    return {
        "predicted_against_actual": partial(_predicted_against_actual, name, unit, actual, predicted),
        "residuals_by_decile": partial(_residuals_by_decile, name, unit, actual, predicted),
    }


def _equal_groups(predicted: np.ndarray, count: int) -> list[np.ndarray]:
    """Positions in groups of rising prediction; equal predictions stay together, so that there may be fewer groups."""
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, count + 1)[1:-1]))
    groups = np.searchsorted(edges, predicted, side="left")
    return [np.flatnonzero(groups == group) for group in np.unique(groups)]


def _predicted_against_actual(name: str, unit: str, actual: np.ndarray, predicted: np.ndarray) -> Drawing:
    groups = _equal_groups(predicted, GROUPS)
    foreseen = np.array([predicted[group].mean() for group in groups])
    seen = np.array([actual[group].mean() for group in groups])
    low, high = (np.array([np.quantile(actual[group], level) for group in groups]) for level in (0.1, 0.9))
    drawing = Drawing(f"{name}: foreseen against actual {unit}", f"foreseen {unit}", f"actual {unit}")
    known = np.concatenate([foreseen[foreseen > 0], seen[seen > 0]])
    floor = float(known.min()) / 2 if len(known) else 0.1
    top = float(max(foreseen.max(), high.max(), seen.max(), floor * 10)) * 2.5
    shown = [np.clip(values, floor, None) for values in (foreseen, seen, low, high)]
    drawing.x.limit(floor * 0.8, float(shown[0].max()) * 2.5)
    drawing.y.limit(floor * 0.9, top)
    for axis in (drawing.x, drawing.y):
        axis.is_log, axis.told_as = True, short
    end = min(top, float(drawing.x.limits()[1]))
    drawing.line([floor, end], [floor, end], QUIET, width=1, dash=":")
    drawing.uprights(shown[0], shown[2], shown[3], FAINT, width=5)
    drawing.line(shown[0], shown[1], BLUE, width=1.5)
    drawing.dots(shown[0], shown[1], BLUE)
    label_at(drawing, (float(shown[0][-1]), float(shown[1][-1])), "mean", BLUE)
    label_at(drawing, (float(shown[0][-1]), float(shown[3][-1])), "8 of 10 customers", QUIET, ha="end")
    return drawing


def _residuals_by_decile(name: str, unit: str, actual: np.ndarray, predicted: np.ndarray) -> Drawing:
    groups = _equal_groups(predicted, 10)[::-1]
    totals = np.array([(predicted[group].sum(), actual[group].sum()) for group in groups])
    ratio = predicted.sum() / actual.sum() if actual.sum() else float("nan")
    title = (
        f"{name}: foreseen total is {ratio:.0%} of the actual" if np.isfinite(ratio) else f"{name}: nothing was bought"
    )
    drawing = Drawing(
        title, "customers by foreseen demand, best tenth first", f"{unit} in total, foreseen minus actual"
    )
    differences = totals[:, 0] - totals[:, 1]
    places = np.arange(1, len(groups) + 1)
    drawing.x.has_grid, drawing.y.room, drawing.y.told_as = False, 0.12, short
    for place, difference, (_, seen) in zip(places, differences, totals, strict=True):
        drawing.tile((place - 0.35, 0.0), (place + 0.35, difference), BLUE if difference >= 0 else ORANGE)
        text = f"{difference / seen:+.0%}" if seen else short(float(difference))
        drawing.text((float(place), float(difference)), text, ABOVE if difference >= 0 else BELOW)
    drawing.rule(y=0.0)
    drawing.x.name(places, [str(place) for place in places])
    return drawing
