"""Drawings: places that can be worked out by hand, and marks that stay within the axes."""

import re
import xml.etree.ElementTree as ET

import numpy as np

from custana_pipeline.models.drawing import HEIGHT, WIDTH, Drawing, Words
from custana_pipeline.models.drawing_axes import Axis

WHOLE = {"left": 0.0, "right": 1.0, "bottom": 0.0, "top": 1.0}


def points(svg: str) -> list[tuple[float, float]]:
    line = re.search(r'<polyline points="([^"]*)"', svg)
    assert line
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line[1].split())]


def whole_drawing() -> Drawing:
    drawing = Drawing("a title", margins=WHOLE)
    drawing.x.limit(0, 1)
    drawing.y.limit(0, 1)
    return drawing


def test_a_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    drawing = whole_drawing()
    drawing.line([0, 1], [0, 1], "black")
    assert points(drawing.svg()) == [(0.0, HEIGHT), (WIDTH, 0.0)]


def test_an_axis_that_is_turned_begins_on_top() -> None:
    drawing = whole_drawing()
    drawing.y.is_reversed = True
    drawing.line([0, 1], [0, 1], "black")
    assert points(drawing.svg()) == [(0.0, 0.0), (WIDTH, HEIGHT)]


def test_ten_thousand_points_are_drawn_as_what_a_screen_can_show() -> None:
    drawing = whole_drawing()
    shares = np.linspace(0, 1, 10_001)
    drawing.line(shares, shares, "black")
    drawn = points(drawing.svg())
    assert len(drawn) < 2_000
    assert (drawn[0], drawn[-1]) == ((0.0, HEIGHT), (WIDTH, 0.0))


def test_what_is_not_known_is_left_out_of_a_line() -> None:
    drawing = whole_drawing()
    drawing.line([0, 0.5, 1], [0, float("nan"), 1], "black")
    assert len(points(drawing.svg())) == 2


def test_words_of_the_data_are_no_markup() -> None:
    drawing = Drawing("<script>alert(1)</script> & more")
    drawing.text((0, 0), "<b>", Words())
    told = "".join(ET.fromstring(drawing.svg()).itertext())
    assert "<script>alert(1)</script> & more" in told
    assert "<b>" in told


def test_an_axis_shows_all_that_is_drawn_and_a_little_more() -> None:
    axis = Axis()
    axis.saw(np.array([2.0, 7.0, np.nan]))
    low, high = axis.limits()
    assert low < 2.0 < 7.0 < high


def test_ticks_a_fortieth_apart_are_written_apart() -> None:
    axis = Axis()
    axis.limit(0.25, 0.34)
    told = [words for _, words in axis.marks()]
    assert len(set(told)) == len(told) > 3


def test_an_axis_without_anything_on_it_has_limits() -> None:
    assert Axis().limits()[0] < Axis().limits()[1]
