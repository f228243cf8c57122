"""In which direction a column moved, in words that quote no customer: medians, shares, frequent categories."""

from typing import Any

import numpy as np

from custana_pipeline.models.encoding import UNKNOWN_TEXT, as_numbers, as_text

LEAST_ROWS_TO_NAME = 10
"""A category of fewer rows on both sides is not named."""


def direction(before: Any, now: Any, kind: str) -> str:
    """What changed most: how many are missing, the middle value, the spread, or one category.

    >>> import pandas as pd
    >>> direction(pd.Series([1.0, 2.0, 3.0]), pd.Series([5.0, 6.0, 9.0]), "number")
    'higher: median 2 to 6'
    """
    missing = [float(np.mean(_is_missing(each, kind))) for each in (before, now)]
    if abs(missing[1] - missing[0]) > 0.1:
        side = "more" if missing[1] > missing[0] else "less"
        return f"{side} often missing: {missing[0]:.0%} to {missing[1]:.0%}"
    return _number_words(before, now) if kind == "number" else _text_words(before, now)


def _number_words(before: Any, now: Any) -> str:
    quartiles = [np.nanquantile(as_numbers(each).to_numpy(), [0.25, 0.5, 0.75, 0.95]) for each in (before, now)]
    for place, name in (
        (1, "median"),
        (2, "upper quarter from"),
        (0, "lower quarter up to"),
        (3, "top twentieth from"),
    ):
        old, new = (float(each[place]) for each in quartiles)
        if f"{old:.3g}" != f"{new:.3g}":
            return f"{'higher' if new > old else 'lower'}: {name} {_short(old)} to {_short(new)}"
    means = [float(as_numbers(each).mean()) for each in (before, now)]
    return f"{'higher' if means[1] > means[0] else 'lower'}: mean {_short(means[0])} to {_short(means[1])}"


def _text_words(before: Any, now: Any) -> str:
    sides: list[Any] = [as_text(each).value_counts() for each in (before, now)]
    names = [name for name in sides[0].index.union(sides[1].index) if name != UNKNOWN_TEXT]
    named = [name for name in names if max(side.get(name, 0) for side in sides) >= LEAST_ROWS_TO_NAME]
    shares = {name: [float(side.get(name, 0) / side.sum()) for side in sides] for name in named}
    if not shares:
        return "other categories, each too rare to be named"
    most = max(sorted(shares), key=lambda name: abs(shares[name][1] - shares[name][0]))
    old, new = shares[most]
    return f"{'more' if new > old else 'fewer'} “{most}”: {old:.0%} to {new:.0%}"


def _is_missing(values: Any, kind: str) -> Any:
    return as_numbers(values).isna() if kind == "number" else as_text(values) == UNKNOWN_TEXT


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
