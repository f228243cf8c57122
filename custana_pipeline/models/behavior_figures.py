"""What the probabilities of one behavior model are worth on the holdout, in five figures."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from custana_pipeline.models.figure_style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    QUIET,
    in_percent,
    label_at,
    new_figure,
)

BINS = 10
THRESHOLD = 0.5


def behavior_figures(name: str, holdout: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
    """What draws roc, precision_recall, gains_and_lift, calibration and confusion; both classes must be there."""
    bought = holdout["actual"].to_numpy(dtype=float) > 0
    probability = holdout["predicted"].to_numpy(dtype=float)
    drawn = {
        "roc": _roc,
        "precision_recall": _precision_recall,
        "gains_and_lift": _gains_and_lift,
        "calibration": _calibration,
        "confusion": _confusion,
    }
    return {figure: partial(draw, name, bought, probability) for figure, draw in drawn.items()}


def _roc(name: str, bought: np.ndarray, probability: np.ndarray) -> Figure:
    from sklearn.metrics import roc_auc_score, roc_curve

    others, buyers, _ = roc_curve(bought, probability)
    area = roc_auc_score(bought, probability)
    figure, axes = new_figure(f"{name}: told apart, AUC {area:.3f}", "other customers listed", "buyers found")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":")
    axes.plot(others, buyers, color=BLUE, linewidth=2)
    label_at(axes, (0.55, 0.55), "by chance", QUIET, va="top")
    label_at(axes, (0.3, float(np.interp(0.3, others, buyers))), name, BLUE, ha="right")
    in_percent(axes.xaxis.set_major_formatter, axes.yaxis.set_major_formatter)
    return figure


def _precision_recall(name: str, bought: np.ndarray, probability: np.ndarray) -> Figure:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(bought, probability, drop_intermediate=True)
    area, base = average_precision_score(bought, probability), float(bought.mean())
    figure, axes = new_figure(
        f"{name}: average precision {area:.3f}", "buyers found (recall)", "buyers in the list (precision)"
    )
    axes.axhline(base, color=QUIET, linewidth=1, linestyle=":")
    only = "o" if len(recall) == 2 else None
    axes.plot(recall[:-1], precision[:-1], color=BLUE, linewidth=2, marker=only)
    label_at(axes, (1.0, base), f"everybody: {base:.0%}", QUIET, ha="right", va="top")
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, 1.02)
    in_percent(axes.xaxis.set_major_formatter, axes.yaxis.set_major_formatter)
    return figure


def cumulative_gains(bought: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of customers listed and share of buyers found, best first; customers of equal score are listed together.

    >>> cumulative_gains(np.array([1, 0, 0, 1]), np.array([0.9, 0.2, 0.2, 0.2]))
    (array([0.  , 0.25, 1.  ]), array([0. , 0.5, 1. ]))
    """
    _, groups, sizes = np.unique(-probability, return_inverse=True, return_counts=True)
    found = np.bincount(groups, weights=bought.astype(float))
    listed = np.concatenate([[0.0], np.cumsum(sizes) / len(bought)])
    return listed, np.concatenate([[0.0], np.cumsum(found) / max(found.sum(), 1.0)])


def _gains_and_lift(name: str, bought: np.ndarray, probability: np.ndarray) -> Figure:
    listed, found = cumulative_gains(bought, probability)
    tenths = np.linspace(0.1, 1.0, 10)
    at_tenths = np.interp(tenths, listed, found)
    title = f"{name}: best tenth buys {at_tenths[0] / 0.1:.1f} x as often as all"
    figure, axes = new_figure(title, "customers listed, best first", "buyers found")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":")
    best = max(float(bought.mean()), 1e-9)
    axes.plot([0, best, 1], [0, 1, 1], color=FAINT, linewidth=1.5)
    axes.plot(listed, found, color=BLUE, linewidth=2)
    for share, reached in list(zip(tenths, at_tenths, strict=True))[:5:2]:
        axes.plot(share, reached, "o", color=BLUE, markersize=5)
        label_at(axes, (share, reached), f"lift {reached / share:.1f}", BLUE, va="top")
    label_at(axes, (best, 1.0), "perfect", QUIET, va="top")
    label_at(axes, (0.8, 0.8), "by chance", QUIET, va="top")
    in_percent(axes.xaxis.set_major_formatter, axes.yaxis.set_major_formatter)
    return figure


def _calibration(name: str, bought: np.ndarray, probability: np.ndarray) -> Figure:
    from custana_pipeline.models.evaluation import expected_calibration_error

    edges = np.unique(np.quantile(probability, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, probability, side="left")
    rows = np.bincount(bins, minlength=len(edges) + 1)
    filled = rows > 0
    foreseen = np.bincount(bins, weights=probability, minlength=len(rows))[filled] / rows[filled]
    seen = np.bincount(bins, weights=bought.astype(float), minlength=len(rows))[filled] / rows[filled]
    error = 1.96 * np.sqrt(np.clip(seen * (1 - seen), 1e-9, None) / rows[filled])
    gap = expected_calibration_error(bought.astype(int), probability)
    figure, axes = new_figure(
        f"{name}: foreseen against seen, ECE {gap:.3f}", "foreseen probability", "share that bought"
    )
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":")
    axes.errorbar(
        foreseen, seen, yerr=error, color=BLUE, ecolor=FAINT, elinewidth=3, marker="o", markersize=5, linewidth=1.5
    )
    label_at(axes, (0.8, 0.8), "as foreseen", QUIET, va="top")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    in_percent(axes.xaxis.set_major_formatter, axes.yaxis.set_major_formatter)
    return figure


def _confusion(name: str, bought: np.ndarray, probability: np.ndarray) -> Figure:
    listed = probability >= THRESHOLD
    counts = np.array(
        [[np.sum(bought & listed), np.sum(bought & ~listed)], [np.sum(~bought & listed), np.sum(~bought & ~listed)]]
    )
    right = (counts[0, 0] + counts[1, 1]) / max(counts.sum(), 1)
    figure, axes = new_figure(f"{name}: {right:.0%} right when listed from {THRESHOLD:.0%}", "", "", left=0.17)
    axes.grid(visible=False)
    words = (("found", "missed"), ("in vain", "rightly left out"))
    for row in range(2):
        for column in range(2):
            share = counts[row, column] / max(counts.sum(), 1)
            colour = GREEN if row == column else ORANGE
            axes.add_patch(_tile(column, 1 - row, colour, 0.15 + 0.6 * share))
            axes.text(
                column + 0.5, 1.5 - row, f"{counts[row, column]:,}\n{words[row][column]} ({share:.0%})",
                ha="center", va="center", fontsize=11, color=INK,
            )  # fmt: skip
    axes.set_xlim(0, 2)
    axes.set_ylim(0, 2)
    axes.set_xticks([0.5, 1.5], ["listed", "not listed"])
    axes.set_yticks([0.5, 1.5], ["did not buy", "bought"])
    return figure


def _tile(left: float, bottom: float, colour: str, strength: float) -> Rectangle:
    return Rectangle((left, bottom), 1, 1, facecolor=colour, alpha=strength, edgecolor="white", linewidth=3)
