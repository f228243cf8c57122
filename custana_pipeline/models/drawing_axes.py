"""Axes of a drawing: what they show, where their ticks are, and how a number becomes a place."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_MOST_TICKS = 7
_ROOM = 0.04
"""What an axis shows beyond what was seen, as a share."""


@dataclass(frozen=True)
class Span:
    """Where numbers lie: `first` at `start`, `last` at `end`, in the drawing's units."""

    first: float
    last: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """The places of the values.

        >>> Span(0.0, 10.0, 100.0, 300.0)([0.0, 5.0])
        array([100., 200.])
        """
        first, last, told = self.first, self.last, np.asarray(values, dtype=float)
        if self.is_log:
            first, last, told = math.log(first), math.log(last), np.log(told)
        return self.start + (told - first) / (last - first) * (self.end - self.start)

    @property
    def length(self) -> float:
        """How long the axis is."""
        return abs(self.end - self.start)

    def at(self, share: float) -> float:
        """The place at a share of the way."""
        return self.start + share * (self.end - self.start)


@dataclass
class Axis:
    """One axis: limits and ticks follow from what was seen, unless they are given."""

    low: float | None = None
    high: float | None = None
    ticks: list[tuple[float, str]] | None = None
    told_as: Callable[[float], str] | None = None
    """How a number at a tick is written."""
    room: float = _ROOM
    is_log: bool = False
    is_reversed: bool = False
    is_on_top: bool = False
    has_grid: bool = True
    _seen: tuple[float, float] = (math.inf, -math.inf)

    def saw(self, values: np.ndarray) -> None:
        """Has what is drawn lie on the axis."""
        known = values[np.isfinite(values)]
        if len(known):
            self._seen = (min(self._seen[0], float(known.min())), max(self._seen[1], float(known.max())))

    def limit(self, low: float, high: float) -> None:
        """Shows this much, whatever is drawn."""
        self.low, self.high = low, high

    def name(self, places: Sequence[float] | np.ndarray, names: Sequence[str]) -> None:
        """Ticks at the places, with names instead of numbers."""
        self.ticks = [(float(place), name) for place, name in zip(places, names, strict=True)]

    def limits(self) -> tuple[float, float]:
        """The least and the largest number that the axis shows."""
        least, most = self._seen if self._seen[0] <= self._seen[1] else (0.0, 1.0)
        spare = (most - least) * self.room or 0.5
        low = least - spare if self.low is None else self.low
        high = most + spare if self.high is None else self.high
        return (low, high) if high > low else (low, low + 1.0)

    def span(self, start: float, end: float) -> Span:
        """The axis laid from `start` to `end`."""
        low, high = self.limits()
        first, last = (high, low) if self.is_reversed else (low, high)
        return Span(first, last, start, end, self.is_log)

    def marks(self) -> list[tuple[float, str]]:
        """Places and words of the ticks."""
        if self.ticks is not None:
            return self.ticks
        low, high = self.limits()
        places = powers(low, high) if self.is_log else round_numbers(low, high)
        digits = max(0, -math.floor(math.log10(places[1] - places[0]) + 1e-9)) if len(places) > 1 else 2
        return [(place, self.told_as(place) if self.told_as else f"{place:,.{digits}f}") for place in places]


def round_numbers(low: float, high: float) -> list[float]:
    """Up to eight round numbers, evenly apart.

    >>> round_numbers(0.0, 1.02)
    [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
    """
    rough = (high - low) / _MOST_TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(times * size for times in (1, 2, 5, 10) if times * size >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [step * place for place in range(first, math.floor(high / step + 1e-9) + 1)]


def powers(low: float, high: float) -> list[float]:
    """Powers of ten, with 2 and 5 times those where that leaves the axis few ticks.

    >>> powers(0.5, 200.0)
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0]
    """
    decades = math.log10(high / low)
    times = (1,) if decades > 3 else (1, 2, 5)
    begin, end = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = [each * 10.0**power for power in range(begin, end + 1) for each in times]
    return [place for place in every if low * (1 - 1e-9) <= place <= high * (1 + 1e-9)]
