"""What the segments are like, and how well they are told apart, in two figures."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from custana_pipeline.models.drawing import FAINT, INK, QUIET, Drawing, Words
from custana_pipeline.models.figure_style import BLUE, NAMES_LEFT, SEGMENT_COLOURS, note, short
from custana_pipeline.models.segment_names import name_segments
from custana_pipeline.models.segment_order import UNASSIGNED
from custana_pipeline.models.segment_profile import profile_segments

SHOWN = {
    "share": ("share", "share"),
    "amount_rank": ("spent", "purchase_amount"),
    "frequency_rank": ("purchase\ndays", "purchase_frequency"),
    "freshness_rank": ("days since\nlast", "recency_days"),
    "age_rank": ("age", "age"),
}
"""Rank that colours a cell -> its heading, and the column whose median is written into it."""


def segment_figures(name: str, holdout: pd.DataFrame) -> dict[str, Callable[[], Drawing]]:
    """What draws segment_profiles and silhouettes, from an evaluated segmentation's frame."""
    profile = profile_segments(holdout, holdout["predicted"].to_numpy())
    borne = holdout[["predicted", "segment_name"]].drop_duplicates() if "segment_name" in holdout else holdout[:0]
    before = dict(zip(borne["predicted"], borne["segment_name"], strict=True)) if len(borne) else {}
    named = profile.merge(name_segments(profile, before), on="segment_id")
    return {
        "segment_profiles": partial(_profiles, name, named),
        "silhouettes": partial(_silhouettes, name, named, holdout),
    }


def _profiles(name: str, named: pd.DataFrame) -> Drawing:
    known = [rank for rank in SHOWN if rank == "share" or bool(np.isfinite(named[rank].to_numpy(dtype=float)).any())]
    title = f"{name}: {len(named)} groups, darker is better"
    drawing = Drawing(title, margins={"left": NAMES_LEFT, "top": 0.78, "bottom": 0.05})
    drawing.x.limit(-0.5, len(known) - 0.5)
    drawing.y.limit(-0.5, len(named) - 0.5)
    drawing.y.is_reversed = drawing.x.is_on_top = True
    drawing.x.has_grid = drawing.y.has_grid = False
    shades = np.nan_to_num(named[known].to_numpy(dtype=float))
    for row in range(len(named)):
        for column, rank in enumerate(known):
            value = float(named[SHOWN[rank][1]].iloc[row])
            text = f"{value:.0%}" if rank == "share" else short(value) if np.isfinite(value) else ""
            strength = f"{0.05 + 0.6 * shades[row, column]:.2f}"
            drawing.tile((column - 0.5, row - 0.5), (column + 0.5, row + 0.5), BLUE, fill_opacity=strength)
            drawing.text((column, row), text, Words(INK, 10.0))
    drawing.y.name(range(len(named)), [str(each) for each in named["segment_name"]])
    drawing.x.name(range(len(known)), [SHOWN[rank][0] for rank in known])
    return drawing


def _silhouettes(name: str, named: pd.DataFrame, holdout: pd.DataFrame) -> Drawing:
    sampled = holdout.loc[holdout["silhouette"].notna(), ["predicted", "silhouette"]]
    mean = float(sampled["silhouette"].mean()) if len(sampled) else float("nan")
    title = f"{name}: mean silhouette {mean:.2f}" if len(sampled) else f"{name}: no silhouette"
    nearer = "silhouette (1 well inside its segment, below 0 nearer to another)"
    drawing = Drawing(title, nearer, margins={"left": NAMES_LEFT})
    if sampled.empty:
        note(drawing, "fewer than two segments: nothing to tell apart")
        return drawing
    start, ticks = 0, {}
    for place, (segment, label) in enumerate(zip(named["segment_id"], named["segment_name"], strict=True)):
        values = np.sort(sampled.loc[sampled["predicted"] == segment, "silhouette"].to_numpy())[::-1]
        if segment == UNASSIGNED or not len(values):
            continue
        rows = np.arange(start, start + len(values))
        drawing.rows(rows, values, SEGMENT_COLOURS[place % len(SEGMENT_COLOURS)])
        ticks[float(rows.mean())] = str(label)
        start += len(values) + max(len(sampled) // 60, 1)
    drawing.rule(x=mean, colour=QUIET, dash=":")
    drawing.rule(x=0.0, colour=FAINT)
    drawing.y.name(list(ticks), list(ticks.values()))
    drawing.y.is_reversed, drawing.y.has_grid = True, False
    return drawing
