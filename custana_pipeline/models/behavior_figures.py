"""What the probabilities of one behavior model are worth on the holdout, in five figures."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from custana_pipeline.models.drawing import FAINT, INK, QUIET, Drawing, Words
from custana_pipeline.models.figure_style import BLUE, GREEN, ORANGE, in_percent, label_at

BINS = 10
THRESHOLD = 0.5


def behavior_figures(name: str, holdout: pd.DataFrame) -> dict[str, Callable[[], Drawing]]:
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


def _roc(name: str, bought: np.ndarray, probability: np.ndarray) -> Drawing:
    from sklearn.metrics import roc_auc_score, roc_curve

    others, buyers, _ = roc_curve(bought, probability)
    area = roc_auc_score(bought, probability)
    drawing = _of_shares(f"{name}: told apart, AUC {area:.3f}", "other customers listed", "buyers found")
    drawing.line([0, 1], [0, 1], QUIET, width=1, dash=":")
    drawing.line(others, buyers, BLUE)
    label_at(drawing, (0.55, 0.55), "by chance", QUIET, va="top")
    label_at(drawing, (0.3, float(np.interp(0.3, others, buyers))), name, BLUE, ha="end")
    return drawing


def _precision_recall(name: str, bought: np.ndarray, probability: np.ndarray) -> Drawing:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(bought, probability, drop_intermediate=True)
    area, base = average_precision_score(bought, probability), float(bought.mean())
    title = f"{name}: average precision {area:.3f}"
    drawing = _of_shares(title, "buyers found (recall)", "buyers in the list (precision)")
    drawing.line([0, 1.02], [base, base], QUIET, width=1, dash=":")
    drawing.line(recall[:-1], precision[:-1], BLUE)
    if len(recall) == 2:
        drawing.dots(recall[:-1], precision[:-1], BLUE)
    label_at(drawing, (1.0, base), f"everybody: {base:.0%}", QUIET, ha="end", va="top")
    return drawing


def _of_shares(title: str, x_label: str, y_label: str) -> Drawing:
    """An empty drawing of shares of customers from 0 to 100 % both ways."""
    drawing = Drawing(title, x_label, y_label)
    for axis in (drawing.x, drawing.y):
        axis.limit(0.0, 1.02)
        axis.told_as = in_percent
    return drawing


def cumulative_gains(bought: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of customers listed and share of buyers found, best first; customers of equal score are listed together.

    >>> cumulative_gains(np.array([1, 0, 0, 1]), np.array([0.9, 0.2, 0.2, 0.2]))
    (array([0.  , 0.25, 1.  ]), array([0. , 0.5, 1. ]))
    """
    _, groups, sizes = np.unique(-probability, return_inverse=True, return_counts=True)
    found = np.bincount(groups, weights=bought.astype(float))
    listed = np.concatenate([[0.0], np.cumsum(sizes) / len(bought)])
    return listed, np.concatenate([[0.0], np.cumsum(found) / max(found.sum(), 1.0)])


def _gains_and_lift(name: str, bought: np.ndarray, probability: np.ndarray) -> Drawing:
    listed, found = cumulative_gains(bought, probability)
    tenths = np.linspace(0.1, 1.0, 10)
    at_tenths = np.interp(tenths, listed, found)
    title = f"{name}: best tenth buys {at_tenths[0] / 0.1:.1f} x as often as all"
    drawing = _of_shares(title, "customers listed, best first", "buyers found")
    drawing.line([0, 1], [0, 1], QUIET, width=1, dash=":")
    best = max(float(bought.mean()), 1e-9)
    drawing.line([0, best, 1], [0, 1, 1], FAINT, width=1.5)
    drawing.line(listed, found, BLUE)
    drawing.dots(tenths[:5:2], at_tenths[:5:2], BLUE)
    for share, reached in list(zip(tenths, at_tenths, strict=True))[:5:2]:
        label_at(drawing, (share, reached), f"lift {reached / share:.1f}", BLUE, va="top")
    label_at(drawing, (best, 1.0), "perfect", QUIET, va="top")
    label_at(drawing, (0.8, 0.8), "by chance", QUIET, va="top")
    return drawing


def _calibration(name: str, bought: np.ndarray, probability: np.ndarray) -> Drawing:
    from custana_pipeline.models.evaluation import expected_calibration_error

    edges = np.unique(np.quantile(probability, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, probability, side="left")
    rows = np.bincount(bins, minlength=len(edges) + 1)
    filled = rows > 0
    foreseen = np.bincount(bins, weights=probability, minlength=len(rows))[filled] / rows[filled]
    seen = np.bincount(bins, weights=bought.astype(float), minlength=len(rows))[filled] / rows[filled]
    error = 1.96 * np.sqrt(np.clip(seen * (1 - seen), 1e-9, None) / rows[filled])
    gap = expected_calibration_error(bought.astype(int), probability)
    title = f"{name}: foreseen against seen, ECE {gap:.3f}"
    drawing = _of_shares(title, "foreseen probability", "share that bought")
    drawing.line([0, 1], [0, 1], QUIET, width=1, dash=":")
    drawing.uprights(foreseen, np.clip(seen - error, 0, None), np.clip(seen + error, None, 1.02), FAINT)
    drawing.line(foreseen, seen, BLUE, width=1.5)
    drawing.dots(foreseen, seen, BLUE)
    label_at(drawing, (0.8, 0.8), "as foreseen", QUIET, va="top")
    return drawing


def _confusion(name: str, bought: np.ndarray, probability: np.ndarray) -> Drawing:
    listed = probability >= THRESHOLD
    counts = np.array(
        [[np.sum(bought & listed), np.sum(bought & ~listed)], [np.sum(~bought & listed), np.sum(~bought & ~listed)]]
    )
    right = (counts[0, 0] + counts[1, 1]) / max(counts.sum(), 1)
    drawing = Drawing(f"{name}: {right:.0%} right when listed from {THRESHOLD:.0%}", margins={"left": 0.17})
    words = (("found", "missed"), ("in vain", "rightly left out"))
    for axis in (drawing.x, drawing.y):
        axis.limit(0, 2)
        axis.has_grid = False
    for row in range(2):
        for column in range(2):
            share = counts[row, column] / max(counts.sum(), 1)
            corner, colour = (column, 1 - row), GREEN if row == column else ORANGE
            opacity = f"{0.15 + 0.6 * share:.2f}"
            drawing.tile(
                corner, (column + 1, 2 - row), colour, fill_opacity=opacity, stroke="white", stroke_width=3
            )  # fmt: skip
            told = f"{counts[row, column]:,}\n{words[row][column]} ({share:.0%})"
            drawing.text((column + 0.5, 1.5 - row), told, Words(INK, 12.0))
    drawing.x.name([0.5, 1.5], ["listed", "not listed"])
    drawing.y.name([0.5, 1.5], ["did not buy", "bought"])
    return drawing
