"""One calm look for every figure: few colours that the colour-blind tell apart, labels at the lines, no boxes."""

from custana_pipeline.models.drawing import QUIET, Anchor, Drawing, Upright, Words

BLUE, ORANGE, GREEN, PURPLE, SKY, RED = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#56B4E9", "#882255"
SEGMENT_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, "#DDAA33", "#666666")
"""Okabe and Ito's palette, darkened where it is too light for thin lines."""
NAMES_LEFT = 0.24
"""The left margin where names stand at the y axis, such as "gradient boosting"."""
BESIDE = Words(QUIET, 9.5, "start", offset=(5.0, 0.0))
"""Right of the end of a level bar."""
ABOVE, BELOW = Words(QUIET, 8.5, upright="bottom", offset=(0.0, -3.5)), Words(QUIET, 8.5, upright="top", offset=(0, 3))
"""Over and under the end of an upright bar."""


def label_at(
    drawing: Drawing,
    point: tuple[float, float],
    text: str,
    colour: str,
    *,
    ha: Anchor = "start",
    va: Upright = "bottom",
) -> None:
    """Writes a label beside a point of a line, in the line's colour, instead of a legend; white keeps it readable."""
    offset = (-5.0 if ha == "end" else 5.0, 5.0 if va == "top" else -5.0)
    drawing.text(point, text, Words(colour, 9.5, ha, va, offset, is_haloed=True))


def note(drawing: Drawing, text: str) -> None:
    """A quiet remark in place of a drawing that these rows do not allow."""
    drawing.x.ticks = drawing.y.ticks = []
    drawing.text_within((0.5, 0.5), text, Words(QUIET, 10.0))


def in_percent(value: float) -> str:
    """A share from 0 to 1 as a percentage.

    >>> in_percent(0.2)
    '20%'
    """
    return f"{value:.0%}"


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
