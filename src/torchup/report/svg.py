"""Charts as inline SVG: horizontal places in percent, so that they fit a phone and their text keeps its size. Pure."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from torchup.model import Value
from torchup.report import numbers
from torchup.report.markup import Markup, element, join

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEIGHT = 260  # pixels of a line chart's field
AXIS = 26  # pixels below it for the labels
LEFT = 64  # pixels for the labels of the vertical axis
LINE = 13  # pixels between two labels


class Scale(Value, frozen=True, kw_only=True):
    """Maps a value to 0..1, linearly or by its logarithm."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, values: Sequence[float], *, log: bool = False, zero: bool = False) -> Scale:
        """A scale that holds all values with a little room; ``zero`` starts it at 0."""
        usable = [v for v in values if math.isfinite(v) and (v > 0 or not log)] or [1.0]
        low, high = min(usable), max(usable)
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


# ---------------------------------------------------------------- rows


def row_chart(scale: Scale, value: float, bounds: tuple[float, float] | None, label: str, *, hollow: bool) -> Markup:
    """One row of a ladder: a stem to the value, its interval as a band, the axis' grid behind."""
    at = 100 * scale.place(value)
    parts = [
        element(
            "line",
            {
                "x1": f"{100 * scale.place(t):.2f}%",
                "x2": f"{100 * scale.place(t):.2f}%",
                "y1": -14,  # into the gap between two rows
                "y2": 38,
                "class": "grid",
            },
        )
        for t in scale.ticks()
    ]
    parts.append(element("line", {"x1": 0, "x2": f"{at:.2f}%", "y1": 12, "y2": 12, "class": "stem"}))
    if bounds is not None:
        low, high = (100 * scale.place(bound) for bound in bounds)
        band = {"x": f"{low:.2f}%", "width": f"{max(high - low, 0.2):.2f}%", "y": 7, "height": 10, "class": "band"}
        parts.append(element("rect", band))
    parts.append(element("circle", {"cx": f"{at:.2f}%", "cy": 12, "r": 5, "class": "dot hollow" if hollow else "dot"}))
    return _svg(24, label, *parts)


def axis_row(scale: Scale, show: Callable[[float], str]) -> Markup:
    """The labels below a ladder."""
    labels = [
        element("text", {"x": f"{100 * scale.place(t):.2f}%", "y": 14, "class": "tick middle"}, show(t))
        for t in scale.ticks()
    ]
    return _svg(18, None, *labels)


def stacked_row(shares: dict[str, float], label: str) -> Markup:
    """One stacked bar; each part has its class, and its percentage where there is room."""
    parts: list[str] = []
    passed = 0.0
    for name, share in shares.items():
        box = {
            "x": f"{100 * passed:.2f}%",
            "width": f"{100 * share:.2f}%",
            "y": 2,
            "height": 22,
            "class": f"part-{name}",
        }
        parts.append(element("rect", box, element("title", None, f"{name} {numbers.percent(share)}")))
        if share > 0.12:  # noqa: PLR2004  # narrower than this the text does not fit on a phone
            middle = {"x": f"{100 * (passed + share / 2):.2f}%", "y": 17, "class": f"on-{name} middle"}
            parts.append(element("text", middle, numbers.percent(share, 0)))
        passed += share
    return _svg(26, label, *parts)


def strip(samples: Sequence[float], outliers: Sequence[int], label: str) -> Markup:
    """Raw samples on one line; outlying ones hollow."""
    scale = Scale.around(samples)
    dots = [
        element(
            "circle",
            {
                "cx": f"{3 + 94 * scale.place(value):.2f}%",
                "cy": 12,
                "r": 4.5,
                "class": "dot hollow" if position in outliers else "dot",
            },
            element("title", None, f"{position + 1}: {numbers.seconds(value)}"),
        )
        for position, value in enumerate(samples)
    ]
    return _svg(24, label, element("line", {"x1": 0, "x2": "100%", "y1": 12, "y2": 12, "class": "grid"}), *dots)


# ---------------------------------------------------------------- line charts


class Series(Value, frozen=True, kw_only=True):
    """Points joined by lines (or not), with a name at the last one."""

    name: str
    points: tuple[tuple[float, float], ...]
    style: int = 0  # which of the six series colours
    lines: bool = True
    dots: bool = True
    guide: bool = False  # a roof or an ideal: grey and dashed
    labelled: bool = False  # the name stands beside the last point instead of in the legend


def chart(
    series: Sequence[Series],
    x: Scale,
    y: Scale,
    *,
    title: str,
    show: tuple[Callable[[float], str], Callable[[float], str]],
    names: tuple[str, str],
) -> Markup:
    """A line chart: vertical labels at the left, field at the right, names of the axes around."""
    grid = [
        element("line", {"x1": 0, "x2": "100%", "y1": _down(y, t), "y2": _down(y, t), "class": "grid"})
        for t in y.ticks()
    ]
    marks = [
        element("text", {"x": f"{100 * x.place(t):.2f}%", "y": HEIGHT + 18, "class": "tick middle"}, show[0](t))
        for t in x.ticks(5)
    ]
    left = [element("text", {"x": LEFT - 8, "y": _down(y, t) + 4, "class": "tick end"}, show[1](t)) for t in y.ticks()]
    field = _svg(HEIGHT + AXIS, title, *grid, *marks, *(_drawn(s, x, y) for s in series), *_labels(series, x, y))
    labels = element("svg", {"width": LEFT, "height": HEIGHT + AXIS, "aria-hidden": "true", "class": "yaxis"}, *left)
    return element(
        "div",
        {"class": "chart"},
        element("p", {"class": "axis-name"}, names[1]),
        element("div", {"class": "plot"}, labels, field),
        element("p", {"class": "axis-name right"}, names[0]),
        _legend(series),
    )


def _drawn(series: Series, x: Scale, y: Scale) -> Markup:
    places = [(100 * x.place(a), _down(y, b)) for a, b in series.points]
    kind = "guide" if series.guide else f"series-{series.style % 6}"
    parts: list[str] = []
    if series.lines:
        parts += [
            element("line", {"x1": f"{a:.2f}%", "y1": b, "x2": f"{c:.2f}%", "y2": d, "class": f"line {kind}"})
            for (a, b), (c, d) in pairwise(places)
        ]
    if series.dots:
        parts += [
            element(
                "circle",
                {"cx": f"{a:.2f}%", "cy": b, "r": 4.5, "class": f"point {kind}"},
                element("title", None, f"{series.name}: {p[0]:.4g}, {p[1]:.4g}"),
            )
            for (a, b), p in zip(places, series.points, strict=True)
        ]
    return join(*parts)


def _labels(series: Sequence[Series], x: Scale, y: Scale) -> list[Markup]:
    """Names beside points, moved down where they would cover each other; at the right edge they stand on the left."""
    found: list[Markup] = []
    free = 0.0
    places = [(x.place(s.points[-1][0]), _down(y, s.points[-1][1]), s.name) for s in series if s.labelled and s.points]
    for across, down, name in sorted(places, key=lambda place: place[1]):
        line = max(down + 4, free)
        free = line + LINE
        side = {"class": "label end", "dx": -9} if across > 0.6 else {"class": "label", "dx": 9}  # noqa: PLR2004  # of the width
        found.append(element("text", {"x": f"{100 * across:.2f}%", "y": line, **side}, name))
    return found


def _down(y: Scale, value: float) -> float:
    return 8 + (HEIGHT - 16) * (1 - y.place(value))


def _legend(series: Sequence[Series]) -> Markup:
    items = [
        element(
            "li",
            None,
            element(
                "svg",
                {"width": 18, "height": 10, "aria-hidden": "true"},
                element(
                    "line",
                    {
                        "x1": 0,
                        "x2": 18,
                        "y1": 5,
                        "y2": 5,
                        "class": f"line {'guide' if s.guide else f'series-{s.style % 6}'}",
                    },
                ),
            ),
            s.name,
        )
        for s in series
        if s.name and not s.labelled
    ]
    return element("ul", {"class": "legend"}, *items)


def _svg(height: int, label: str | None, *children: str) -> Markup:
    described: dict[str, object] = {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    return element("svg", {"width": "100%", "height": height, **described}, *children)
