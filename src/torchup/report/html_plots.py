"""Line charts of the HTML report: roofline, scaling over processes, and every curve that a workload measured. Pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from torchup.i18n import text
from torchup.report import numbers, svg
from torchup.report.html_entry import USUAL_PRECISION
from torchup.report.html_sections import section
from torchup.report.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.report.html_entry import Entry


ONE_BY_ONE = {"step", "epoch", "sample"}  # what is counted in time: never on a logarithmic axis
MOST_DOTS = 60
MOST_POINTS = 500


def roofline(entries: Sequence[Entry]) -> Markup:
    """Achieved FLOP/s over arithmetic intensity, below each device's roof."""
    known = [entry for entry in entries if _point(entry) is not None]
    intro = text(
        "html.roofline.intro",
        "How much work a run does for each byte that it moves (further right: more) and how fast it does it "
        "(higher: faster). The dashed roof is the device's peak; no real run lies above it.",
    )
    unknown = [entry for entry in entries if entry.result.limit is not None and entry.result.limit.peak_flops is None]
    note = Markup()
    if unknown:
        names = ", ".join(dict.fromkeys(_with_precision(entry.device, entry) for entry in unknown))
        note = element("p", {"class": "soft"}, text("html.roofline.unknown", "Peak unknown: {devices}.", devices=names))
    return section("roofline", text("html.roofline", "Roofline"), _roofline_chart(known), note, intro=intro)


def _point(entry: Entry) -> tuple[float, float] | None:
    limit = entry.result.limit
    if limit is None or not limit.flops or not limit.bytes:
        return None
    return limit.flops / limit.bytes, limit.flops / entry.result.seconds


def _roofline_chart(known: Sequence[Entry]) -> Markup:
    points = [(entry, point) for entry in known if (point := _point(entry)) is not None]
    if not points:
        return Markup()
    roofs = {
        (entry.device, entry.result.precision): (limit.peak_flops, limit.peak_bandwidth)
        for entry, _ in points
        if (limit := entry.result.limit) is not None and limit.peak_flops and limit.peak_bandwidth
    }
    ridges = [flops / bandwidth for flops, bandwidth in roofs.values() if flops and bandwidth]
    x = svg.Scale.around(
        [p[0] for _, p in points] + [edge for ridge in ridges for edge in (ridge / 10, ridge * 10)], log=True
    )
    y = svg.Scale.around([p[1] for _, p in points] + [flops for flops, _ in roofs.values() if flops], log=True)
    series = [_roof(name, flops or 1.0, bandwidth or 1.0, x, y) for name, (flops, bandwidth) in roofs.items()]
    series += [
        svg.Series(name=_point_name(entry), points=(point,), style=number, lines=False, labelled=True)
        for number, (entry, point) in enumerate(points)
    ]
    return svg.chart(
        series,
        x,
        y,
        title=text("html.roofline", "Roofline"),
        show=(numbers.tick, numbers.tick),
        names=(text("html.roofline.x", "FLOP per byte"), text("html.roofline.y", "FLOP/s")),
    )


def _point_name(entry: Entry) -> str:
    return _with_precision(f"{entry.recipe}, {entry.result.device}", entry)


def _with_precision(name: str, entry: Entry) -> str:
    return name if entry.result.precision == USUAL_PRECISION else f"{name}, {entry.result.precision}"


def _roof(name: tuple[str, str], flops: float, bandwidth: float, x: svg.Scale, y: svg.Scale) -> svg.Series:
    ridge = flops / bandwidth
    start = max(x.low, y.low / bandwidth)  # where the slope enters the field
    points = ((start, start * bandwidth), (ridge, flops), (x.high, flops))
    return svg.Series(name=f"{name[0]} {name[1]}", points=points, dots=False, guide=True)


def scaling(entries: Sequence[Entry]) -> Markup:
    """Speed-up over the number of processes, with the ideal line; weak and strong scaling apart."""
    groups: dict[tuple[str, str, str], dict[int, Entry]] = {}
    for entry in entries:
        key = (entry.result.workload, entry.result.recipe, str(entry.result.parameters.get("scaling", "")))
        groups.setdefault(key, {})[entry.result.world_size] = entry
    charts = [_scaling_chart(key, group) for key, group in groups.items() if len(group) > 1 and max(group) > 1]
    intro = text(
        "html.scaling.intro",
        "Rate of several processes relative to one. Strong: the same work is divided. Weak: each process gets "
        "the same amount of work.",
    )
    content = element("div", {"class": "charts"}, *charts) if charts else Markup()
    return section("scaling", text("html.scaling", "Scaling"), content, intro=intro)


def _scaling_chart(key: tuple[str, str, str], group: dict[int, Entry]) -> Markup:
    sizes = sorted(group)
    rates = {size: group[size].result.samples_per_second or 1 / group[size].seconds for size in sizes}
    first = rates[sizes[0]] / sizes[0]
    points = tuple((float(size), rates[size] / first) for size in sizes)
    x, y = (
        svg.Scale(low=0, high=max(sizes) * 1.06),
        svg.Scale(low=0, high=max(*sizes, *(p[1] for p in points)) * 1.06),
    )
    ideal = svg.Series(
        name=text("html.scaling.ideal", "ideal"),
        points=((0.0, 0.0), (float(max(sizes)), float(max(sizes)))),
        dots=False,
        guide=True,
    )
    name = " ".join(part for part in key if part)
    efficiency = numbers.percent(points[-1][1] / sizes[-1], 0)
    caption = text(
        "html.scaling.caption",
        "{name}: efficiency {percent} with {count} processes",
        name=name,
        percent=efficiency,
        count=sizes[-1],
    )
    drawn = svg.chart(
        [ideal, svg.Series(name=name, points=points)],
        x,
        y,
        title=caption,
        show=(_whole, numbers.tick),
        names=(text("html.scaling.x", "processes"), text("html.scaling.y", "speed-up")),
    )
    return element(
        "figure", {"data-group": True, **group[sizes[-1]].attributes}, element("figcaption", None, caption), drawn
    )


def _whole(count: float) -> str:
    return f"{count:.0f}" if math.isclose(count, round(count)) else ""


def curves(entries: Sequence[Entry]) -> Markup:
    """Every curve that a workload measured: size sweeps, all-reduce, losses. Same name and workload share a chart.

    A curve is called ``Y_over_X``, ``Y by X`` or ``Y per X``; the words become the names of the axes.
    """
    groups: dict[tuple[str, str], list[tuple[Entry, tuple[tuple[float, float], ...]]]] = {}
    for entry in entries:
        for name, points in entry.result.curves.items():
            if len(points) > 1:
                groups.setdefault((entry.result.workload, name), []).append((entry, points))
    charts = [_curve_chart(key, group) for key, group in groups.items()]
    content = element("div", {"class": "charts"}, *charts) if charts else Markup()
    return section("curves", text("html.curves", "Curves"), content)


def _curve_chart(key: tuple[str, str], group: Sequence[tuple[Entry, tuple[tuple[float, float], ...]]]) -> Markup:
    xs = [point[0] for _, points in group for point in points]
    ys = [point[1] for _, points in group for point in points]
    what, *further = re.split(r" (?:over|by|per) ", key[1].replace("_", " "), maxsplit=1)
    over = further[0] if further else ""
    x, y = (
        svg.Scale.around(values, log=log, zero=not log)
        for values, log in ((xs, over not in ONE_BY_ONE and _spans_decades(xs)), (ys, _spans_decades(ys)))
    )
    series = [
        svg.Series(
            name=f"{entry.recipe} · {entry.context}",
            points=_thinned(sorted(points)),
            style=number,
            dots=len(points) <= MOST_DOTS,
        )
        for number, (entry, points) in enumerate(group)
    ]
    caption = f"{key[0]}: {what}"
    show = (numbers.tick, numbers.tick)
    drawn = svg.chart(series, x, y, title=caption, names=(over, what if over else ""), show=show)
    return element(
        "figure", {"data-group": True, **group[0][0].attributes}, element("figcaption", None, caption), drawn
    )


def _thinned(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Every second, third... point where there are more than a picture can show; the result file has all."""
    stride = -(-len(points) // MOST_POINTS)
    return tuple(points[::stride])


def _spans_decades(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) > 30  # noqa: PLR2004  # a linear axis would hide the small ones
