"""How near the foreseen numbers of one demand model came on the holdout, in two figures."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from custana_pipeline.models.figure_style import BLUE, FAINT, INK, ORANGE, QUIET, label_at, new_figure, short, thousands

GROUPS = 20
UNITS = {"future_purchase": "purchases", "future_amount": "amount"}


def demand_figures(name: str, target: str, holdout: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
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


def _predicted_against_actual(name: str, unit: str, actual: np.ndarray, predicted: np.ndarray) -> Figure:
    groups = _equal_groups(predicted, GROUPS)
    foreseen = np.array([predicted[group].mean() for group in groups])
    seen = np.array([actual[group].mean() for group in groups])
    low, high = (np.array([np.quantile(actual[group], level) for group in groups]) for level in (0.1, 0.9))
    figure, axes = new_figure(f"{name}: foreseen against actual {unit}", f"foreseen {unit}", f"actual {unit}")
    known = np.concatenate([foreseen[foreseen > 0], seen[seen > 0]])
    floor = float(known.min()) / 2 if len(known) else 0.1
    top = float(max(foreseen.max(), high.max(), seen.max(), floor * 10)) * 2.5
    shown = [np.clip(values, floor, None) for values in (foreseen, seen, low, high)]
    axes.loglog([floor, top], [floor, top], color=QUIET, linewidth=1, linestyle=":")
    axes.vlines(shown[0], shown[2], shown[3], color=FAINT, linewidth=5)
    axes.plot(shown[0], shown[1], "o-", color=BLUE, markersize=5, linewidth=1.5)
    axes.set_xlim(floor * 0.8, float(shown[0].max()) * 2.5)
    axes.set_ylim(floor * 0.9, top)
    label_at(axes, (float(shown[0][-1]), float(shown[1][-1])), "mean", BLUE)
    label_at(axes, (float(shown[0][-1]), float(shown[3][-1])), "8 of 10 customers", QUIET, ha="right")
    axes.xaxis.set_major_formatter(thousands())
    axes.yaxis.set_major_formatter(thousands())
    axes.minorticks_off()
    return figure


def _residuals_by_decile(name: str, unit: str, actual: np.ndarray, predicted: np.ndarray) -> Figure:
    groups = _equal_groups(predicted, 10)[::-1]
    totals = np.array([(predicted[group].sum(), actual[group].sum()) for group in groups])
    ratio = predicted.sum() / actual.sum() if actual.sum() else float("nan")
    title = (
        f"{name}: foreseen total is {ratio:.0%} of the actual" if np.isfinite(ratio) else f"{name}: nothing was bought"
    )
    figure, axes = new_figure(
        title, "customers by foreseen demand, best tenth first", f"{unit} in total, foreseen minus actual"
    )
    differences = totals[:, 0] - totals[:, 1]
    places = np.arange(1, len(groups) + 1)
    axes.bar(places, differences, width=0.7, color=np.where(differences >= 0, BLUE, ORANGE))
    axes.axhline(0, color=INK, linewidth=0.8)
    for place, difference, (_, seen) in zip(places, differences, totals, strict=True):
        text = f"{difference / seen:+.0%}" if seen else short(float(difference))
        axes.annotate(
            text, (place, difference), xytext=(0, 3 if difference >= 0 else -3), textcoords="offset points",
            ha="center", va="bottom" if difference >= 0 else "top", fontsize=7.5, color=QUIET,
        )  # fmt: skip
    axes.margins(y=0.12)
    axes.set_xticks(places)
    axes.yaxis.set_major_formatter(thousands())
    axes.grid(visible=False, axis="x")
    return figure
