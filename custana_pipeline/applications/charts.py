"""Charts as inline SVG: drawn for a width of 360 units, so that they read on a phone, and labelled on the marks."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 360, 250
LEFT, RIGHT, TOP, BOTTOM = 42, 342, 14, 212
"""The corners of the plotting area."""
LOW_HEIGHT, LOW_BOTTOM, LEGEND = 160, 134, 10
"""Height and base line of a lower chart, and the middle of the row that names its lines."""

Point = tuple[float, float]


def gains_chart(points: Sequence[Point], audience_share: float) -> str:
    """Share of all buyers found (y) when the best share of the customers (x) is addressed; `points` begin at (0, 0)."""
    reached = _height_at(points, audience_share)
    label_x, anchor = (_x(audience_share) - 9, "end") if audience_share >= 0.25 else (LEFT + 4, "start")
    marks = [
        *_axes([0, 0.25, 0.5, 0.75, 1], [0, 0.25, 0.5, 0.75, 1]),
        _line([(0, 0), (1, 1)], "naive"),
        _text(_x(0.68), _y(0.57), "addressed at random", "note", turned=-33),
        _line(points, "model"),
        *(_dot(point, "model") for point in points[1:-1]),
        _line([(audience_share, 0), (audience_share, reached)], "guide"),
        _dot((audience_share, reached), "focus"),
        _text(label_x, _y(reached) - 18, f"{reached:.0%}", "focus", anchor=anchor),
        _text(label_x, _y(reached) - 5, "of buyers", "focus", anchor=anchor),
        _caption("share of customers, best scores first"),
    ]
    return _svg(marks, f"The best {audience_share:.0%} of the customers hold {reached:.0%} of the buyers.")


def calibration_chart(points: Sequence[Point], intervals: Sequence[Point] = ()) -> str:
    """What was said (x) against what happened (y), one dot a tenth; `intervals` are the ends of each rate's own."""
    top = _nice_top(max((max(point) for point in (*points, *intervals)), default=1.0))
    scaled = [(x / top, y / top) for x, y in points]
    ticks = [0, 0.25, 0.5, 0.75, 1]
    marks = [
        *_axes(ticks, ticks, top),
        *(
            _rule((_x(x), _y(low / top)), (_x(x), _y(high / top)), "interval")
            for (x, _), (low, high) in zip(scaled, intervals, strict=bool(intervals))
        ),
        _line([(0, 0), (1, 1)], "naive"),
        _text(_x(0.84), _y(0.73), "as it should be", "note", turned=-33),
        _line(scaled, "faint"),
        *(_dot(point, "model") for point in scaled),
        _caption("said beforehand: share who will buy"),
        _text(LEFT + 6, TOP + 8, "what happened: share who bought", "note", anchor="start"),
    ]
    return _svg(marks, "The share of buyers in each tenth, as foreseen and as it came.")


def value_chart(points: Sequence[Point], chosen: Point, words: str) -> str:
    """Money (y) that the best share of the customers (x) is expected to bring; `chosen` is marked with `words`."""
    low = min([*(money for _, money in points), 0.0])
    high = max([*(money for _, money in points), low + 1e-9])
    span = (high - low) * 1.15 or 1.0

    def scaled(point: Point) -> Point:
        return point[0], (point[1] - low) / span

    share, reached = scaled(chosen)
    label_x, anchor = (_x(share) + 8, "start") if share < 0.62 else (_x(share) - 8, "end")
    marks = [
        *(_text(_x(tick), BOTTOM + 14, f"{tick:.0%}", "tick") for tick in (0, 0.25, 0.5, 0.75, 1)),
        _rule((LEFT, _y(-low / span)), (RIGHT, _y(-low / span)), "axis"),
        _line([scaled(point) for point in points], "model"),
        _line([(share, -low / span), (share, reached)], "guide"),
        _dot((share, reached), "focus"),
        # half way up, where a curve that rises ever more slowly leaves room on either side of the mark
        _text(label_x, _y(reached / 2), words, "focus", anchor=anchor),
        _text(label_x, _y(reached / 2) + 14, f"from the best {share:.0%}", "note", anchor=anchor),
        _caption("share of customers contacted, best scores first"),
    ]
    return _svg(marks, f"The best {share:.0%} of the customers: {words}.")


def paired_chart(pairs: Sequence[tuple[float, float]], money: str, title: str) -> str:
    """Foreseen (outlined) and actual (filled) of each tenth, the best first; `title` says of what."""
    top = max([value for pair in pairs for value in pair] + [1e-9]) * 1.12
    wide = (RIGHT - LEFT) / max(len(pairs), 1)
    marks = [_rule((LEFT, BOTTOM), (RIGHT, BOTTOM), "axis")]
    for place, (foreseen, actual) in enumerate(pairs):
        left, half = LEFT + place * wide + 3, (wide - 6) / 2
        marks.append(_bar((left, _y(foreseen / top)), (half, BOTTOM - _y(foreseen / top)), "bar outlined"))
        marks.append(_bar((left + half, _y(actual / top)), (half, BOTTOM - _y(actual / top)), "bar"))
        marks.append(_text(left + half, BOTTOM + 14, str(place + 1), "tick"))
        if place < 3:
            marks.append(_text(left + half, _y(max(foreseen, actual) / top) - 5, f"{money}{actual:,.0f}", "value"))
    marks += [
        _bar((RIGHT - 116, TOP), (9, 9), "bar outlined"),
        _text(RIGHT - 102, TOP + 8, "foreseen", "note", anchor="start"),
        _bar((RIGHT - 50, TOP), (9, 9), "bar"),
        _text(RIGHT - 36, TOP + 8, "came", "note", anchor="start"),
        _caption("tenth of the customers, highest forecast first"),
    ]
    return _svg(marks, title)


def origins_chart(points: Sequence[tuple[str, float, float]], beside: str, title: str) -> str:
    """The error of what serves (line) and of `beside` (dashed) at each past day; `points` are day, served, beside.

    The height runs from the least to the largest error, so that a small lead is seen; the figures are on the marks.
    """
    errors = [value for _, *pair in points for value in pair]
    least, span = min(errors), (max(errors) - min(errors)) or 1.0
    step = 1 / max(len(points) - 1, 1)

    def placed(values: Sequence[float]) -> list[Point]:
        return [(0.09 + 0.82 * place * step, 0.2 + 0.5 * (each - least) / span) for place, each in enumerate(values)]

    served, other = placed([each for _, each, _ in points]), placed([each for _, _, each in points])
    marks = [_rule((LEFT, _low(0)), (RIGHT, _low(0)), "axis"), _low_line(other, "naive"), _low_line(served, "model")]
    for (day, *values), mine, theirs in zip(points, served, other, strict=True):
        below = -1 if mine[1] <= theirs[1] else 1
        marks += [
            _text(_x(mine[0]), _low(0) + 14, day, "tick"),
            _low_dot(theirs, "other"),
            _low_dot(mine, "model"),
            _text(_x(theirs[0]), _low(theirs[1]) + (-8 if below < 0 else 16), _short(values[1]), "tick"),
            _text(_x(mine[0]), _low(mine[1]) + (16 if below < 0 else -8), _short(values[0]), "value"),
        ]
    # names in a row above, since lines that end close to each other leave no room beside them
    for start, words, kind in ((LEFT, "in use", "model"), (LEFT + 76, beside, "naive")):
        marks.append(f'<polyline class="line {kind}" points="{start},{LEGEND} {start + 22},{LEGEND}"/>')
        marks.append(_text(start + 28, LEGEND + 4, words, "note", anchor="start"))
    return _svg(marks, title, LOW_HEIGHT)


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:,.0f}"


def _low(share: float) -> float:
    return LOW_BOTTOM - share * (LOW_BOTTOM - TOP)


def _low_line(points: Sequence[Point], kind: str) -> str:
    path = " ".join(f"{_x(x):.1f},{_low(y):.1f}" for x, y in points)
    return f'<polyline class="line {kind}" points="{path}"/>'


def _low_dot(point: Point, kind: str) -> str:
    return f'<circle class="dot {kind}" cx="{_x(point[0]):.1f}" cy="{_low(point[1]):.1f}" r="3"/>'


def _svg(marks: Sequence[str], title: str, height: int = HEIGHT) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(marks)}</svg>"
    )


def _axes(across: Sequence[float], up: Sequence[float], top: float = 1.0) -> list[str]:
    lines = [_rule((LEFT, _y(tick)), (RIGHT, _y(tick)), "axis" if tick == 0 else "grid") for tick in up]
    left = [_text(LEFT - 6, _y(tick) + 4, f"{tick * top:.0%}", "tick", anchor="end") for tick in up]
    below = [_text(_x(tick), BOTTOM + 14, f"{tick * top:.0%}", "tick") for tick in across]
    return [*lines, *left, *below]


def _line(points: Sequence[Point], kind: str) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="line {kind}" points="{path}"/>'


def _rule(start: Point, end: Point, kind: str) -> str:
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line class="{kind}" {ends}/>'


def _bar(corner: Point, size: Point, kind: str) -> str:
    x, y, width, height = *corner, *size
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(height, 0):.1f}" rx="1.5"/>'


def _dot(point: Point, kind: str) -> str:
    radius = 5 if kind == "focus" else 3
    return f'<circle class="dot {kind}" cx="{_x(point[0]):.1f}" cy="{_y(point[1]):.1f}" r="{radius}"/>'


def _text(x: float, y: float, words: str, kind: str, *, anchor: str = "middle", turned: float = 0) -> str:
    turn = f' transform="rotate({turned} {x:.1f} {y:.1f})"' if turned else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turn}>{escape(words)}</text>'


def _caption(words: str) -> str:
    return _text((LEFT + RIGHT) / 2, HEIGHT - 8, words, "note")


def _x(share: float) -> float:
    return LEFT + share * (RIGHT - LEFT)


def _y(share: float) -> float:
    return BOTTOM - share * (BOTTOM - TOP)


def _height_at(points: Sequence[Point], x: float) -> float:
    for (left, low), (right, high) in pairwise(points):
        if left <= x <= right and right > left:
            return low + (high - low) * (x - left) / (right - left)
    return points[-1][1] if points else 0.0


def _nice_top(largest: float) -> float:
    return next((top for top in (0.1, 0.2, 0.4, 0.6, 0.8) if largest <= top), 1.0)
