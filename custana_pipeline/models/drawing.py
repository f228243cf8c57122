"""A chart as SVG: lines, bars, tiles and words over two axes, without a plotting library.

A night draws some fifty of them. A library took 70 ms each, most of it for ticks and for the room that text needs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import numpy as np

from custana_pipeline.models.drawing_axes import Axis, Span

WIDTH, HEIGHT = 448.0, 304.0
SHOWN_SIZE = (672, 456)
"""Pixels at which a page shows it unless told otherwise."""
INK, QUIET, FAINT = "#222222", "#777777", "#DDDDDD"
_MARGINS = {"left": 0.12, "right": 0.97, "bottom": 0.14, "top": 0.9}
_STEP = 0.5
"""Units that a line must move by for a point to be drawn: no screen shows less."""
_DASHES = {"-": "", "--": ' stroke-dasharray="6 3"', ":": ' stroke-dasharray="1.5 2.5"'}
_RISES = {"top": 0.85, "center": 0.35, "bottom": 0.0}
"""How far below its point the base line of a text lies, in text sizes."""

Numbers = Sequence[float] | np.ndarray
Upright = Literal["top", "center", "bottom"]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Words:
    """How a text stands at its point."""

    colour: str = QUIET
    size: float = 9.5
    anchor: Anchor = "middle"
    upright: Upright = "center"
    offset: tuple[float, float] = (0.0, 0.0)
    """Units to the right and down."""
    is_haloed: bool = False
    """Whether white around it keeps it readable on lines."""

    def at(self, x: float, y: float, text: str) -> str:
        """The text with its lines below each other."""
        lines = text.split("\n")
        halo = ' paint-order="stroke" stroke="white" stroke-width="3"' if self.is_haloed else ""
        top = y + self.offset[1] + self.size * (_RISES[self.upright] - 0.6 * (len(lines) - 1))
        return "".join(
            f'<text x="{x + self.offset[0]:.1f}" y="{top + 1.2 * self.size * row:.1f}" fill="{self.colour}" '
            f'font-size="{self.size}" text-anchor="{self.anchor}"{halo}>{escape(line)}</text>'
            for row, line in enumerate(lines)
        )


@dataclass
class Drawing:
    """Marks over two axes, in the order in which they were added; `margins` are shares of width and height."""

    title: str
    x_label: str = ""
    y_label: str = ""
    margins: dict[str, float] = field(default_factory=dict)
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    _marks: list[Callable[[Span, Span], str]] = field(default_factory=list)

    def line(self, x: Numbers, y: Numbers, colour: str, *, width: float = 2.0, dash: str = "-") -> None:
        """A line through the points that are known; what leaves the axes is cut off."""
        xs, ys = self._saw(x, y)
        known = np.isfinite(xs) & np.isfinite(ys)
        style = f'fill="none" stroke="{colour}" stroke-width="{width}"{_DASHES[dash]} clip-path="url(#within)"'
        self._marks.append(
            lambda across, up: f'<polyline points="{_thinned(across(xs[known]), up(ys[known]))}" {style}/>'
        )

    def dots(self, x: Numbers, y: Numbers, colour: str, radius: float = 2.8) -> None:
        """A dot at each point."""
        xs, ys = self._saw(x, y)
        self._marks.append(
            lambda across, up: "".join(
                f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{radius}" fill="{colour}"/>'
                for a, b in zip(across(xs), up(ys), strict=True)
            )
        )

    def uprights(self, x: Numbers, low: Numbers, high: Numbers, colour: str, *, width: float = 4.0) -> None:
        """An upright line from `low` to `high` at each x."""
        xs, lows = self._saw(x, low)
        _, highs = self._saw(x, high)
        self._marks.append(
            lambda across, up: "".join(
                f'<line x1="{a:.1f}" y1="{b:.1f}" x2="{a:.1f}" y2="{c:.1f}" stroke="{colour}" stroke-width="{width}"/>'
                for a, b, c in zip(across(xs), up(lows), up(highs), strict=True)
            )
        )

    def tile(self, corner: tuple[float, float], other: tuple[float, float], fill: str, **style: object) -> None:
        """A rectangle between two corners; `style` are further attributes, with _ for -."""
        xs, ys = self._saw((corner[0], other[0]), (corner[1], other[1]))
        more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())

        def mark(across: Span, up: Span) -> str:
            (left, right), (top, bottom) = sorted(across(xs)), sorted(up(ys))
            size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
            return f'<rect x="{left:.1f}" y="{top:.1f}" {size} fill="{fill}"{more}/>'

        self._marks.append(mark)

    def rows(self, y: Numbers, values: Numbers, colour: str) -> None:
        """The area between zero and the values, each at its height."""
        values, y = self._saw(values, y)
        self._saw([0.0], y[:1])

        def mark(across: Span, up: Span) -> str:
            heights, zero = up(y), across(np.zeros(2))
            edge = _thinned(across(values), heights)
            last, first = f"{zero[0]:.1f},{heights[-1]:.1f}", f"{zero[0]:.1f},{heights[0]:.1f}"
            return f'<polygon points="{edge} {last} {first}" fill="{colour}"/>'

        self._marks.append(mark)

    def rule(self, *, x: float | None = None, y: float | None = None, colour: str = INK, dash: str = "-") -> None:
        """A thin line across the whole drawing, upright at `x` or level at `y`."""
        self._saw([] if x is None else [x], [] if y is None else [y])

        def mark(across: Span, up: Span) -> str:
            a, c = (across.start, across.end) if x is None else across(np.full(2, x))
            b, d = (up.start, up.end) if y is None else up(np.full(2, y))
            return f'<path d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" stroke="{colour}" stroke-width="1"{_DASHES[dash]}/>'

        self._marks.append(mark)

    def text(self, point: tuple[float, float], text: str, words: Words) -> None:
        """Words at a point, which must lie within what else is drawn."""
        self._marks.append(lambda across, up: words.at(float(across(point[:1])[0]), float(up(point[1:])[0]), text))

    def text_within(self, share: tuple[float, float], text: str, words: Words) -> None:
        """Words at a place that is told in shares of the drawing, from its lower left."""
        self._marks.append(lambda across, up: words.at(across.at(share[0]), up.at(share[1]), text))

    def svg(self) -> str:
        """The drawing as a file of its own."""
        at = _MARGINS | self.margins
        across = self.x.span(at["left"] * WIDTH, at["right"] * WIDTH)
        up = self.y.span((1 - at["bottom"]) * HEIGHT, (1 - at["top"]) * HEIGHT)
        within = f'x="{across.start:.0f}" y="{up.end:.0f}" width="{across.length:.0f}" height="{up.length:.0f}"'
        body = [*self._ticks(across, up), *(mark(across, up) for mark in self._marks), *self._titles(across, up)]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" width="{SHOWN_SIZE[0]}" '
            f'height="{SHOWN_SIZE[1]}" font-family="Helvetica, Arial, sans-serif">'
        )
        clip = f'<clipPath id="within"><rect {within}/></clipPath>'
        return "\n".join([head, clip, '<rect width="100%" height="100%" fill="white"/>', *body, "</svg>\n"])

    def _ticks(self, across: Span, up: Span) -> list[str]:
        level = Words(size=9.0, offset=(0.0, 4.0), upright="top")
        if self.x.is_on_top:
            level = Words(size=9.0, offset=(0.0, -8.0), upright="bottom")
        beside = Words(size=9.0, offset=(-4.0, 0.0), anchor="end")
        drawn = []
        for place, told in self.x.marks():
            x = float(across([place])[0])
            drawn += [_grid(f"M{x:.1f} {up.start:.1f}V{up.end:.1f}")] if self.x.has_grid else []
            drawn.append(level.at(x, up.end if self.x.is_on_top else up.start, told))
        for place, told in self.y.marks():
            y = float(up([place])[0])
            drawn += [_grid(f"M{across.start:.1f} {y:.1f}H{across.end:.1f}")] if self.y.has_grid else []
            drawn.append(beside.at(across.start, y, told))
        return drawn

    def _titles(self, across: Span, up: Span) -> list[str]:
        middle = (up.start + up.end) / 2
        top = 18.0 if self.x.is_on_top else up.end
        told = [Words(INK, 12.5, "start", "bottom", (0.0, -7.0)).at(across.start, top, self.title)]
        if self.x_label:
            below = Words(size=10.0, upright="bottom")
            told.append(below.at((across.start + across.end) / 2, HEIGHT - 8, self.x_label))
        if self.y_label:
            turned = Words(size=10.0).at(12, middle, self.y_label)
            told.append(f'<g transform="rotate(-90 12 {middle:.1f})">{turned}</g>')
        return told

    def _saw(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        self.x.saw(xs)
        self.y.saw(ys)
        return xs, ys


def _grid(path: str) -> str:
    return f'<path d="{path}" stroke="{FAINT}" stroke-width="0.6"/>'


def _thinned(x: np.ndarray, y: np.ndarray) -> str:
    """The points of a line, but for those that lie where the one before does on any screen."""
    steps = np.round(np.column_stack([x, y]) / _STEP).astype(np.int64)
    moves = np.ones(len(steps), dtype=bool)
    moves[1:-1] = (steps[1:-1] != steps[:-2]).any(axis=1)
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[moves].tolist(), y[moves].tolist(), strict=True))
