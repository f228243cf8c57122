"""Expected profit, or revenue where no contact cost is known, by the size of the audience."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from custana_pipeline.models.audience_value import best_audience
from custana_pipeline.models.figure_style import BLUE, INK, ORANGE, in_percent, label_at, new_figure, note, thousands


def audience_figure(curve: pd.DataFrame) -> Figure:
    """The curve with its optimum; where it has realised values (of a holdout) they are drawn beside it."""
    best = best_audience(curve)
    kind = "revenue" if best is None else "profit"
    title = "Expected revenue by size of the audience"
    if best is not None:
        title = f"Profit is highest when {best['share']:.0%} are contacted"
    figure, axes = new_figure(title, "share of customers contacted, best scores first", kind)
    if len(curve) < 2 or np.isnan(curve[f"expected_{kind}"].to_numpy(dtype=float)).any():
        note(axes, "no amounts are known")
        return figure
    axes.plot(curve["share"], curve[f"expected_{kind}"], color=BLUE, linewidth=2)
    middle = curve.iloc[len(curve) // 2]
    label_at(axes, (float(middle["share"]), float(middle[f"expected_{kind}"])), "expected", BLUE, va="top")
    if f"realised_{kind}" in curve:
        axes.plot(curve["share"], curve[f"realised_{kind}"], color=ORANGE, linewidth=1.5)
        label_at(axes, (float(middle["share"]), float(middle[f"realised_{kind}"])), "came", ORANGE)
    axes.axhline(0, color=INK, linewidth=0.8)
    if best is not None:
        axes.plot(best["share"], best["expected_profit"], "o", color=BLUE, markersize=7)
    in_percent(axes.xaxis.set_major_formatter)
    axes.yaxis.set_major_formatter(thousands())
    return figure
