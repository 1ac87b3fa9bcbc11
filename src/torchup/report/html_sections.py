"""The sections of the HTML report: summary, ladder, devices side by side, breakdown, roofline, curves. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.bench.timebase import cut
from torchup.i18n import render, text
from torchup.model import RecipeKind
from torchup.report import numbers, svg
from torchup.report.bench_text import advice as advice_lines
from torchup.report.bench_text import bound_name
from torchup.report.html_entry import USUAL_PRECISION, Entry, by_workload
from torchup.report.markup import Markup, element, join, prose
from torchup.report.results_text import PARTS, epochs, part_name, part_text, shares, trained

if TYPE_CHECKING:
    from collections.abc import Sequence

LADDER = frozenset({RecipeKind.REPLICA, RecipeKind.SAME_MATH})
SPEEDRUN = frozenset({RecipeKind.SPEEDRUN})


def section(name: str, title: str, *content: str, intro: str = "") -> Markup:
    """A section with a heading; without content there is none."""
    if not any(content):
        return Markup()
    heading = element("h2", {"id": f"{name}-title"}, title)
    return element(
        "section",
        {"aria-labelledby": f"{name}-title", "id": name},
        heading,
        element("p", {"class": "soft"}, intro) if intro else Markup(),
        *content,
    )


# ---------------------------------------------------------------- summary


def summary(entries: Sequence[Entry]) -> Markup:
    """A few large numbers and a sentence of advice for each workload."""
    parts = []
    for workload, group in by_workload(entries, LADDER).items():
        measured = [entry for entry in group if not entry.published]
        if measured:
            parts.append(_tiles(workload, measured))
            parts.append(advice(measured))
    return join(*parts)


def _tiles(workload: str, measured: Sequence[Entry]) -> Markup:
    best, worst = min(measured, key=_seconds), max(measured, key=_seconds)
    tiles = [
        (
            text("html.tile.fastest", "{workload}: fastest", workload=workload),
            numbers.seconds(best.seconds),
            " · ".join(part for part in (best.recipe, best.device, amount_name(best)) if part),
        )
    ]
    if best.seconds < worst.seconds:
        detail = text("html.tile.speedup.detail", "{best}, relative to {worst}", best=best.recipe, worst=worst.recipe)
        tiles.append((text("html.tile.speedup", "Speed-up"), numbers.ratio(worst.seconds / best.seconds), detail))
    accuracy = best.result.quality.get("test_accuracy")
    if accuracy is not None:
        part = cut(best.result)
        done = best.result.epochs or best.result.parameters.get("epochs", 0.0)
        detail = (
            text("html.tile.accuracy.detail", "{recipe}, epochs: {epochs}", recipe=best.recipe,
                 epochs=numbers.count(done) if done else numbers.NONE)
            if part is None
            else text("html.tile.accuracy.cut", "{recipe}, after {part}: not judged", recipe=best.recipe,
                      part=part_text(part))
        )  # fmt: skip
        tiles.append((text("html.tile.accuracy", "Accuracy"), numbers.percent(accuracy, 2), detail))
    if best.result.limit is not None and best.result.limit.share is not None:
        bound = bound_name(best.result.limit.bound)
        tiles.append(
            (text("html.tile.limit", "Share of the device's limit"), numbers.percent(best.result.limit.share), bound)
        )
    boxes = [
        element("div", None, element("dt", None, name), element("dd", None, value, element("small", None, detail)))
        for name, value, detail in tiles
    ]
    return element("dl", {"class": "tiles"}, *boxes)


def advice(measured: Sequence[Entry]) -> Markup:
    """A sentence for each run that wastes most of its time: the same that `torchup bench` prints."""
    lines: list[str] = []
    for run in dict.fromkeys(entry.run for entry in measured):
        lines += advice_lines([entry.result for entry in measured if entry.run == run])
    return join(*(element("p", {"class": "advice"}, prose(line)) for line in lines))


def _seconds(entry: Entry) -> float:
    return entry.seconds


# ---------------------------------------------------------------- ladder


def ladder(entries: Sequence[Entry]) -> Markup:
    """Every way of running the same mathematics, slowest first, on a logarithmic axis."""
    charts = [_ladder(workload, group) for workload, group in by_workload(entries, LADDER).items()]
    intro = text(
        "html.ladder.intro",
        "The same data, weights, batch order and optimiser, run in different ways. Logarithmic axis, medians; the band"
        " is the bootstrap interval. Hollow marks are published times that torchup did not measure.",
    )
    return section("ladder", text("html.ladder", "Ladder of recipes"), *charts, intro=intro)


def speedruns(entries: Sequence[Entry]) -> Markup:
    """Recipes that train in another way, kept apart."""
    charts = [_ladder(workload, group) for workload, group in by_workload(entries, SPEEDRUN).items()]
    intro = text(
        "html.speedruns.intro",
        "A different training setup (batch, optimiser, schedule) that must reach the same accuracy. Do not "
        "compare it with the recipes.",
    )
    return section("speedruns", text("html.speedruns", "Speed runs"), *charts, intro=intro)


def _ladder(workload: str, group: Sequence[Entry]) -> Markup:
    ordered = sorted(group, key=_seconds, reverse=True)
    bounds = [bound for entry in ordered for bound in entry.interval or ()]
    scale = svg.Scale.around([*(entry.seconds for entry in ordered), *bounds], log=True)
    slowest = max((e.seconds for e in ordered if not e.published), default=ordered[0].seconds)
    rows = [_ladder_row(entry, scale, slowest) for entry in ordered]
    axis = element(
        "div",
        {"class": "row axis"},
        element("div", {"class": "name"}),
        svg.axis_row(scale, numbers.tick_seconds),
        element("div", {"class": "value"}),
    )
    what = unit_name(ordered[0])
    caption = text(
        "html.ladder.caption",
        "{workload}: {what}, {precision} unless stated otherwise",
        workload=workload,
        what=what,
        precision=USUAL_PRECISION,
    )
    content = element("div", {"class": "rows"}, *rows, axis)
    return element("figure", {"data-group": True}, element("figcaption", None, caption), content)


def unit_name(entry: Entry) -> str:
    """What the times of an entry's workload are times of."""
    amount = amount_name(entry)
    if not amount:
        return text("html.unit.run", "time of the whole run")
    return text("html.unit.epochs", "time of {amount}, extrapolated if fewer were trained", amount=amount)


def amount_name(entry: Entry) -> str:
    """``10 epochs``; empty where a run does not count in epochs."""
    if entry.amount is None or entry.amount.unit != "epoch":
        return ""
    return epochs(entry.amount.count)


def from_name(entry: Entry) -> str:
    """``extrapolated from 1 epoch``: what an extrapolated time comes from; empty where all were trained."""
    if not entry.timed.extrapolated:
        return ""
    return text("html.extrapolated", "extrapolated from {trained}", trained=trained(entry.timed))


def _ladder_row(entry: Entry, scale: svg.Scale, slowest: float) -> Markup:
    label = f"{entry.recipe}, {entry.context}: {numbers.seconds(entry.seconds)}"
    return element(
        "div",
        {"class": entry.classes("row"), **entry.attributes},
        element("div", {"class": "name"}, entry.recipe, element("small", None, _context(entry))),
        svg.row_chart(scale, entry.seconds, entry.interval, label, hollow=entry.published),
        element(
            "div",
            {"class": "value"},
            numbers.seconds(entry.seconds),
            element("small", None, numbers.ratio(slowest / entry.seconds)),
        ),
    )


def _context(entry: Entry) -> str:
    return " · ".join(part for part in (entry.context, from_name(entry)) if part)


# ---------------------------------------------------------------- devices side by side


def devices(entries: Sequence[Entry]) -> Markup:
    """A table a workload: recipes down, devices across."""
    tables = []
    for workload, group in by_workload(entries, LADDER).items():
        columns = list(dict.fromkeys((entry.run if entry.show_run else "", entry.device) for entry in group))
        if len(columns) > 1:
            tables.append(_device_table(f"{workload}: {unit_name(group[0])}", group, columns))
    intro = text(
        "html.devices.intro",
        "Median time; in brackets, how many times as fast as the slowest device with the same recipe and "
        "precision. Italics: published times that torchup did not measure.",
    )
    return section("devices", text("html.devices", "Devices side by side"), *tables, intro=intro)


def _device_table(workload: str, group: Sequence[Entry], columns: Sequence[tuple[str, str]]) -> Markup:
    heads = [element("th", {"scope": "col"}, text("results.column.recipe", "Recipe"))]
    heads += [element("th", {"scope": "col", "class": "number"}, device, *_small(run)) for run, device in columns]
    rows = []
    for recipe in dict.fromkeys((entry.recipe, entry.result.precision) for entry in group):
        alike = [entry for entry in group if (entry.recipe, entry.result.precision) == recipe]
        rows.append(_device_row(recipe, alike, columns))
    caption = element("caption", {"class": "soft"}, workload)
    head = element("thead", None, element("tr", None, *heads))
    return element(
        "div",
        {"class": "scroll", "tabindex": 0, "role": "region", "aria-label": workload, "data-group": True},
        element("table", None, caption, head, element("tbody", None, *rows)),
    )


def _small(run: str) -> tuple[Markup, ...]:
    return (element("br"), element("small", {"class": "soft"}, run)) if run else ()


def _device_row(recipe: tuple[str, str], alike: Sequence[Entry], columns: Sequence[tuple[str, str]]) -> Markup:
    slowest = max(entry.seconds for entry in alike)
    cells = [element("th", {"scope": "row"}, recipe[0] if recipe[1] == USUAL_PRECISION else " · ".join(recipe))]
    for run, device in columns:
        entry = next((e for e in alike if e.device == device and run in {"", e.run}), None)
        if entry is None:
            cells.append(element("td", {"class": "number"}, numbers.NONE))
            continue
        shown = f"{numbers.seconds(entry.seconds)} ({numbers.ratio(slowest / entry.seconds)})"
        cells.append(element("td", {"class": "number"}, element("em", None, shown) if entry.published else shown))
    any_entry = alike[0]
    return element("tr", any_entry.attributes | {"data-published": "no"}, *cells)


# ---------------------------------------------------------------- where the time went


def breakdown(entries: Sequence[Entry]) -> Markup:
    """Stacked bars: input, transfer, launch, compute, other."""
    rows = []
    for entry in entries:
        if entry.result.breakdown is None:
            continue
        found = shares(entry.result.breakdown)
        if found:
            rows.append(_breakdown_row(entry, found))
    if not rows:
        return Markup()
    legend = [
        element(
            "li",
            None,
            element(
                "svg",
                {"width": 12, "height": 12, "aria-hidden": "true"},
                element("rect", {"width": 12, "height": 12, "class": f"part-{part}"}),
            ),
            render(part_name(part)),
        )
        for part in PARTS
    ]
    figure = element(
        "figure",
        {"data-group": True},
        element("ul", {"class": "legend"}, *legend),
        element("div", {"class": "rows"}, *rows),
    )
    intro = text(
        "html.breakdown.intro",
        "Each bar is one run. Its parts are computed from differences between runs and shown as shares of their sum.",
    )
    return section("breakdown", text("results.breakdown", "Where the time went"), figure, intro=intro)


def _breakdown_row(entry: Entry, found: dict[str, float]) -> Markup:
    words = ", ".join(f"{part} {numbers.percent(share, 0)}" for part, share in found.items())
    name = element(
        "div", {"class": "name"}, f"{entry.result.workload} · {entry.recipe}", element("small", None, entry.context)
    )
    value = element("div", {"class": "value"}, numbers.seconds(entry.seconds))
    bar = svg.stacked_row(found, f"{entry.recipe}: {words}")
    return element("div", {"class": "row", **entry.attributes}, name, bar, value)
