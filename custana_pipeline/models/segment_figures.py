"""What the segments are like, and how well they are told apart, in two figures."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from custana_pipeline.models.figure_style import FAINT, INK, NAMES_LEFT, QUIET, SEGMENT_COLOURS, new_figure, note, short
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


def segment_figures(name: str, holdout: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
    """What draws segment_profiles and silhouettes, from an evaluated segmentation's frame."""
    profile = profile_segments(holdout, holdout["predicted"].to_numpy())
    borne = holdout[["predicted", "segment_name"]].drop_duplicates() if "segment_name" in holdout else holdout[:0]
    before = dict(zip(borne["predicted"], borne["segment_name"], strict=True)) if len(borne) else {}
    named = profile.merge(name_segments(profile, before), on="segment_id")
    return {
        "segment_profiles": partial(_profiles, name, named),
        "silhouettes": partial(_silhouettes, name, named, holdout),
    }


def _profiles(name: str, named: pd.DataFrame) -> Figure:
    known = [rank for rank in SHOWN if rank == "share" or bool(np.isfinite(named[rank].to_numpy(dtype=float)).any())]
    title = f"{name}: {len(named)} groups, darker is better"
    figure, axes = new_figure(title, "", "", left=NAMES_LEFT, top=0.78, bottom=0.05)
    shades = named[known].to_numpy(dtype=float)
    axes.imshow(np.where(np.isfinite(shades), shades, 0.0), cmap="Blues", vmin=0.0, vmax=1.4, aspect="auto")
    for row in range(len(named)):
        for column, rank in enumerate(known):
            value = float(named[SHOWN[rank][1]].iloc[row])
            text = f"{value:.0%}" if rank == "share" else short(value) if np.isfinite(value) else ""
            axes.text(column, row, text, ha="center", va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(named)), [str(each) for each in named["segment_name"]])
    axes.set_xticks(range(len(known)), [SHOWN[rank][0] for rank in known])
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure


def _silhouettes(name: str, named: pd.DataFrame, holdout: pd.DataFrame) -> Figure:
    sampled = holdout.loc[holdout["silhouette"].notna(), ["predicted", "silhouette"]]
    mean = float(sampled["silhouette"].mean()) if len(sampled) else float("nan")
    title = f"{name}: mean silhouette {mean:.2f}" if len(sampled) else f"{name}: no silhouette"
    figure, axes = new_figure(
        title, "silhouette (1 well inside its segment, below 0 nearer to another)", "", left=NAMES_LEFT
    )
    if sampled.empty:
        note(axes, "fewer than two segments: nothing to tell apart")
        return figure
    start = 0
    ticks: list[tuple[float, Any]] = []
    for place, (segment, label) in enumerate(zip(named["segment_id"], named["segment_name"], strict=True)):
        values = np.sort(sampled.loc[sampled["predicted"] == segment, "silhouette"].to_numpy())[::-1]
        if segment == UNASSIGNED or not len(values):
            continue
        rows = np.arange(start, start + len(values))
        axes.fill_betweenx(rows, 0, values, color=SEGMENT_COLOURS[place % len(SEGMENT_COLOURS)], linewidth=0)
        ticks.append((float(rows.mean()), label))
        start += len(values) + max(len(sampled) // 60, 1)
    axes.axvline(mean, color=QUIET, linewidth=1, linestyle=":")
    axes.axvline(0, color=FAINT, linewidth=1)
    axes.set_yticks([place for place, _ in ticks], [str(label) for _, label in ticks])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    return figure
