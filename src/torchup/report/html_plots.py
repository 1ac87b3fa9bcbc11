"""Line charts of the HTML report: roofline, scaling over processes, and every curve that a workload measured. Pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from torchup.i18n import text
from torchup.report import numbers
from torchup.report.charts import Chart, Scale, Series
from torchup.report.html_entry import USUAL_PRECISION, Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.report.html_entry import Entry


ONE_BY_ONE = {"step", "epoch", "sample"}  # what is counted in time: never on a logarithmic axis
MOST_DOTS = 60
MOST_POINTS = 500


def roofline(entries: Sequence[Entry]) -> Section:
    """Achieved FLOP/s over arithmetic intensity, below each device's roof: one `Chart`."""
    points = [(entry, point) for entry in entries if (point := _point(entry)) is not None]
    unknown = [entry for entry in entries if entry.result.limit is not None and entry.result.limit.peak_flops is None]
    names = ", ".join(dict.fromkeys(_with_precision(entry.device, entry) for entry in unknown))
    return Section(
        name="roofline",
        title=text("html.roofline", "Roofline"),
        intro=text(
            "html.roofline.intro",
            "The chart shows how much work a recipe does for each byte that it moves (further right: more) and "
            "how fast it works (higher: faster). The dashed roof is the device's peak; no real result lies above "
            "it.",
        ),
        parts=(_roofline_chart(points),) if points else (),
        note=text("html.roofline.unknown", "Peak unknown: {devices}.", devices=names) if unknown else "",
    )


def _point(entry: Entry) -> tuple[float, float] | None:
    limit = entry.result.limit
    if limit is None or not limit.flops or not limit.bytes:
        return None
    return limit.flops / limit.bytes, limit.flops / entry.result.seconds


def _roofline_chart(points: Sequence[tuple[Entry, tuple[float, float]]]) -> Chart:
    roofs = {
        (entry.device, entry.result.precision): (limit.peak_flops, limit.peak_bandwidth)
        for entry, _ in points
        if (limit := entry.result.limit) is not None and limit.peak_flops and limit.peak_bandwidth
    }
    ridges = [flops / bandwidth for flops, bandwidth in roofs.values()]
    x = Scale.around(
        [p[0] for _, p in points] + [edge for ridge in ridges for edge in (ridge / 10, ridge * 10)], log=True
    )
    y = Scale.around([p[1] for _, p in points] + [flops for flops, _ in roofs.values()], log=True)
    series = [_roof(name, flops, bandwidth, x, y) for name, (flops, bandwidth) in roofs.items()]
    series += [
        Series(
            name=_with_precision(f"{entry.recipe}, {entry.result.device}", entry),
            points=(point,),
            style=number,
            lines=False,
            labelled=True,
        )
        for number, (entry, point) in enumerate(points)
    ]
    return Chart(
        series=tuple(series),
        x=x,
        y=y,
        title=text("html.roofline", "Roofline"),
        show=(numbers.tick, numbers.tick),
        names=(text("html.roofline.x", "FLOP per byte"), text("html.roofline.y", "FLOP/s")),
    )


def _with_precision(name: str, entry: Entry) -> str:
    return name if entry.result.precision == USUAL_PRECISION else f"{name}, {entry.result.precision}"


def _roof(name: tuple[str, str], flops: float, bandwidth: float, x: Scale, y: Scale) -> Series:
    ridge = flops / bandwidth
    start = max(x.low, y.low / bandwidth)  # where the slope enters the field
    points = ((start, start * bandwidth), (ridge, flops), (x.high, flops))
    return Series(name=" ".join(name), points=points, dots=False)


def scaling(entries: Sequence[Entry]) -> Section:
    """Speed-up over the number of processes, with the ideal line; weak and strong apart: entry and `Chart`."""
    groups: dict[tuple[str, str, str], dict[int, Entry]] = {}
    for entry in entries:
        key = (entry.result.workload, entry.result.recipe, str(entry.result.parameters.get("scaling", "")))
        groups.setdefault(key, {})[entry.result.world_size] = entry
    return Section(
        name="scaling",
        title=text("html.scaling", "Scaling"),
        intro=text(
            "html.scaling.intro",
            "Rate of several processes relative to the rate of one process. If there is no result for a single "
            "process, its rate is estimated: the rate of the fewest processes divided by their number. Strong "
            "scaling divides the same work among the processes; weak scaling gives each process the same amount "
            "of work.",
        ),
        parts=tuple(_scaling(key, group) for key, group in groups.items() if len(group) > 1 and max(group) > 1),
    )


def _scaling(key: tuple[str, str, str], group: dict[int, Entry]) -> tuple[Entry, Chart]:
    sizes = sorted(group)
    most = sizes[-1]
    rates = {size: group[size].result.samples_per_second or 1 / group[size].seconds for size in sizes}
    first = rates[sizes[0]] / sizes[0]
    points = tuple((float(size), rates[size] / first) for size in sizes)
    name = " ".join(part for part in key if part)
    ideal = ((0.0, 0.0), (float(most), float(most)))
    chart = Chart(
        series=(
            Series(name=text("html.scaling.ideal", "ideal"), points=ideal, dots=False),
            Series(name=name, points=points, style=0),
        ),
        x=Scale(low=0, high=most * 1.06),
        y=Scale(low=0, high=max(most, *(p[1] for p in points)) * 1.06),
        title=text(
            "html.scaling.caption",
            "{name}: efficiency {percent} with {count} processes",
            name=name,
            percent=numbers.percent(points[-1][1] / most, 0),
            count=most,
        ),
        show=(_whole, numbers.tick),
        names=(text("html.scaling.x", "processes"), text("html.scaling.y", "speed-up")),
    )
    return group[most], chart


def _whole(count: float) -> str:
    return f"{count:.0f}" if math.isclose(count, round(count)) else ""


def curves(entries: Sequence[Entry]) -> Section:
    """Every curve that a workload measured (size sweeps, all-reduce, losses): an entry and a `Chart` for each name.

    A curve is called ``Y_over_X``, ``Y by X`` or ``Y per X``; the words become the names of the axes.
    """
    groups: dict[tuple[str, str], list[tuple[Entry, tuple[tuple[float, float], ...]]]] = {}
    for entry in entries:
        for name, points in entry.result.curves.items():
            if len(points) > 1:
                groups.setdefault((entry.result.workload, name), []).append((entry, points))
    parts = tuple(_curve(key, group) for key, group in groups.items())
    return Section(name="curves", title=text("html.curves", "Curves"), parts=parts)


def _curve(key: tuple[str, str], group: Sequence[tuple[Entry, tuple[tuple[float, float], ...]]]) -> tuple[Entry, Chart]:
    xs = [point[0] for _, points in group for point in points]
    ys = [point[1] for _, points in group for point in points]
    what, *further = re.split(r" (?:over|by|per) ", key[1].replace("_", " "), maxsplit=1)
    over = further[0] if further else ""
    x, y = (
        Scale.around(values, log=log, zero=not log)
        for values, log in ((xs, over not in ONE_BY_ONE and _spans_decades(xs)), (ys, _spans_decades(ys)))
    )
    series = tuple(
        Series(
            name=f"{entry.recipe} · {entry.context}",
            points=_thinned(sorted(points)),
            style=number,
            dots=len(points) <= MOST_DOTS,
        )
        for number, (entry, points) in enumerate(group)
    )
    show = (numbers.tick, numbers.tick)
    chart = Chart(series=series, x=x, y=y, title=f"{key[0]}: {what}", show=show, names=(over, what if over else ""))
    return group[0][0], chart


def _thinned(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Every second, third... point where there are more than a picture can show; the result file has all."""
    stride = -(-len(points) // MOST_POINTS)
    return tuple(points[::stride])


def _spans_decades(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) > 30  # noqa: PLR2004  # a linear axis would hide the small ones
