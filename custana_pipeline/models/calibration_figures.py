"""Calibration over origins in two figures: reliability curves laid over each other, and totals by tenths."""

from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.models.calibration import calibration_errors, decile_totals, reliability
from custana_pipeline.models.drawing import FAINT, QUIET, Drawing, Words
from custana_pipeline.models.figure_style import ABOVE, BLUE, SEGMENT_COLOURS, in_percent, label_at, note, short


def reliability_figure(frame: pd.DataFrame, name: str) -> Drawing:
    """One line an origin, the newest in front with its 95 % intervals; `frame` is that of models.calibration."""
    errors: Any = calibration_errors(frame)
    curves: Any = reliability(frame)
    worst = f", ECE up to {errors['ece_equal_count'].max():.3f}" if len(errors) else ""
    drawing = Drawing(f"{name}: said and seen by origin{worst}", "said: will buy", "seen: bought")
    if curves.empty:
        note(drawing, "no origin with a known outcome")
        return drawing
    top = float(max(curves["predicted"].max(), curves["upper"].max())) * 1.03
    for axis in (drawing.x, drawing.y):
        axis.limit(0, top)
        axis.told_as = in_percent
    drawing.line([0, top], [0, top], QUIET, width=1, dash=":")
    origins = sorted(curves["origin"].unique())
    for age, origin in enumerate(reversed(origins)):
        own = curves[curves["origin"] == origin]
        colour = SEGMENT_COLOURS[age % len(SEGMENT_COLOURS)]
        if age == 0:
            drawing.uprights(own["predicted"], own["lower"], own["upper"], FAINT)
        drawing.line(own["predicted"], own["observed"], colour, width=2.0 if age == 0 else 1.0)
        drawing.dots(own["predicted"], own["observed"], colour, radius=2.2)
        told = f"{_day(origin)}  ECE {_error_of(errors, origin):.3f}"
        drawing.text_within((0.03, 0.95 - 0.06 * age), told, Words(colour, 9.5, "start", "top"))
    return drawing


def decile_totals_figure(frame: pd.DataFrame, name: str, unit: str) -> Drawing:
    """Foreseen (outlined) and actual (filled) totals of each tenth over all origins; above them foreseen / actual."""
    sums: Any = decile_totals(frame).groupby("decile")[["predicted", "actual"]].sum()
    actual = float(sums["actual"].sum())
    ratio = f": foreseen is {sums['predicted'].sum() / actual:.0%} of the actual" if actual else ""
    drawing = Drawing(f"{name}{ratio}", "customers by score, best tenth first", f"{unit}, all origins")
    if sums.empty:
        note(drawing, "no origin with a known outcome")
        return drawing
    places = sums.index.to_numpy(dtype=float)
    drawing.x.has_grid, drawing.y.room, drawing.y.told_as = False, 0.1, short
    for place, (foreseen, seen) in zip(places, sums.to_numpy(dtype=float), strict=True):
        drawing.tile((place - 0.39, 0.0), (place - 0.01, foreseen), "white", stroke=BLUE, stroke_width=1.2)
        drawing.tile((place + 0.01, 0.0), (place + 0.39, seen), BLUE)
        drawing.text((place, max(foreseen, seen)), f"{foreseen / seen:.0%}" if seen else "–", ABOVE)
    drawing.rule(y=0.0)
    highest = float(sums.to_numpy().max())
    label_at(drawing, (float(np.mean(places)), highest * 0.9), "outlined: foreseen, filled: came", QUIET)
    drawing.x.name(places, [f"{place:.0f}" for place in places])
    return drawing


def _error_of(errors: pd.DataFrame, origin: object) -> float:
    return float(errors.loc[errors["origin"] == origin, "ece_equal_count"].iloc[0])


def _day(origin: object) -> str:
    return str(origin)[:10]
