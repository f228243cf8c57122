"""One calm look for every figure: few colours that the colour-blind tell apart, labels at the lines, no boxes."""

import io
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

BLUE, ORANGE, GREEN, PURPLE, SKY, RED = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#56B4E9", "#882255"
SEGMENT_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, "#DDAA33", "#666666")
"""Okabe and Ito's palette, darkened where it is too light for thin lines."""
INK, QUIET, FAINT = "#222222", "#777777", "#DDDDDD"
SIZE_INCHES, DOTS_PER_INCH = (5.6, 3.8), 80
MARGINS = {"left": 0.12, "right": 0.97, "bottom": 0.14, "top": 0.9}
"""Of the axes within the figure, as shares of its width and height."""
NAMES_LEFT = 0.24
"""The left margin where names stand at the y axis, such as "gradient boosting"."""


def new_figure(title: str, x_label: str, y_label: str, **margins: float) -> tuple[Figure, Axes]:
    """An empty figure of the standard size, without pyplot's state, titled with what is seen on it.

    `margins` replace those of MARGINS, for figures whose labels are long.
    """
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH)
    # fixed margins: a layout engine would take half of the time that a figure costs
    figure.subplots_adjust(**MARGINS | margins)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlabel(x_label, fontsize=9, color=QUIET)
    axes.set_ylabel(y_label, fontsize=9, color=QUIET)
    axes.tick_params(colors=QUIET, labelsize=8, length=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    return figure, axes


def small_png(figure: Figure) -> bytes:
    """The figure as a PNG of 64 colours: some 8 kB, small enough to travel within a record."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    stream = io.BytesIO()
    drawn.quantize(64, method=Image.Quantize.FASTOCTREE).save(stream, format="png")
    return stream.getvalue()


def label_at(axes: Axes, point: tuple[float, float], text: str, colour: str, **placing: str) -> None:
    """Writes a label beside a point of a line, in the line's colour, instead of a legend; white keeps it readable."""
    offset = (-4 if placing.get("ha") == "right" else 4, -4 if placing.get("va") == "top" else 4)
    axes.annotate(
        text, point, xytext=offset, textcoords="offset points", fontsize=8.5, color=colour,
        ha=placing.get("ha", "left"), va=placing.get("va", "bottom"),
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
    )  # fmt: skip


def note(axes: Axes, text: str) -> None:
    """A quiet remark in place of a drawing that these rows do not allow."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=9, color=QUIET)
    axes.set_xticks([])
    axes.set_yticks([])


def in_percent(*set_formatter: Callable[[PercentFormatter], None]) -> None:
    """Shows shares from 0 to 1 as percentages; takes `axes.xaxis.set_major_formatter` or its sibling."""
    for each in set_formatter:
        each(PercentFormatter(1.0, decimals=0))


def thousands() -> FuncFormatter:
    """Ticks such as 950, 1.2k and 3.4M."""
    return FuncFormatter(lambda value, _: short(float(value)))


def short(value: float) -> str:
    """A number in few characters.

    >>> [short(value) for value in (0.25, 7, 950, 1234, 56789, 3400000)]
    ['0.25', '7', '950', '1.2k', '57k', '3.4M']
    """
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            scaled = value / size
            return f"{scaled:.1f}{unit}" if abs(scaled) < 10 and round(scaled, 1) % 1 else f"{scaled:.0f}{unit}"
    return f"{value:.0f}" if abs(value) >= 10 or float(value).is_integer() else f"{value:.2g}"
