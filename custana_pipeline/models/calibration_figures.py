"""Calibration over origins in two figures: reliability curves laid over each other, and totals by tenths."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from custana_pipeline.models.calibration import calibration_errors, decile_totals, reliability
from custana_pipeline.models.figure_style import (
    BLUE,
    FAINT,
    INK,
    QUIET,
    SEGMENT_COLOURS,
    in_percent,
    label_at,
    new_figure,
    note,
    thousands,
)


def reliability_figure(frame: pd.DataFrame, name: str) -> Figure:
    """One line an origin, the newest in front with its 95 % intervals; `frame` is that of models.calibration."""
    errors: Any = calibration_errors(frame)
    curves: Any = reliability(frame)
    worst = f", ECE up to {errors['ece_equal_count'].max():.3f}" if len(errors) else ""
    figure, axes = new_figure(f"{name}: said and seen by origin{worst}", "said: will buy", "seen: bought")
    if curves.empty:
        note(axes, "no origin with a known outcome")
        return figure
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":")
    origins = sorted(curves["origin"].unique())
    for age, origin in enumerate(reversed(origins)):
        own = curves[curves["origin"] == origin]
        colour = SEGMENT_COLOURS[age % len(SEGMENT_COLOURS)]
        if age == 0:
            axes.vlines(own["predicted"], own["lower"], own["upper"], color=FAINT, linewidth=4)
        axes.plot(own["predicted"], own["observed"], "o-", color=colour, markersize=4, linewidth=2.0 if age == 0 else 1)
        axes.text(
            0.03, 0.95 - 0.06 * age, f"{_day(origin)}  ECE {_error_of(errors, origin):.3f}", color=colour,
            transform=axes.transAxes, fontsize=8.5, va="top",
        )  # fmt: skip
    top = float(max(curves["predicted"].max(), curves["upper"].max())) * 1.03
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    in_percent(axes.xaxis.set_major_formatter, axes.yaxis.set_major_formatter)
    return figure


def decile_totals_figure(frame: pd.DataFrame, name: str, unit: str) -> Figure:
    """Foreseen (outlined) and actual (filled) totals of each tenth over all origins; above them foreseen / actual."""
    sums: Any = decile_totals(frame).groupby("decile")[["predicted", "actual"]].sum()
    actual = float(sums["actual"].sum())
    ratio = f": foreseen is {sums['predicted'].sum() / actual:.0%} of the actual" if actual else ""
    figure, axes = new_figure(f"{name}{ratio}", "customers by score, best tenth first", f"{unit}, all origins")
    if sums.empty:
        note(axes, "no origin with a known outcome")
        return figure
    places = sums.index.to_numpy(dtype=float)
    axes.bar(places - 0.2, sums["predicted"], width=0.38, facecolor="white", edgecolor=BLUE, linewidth=1.2)
    axes.bar(places + 0.2, sums["actual"], width=0.38, color=BLUE)
    for place, (foreseen, seen) in zip(places, sums.to_numpy(dtype=float), strict=True):
        text = f"{foreseen / seen:.0%}" if seen else "–"
        axes.annotate(
            text, (place, max(foreseen, seen)), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=7.5,
            color=QUIET,
        )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.8)
    label_at(
        axes, (float(np.mean(places)), float(sums.to_numpy().max()) * 0.9), "outlined: foreseen, filled: came", QUIET
    )
    axes.set_xticks(places)
    axes.yaxis.set_major_formatter(thousands())
    axes.grid(visible=False, axis="x")
    return figure


def _error_of(errors: pd.DataFrame, origin: object) -> float:
    return float(errors.loc[errors["origin"] == origin, "ece_equal_count"].iloc[0])


def _day(origin: object) -> str:
    return str(origin)[:10]
