"""What the charts of the HTML report show, and where; `templates/charts.html.jinja` draws them. Pure."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HEIGHT = 260  # pixels of a line chart's field; the template leaves 26 below it for labels, and 64 at the left
LINE = 13  # pixels between two labels


class Scale(Value, frozen=True, kw_only=True):
    """Maps a value to 0..1, linearly or by its logarithm."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, values: Sequence[float], *, log: bool = False, zero: bool = False, least: float = 1.0) -> Scale:
        """A scale that holds all values with a little room; ``zero`` starts it at 0.

        ``least``: ratio that a logarithmic scale spans at least, downwards from the largest value, so that values
        which hardly differ lie close together.
        """
        usable = [v for v in values if math.isfinite(v) and (v > 0 or not log)] or [1.0]
        low, high = min(usable), max(usable)
        low = min(low, high / least) if log else low
        if log:
            room = (high / low) ** 0.06 if high > low else 2.0
            return cls(low=low / room, high=high * room, log=True)
        room = (high - low) * 0.06 or abs(high) * 0.06 or 1.0
        return cls(low=0.0 if zero else low - room, high=high + room)

    def place(self, value: float) -> float:
        """Where a value lies, 0 to 1; values outside are put on the edge."""
        if self.log:
            share = math.log(max(value, 1e-300) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share))

    def ticks(self, most: int = 6) -> list[float]:
        """Round values inside the scale, at most ``most``."""
        return _log_ticks(self.low, self.high, most) if self.log else _linear_ticks(self.low, self.high, most)


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    while (high - low) / step > most:
        step *= 2 if f"{step:e}"[0] in "15" else 2.5
    first = math.ceil(low / step - 1e-9)
    return [(first + k) * step for k in range(int((high - first * step) / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        found = [d * 10.0**k for k in decades for d in digits if low <= d * 10.0**k <= high]
        if len(found) <= most:
            return found or [low]
    step = math.ceil(len(found) / most)
    return found[::step]


class Series(Value, frozen=True, kw_only=True):
    """Points joined by lines (or not), with a name at the last one."""

    name: str
    points: tuple[tuple[float, float], ...]
    style: int | None = None  # which of the six series colours; none: a roof or an ideal, grey and dashed
    lines: bool = True
    dots: bool = True
    labelled: bool = False  # the name stands beside the last point instead of in the legend

    @property
    def kind(self) -> str:
        """Its class."""
        return "guide" if self.style is None else f"series-{self.style % 6}"

    @property
    def segments(self) -> Iterable[tuple[tuple[float, float], tuple[float, float]]]:
        """The lines between its points."""
        return pairwise(self.points if self.lines else ())


class Chart(Value, frozen=True, kw_only=True):
    """A line chart. ``show``: how a value of each axis is written; ``names``: of the axes."""

    series: tuple[Series, ...]
    x: Scale
    y: Scale
    title: str
    show: tuple[Callable[[float], str], Callable[[float], str]]
    names: tuple[str, str]

    def across(self, value: float) -> float:
        """Where a value of the horizontal axis lies, in percent of the width."""
        return 100 * self.x.place(value)

    def down(self, value: float) -> float:
        """Where a value of the vertical axis lies, in pixels from the top."""
        return 8 + (HEIGHT - 16) * (1 - self.y.place(value))

    @property
    def labels(self) -> Iterable[tuple[float, float, str]]:
        """Place and name of each labelled point, moved down where names would cover each other."""
        ends = [(*one.points[-1], one.name) for one in self.series if one.labelled and one.points]
        free = 0.0
        for x, y, name in sorted(ends, key=lambda end: self.down(end[1])):
            place = max(self.down(y) + 4, free)
            free = place + LINE
            yield self.across(x), place, name
