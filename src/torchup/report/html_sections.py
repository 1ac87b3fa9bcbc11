"""The sections of the HTML report: summary, ladder, speed runs, devices side by side, where the time went. Pure."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from torchup.bench.timebase import cut
from torchup.i18n import render, text
from torchup.model import RecipeKind, Value
from torchup.report import numbers
from torchup.report.bench_text import advice, bound_name
from torchup.report.charts import Scale
from torchup.report.html_entry import USUAL_PRECISION, Entry, Section, by_workload
from torchup.report.results_text import PARTS, epochs, part_name, part_text, shares

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LADDER = frozenset({RecipeKind.REPLICA, RecipeKind.SAME_MATH})
SPEEDRUN = frozenset({RecipeKind.SPEEDRUN})


# ---------------------------------------------------------------- summary

LADDER_SPAN = 10.0  # ratio of a ladder's ends at least: two equal recipes must not look ten times apart


def summary(entries: Sequence[Entry]) -> Iterator[tuple[Iterator[tuple[str, str, str]], Iterator[str]]]:
    """A workload in a few large numbers (name, value, detail), and advice on the runs that waste most of their time."""
    for workload, group in by_workload(entries, LADDER).items():
        measured = [entry for entry in group if not entry.published]
        if measured:
            yield _tiles(workload, measured), _advice(measured)


def _tiles(workload: str, measured: Sequence[Entry]) -> Iterator[tuple[str, str, str]]:
    best, worst = min(measured, key=_seconds), max(measured, key=_seconds)
    detail = " · ".join(part for part in (best.recipe, best.device, amount_name(best)) if part)
    yield (
        text("html.tile.fastest", "{workload}: fastest time", workload=workload),
        numbers.seconds(best.seconds),
        detail,
    )
    if best.seconds < worst.seconds:
        names = [" · ".join(part for part in _told_apart(one, best, worst) if part) for one in (best, worst)]
        detail = text("html.tile.speedup.detail", "{best}, relative to {worst}", best=names[0], worst=names[1])
        yield text("html.tile.speedup", "Speed-up"), numbers.ratio(worst.seconds / best.seconds), detail
    accuracy = best.result.quality.get("test_accuracy")
    if accuracy is not None:
        yield text("html.tile.accuracy", "Accuracy"), numbers.percent(accuracy, 2), _accuracy_detail(best)
    limit = best.result.limit
    if limit is not None and limit.share is not None:
        name = text("html.tile.limit", "Share of the device's limit")
        yield name, numbers.percent(limit.share), bound_name(limit.bound)


def _told_apart(one: Entry, best: Entry, worst: Entry) -> tuple[str, ...]:
    """The recipe, and the device if the two ran on different ones."""
    return (one.recipe, one.device) if best.device != worst.device else (one.recipe,)


def _accuracy_detail(best: Entry) -> str:
    part = cut(best.result)
    if part is not None:
        return text(
            "html.tile.accuracy.cut", "{recipe}, after {part}: not judged", recipe=best.recipe, part=part_text(part)
        )
    done = best.result.epochs or best.result.parameters.get("epochs", 0.0)
    shown = numbers.count(done) if done else numbers.NONE
    return text("html.tile.accuracy.detail", "{recipe}, epochs: {epochs}", recipe=best.recipe, epochs=shown)


def _advice(measured: Sequence[Entry]) -> Iterator[str]:
    """The sentences that `torchup bench` prints of each run."""
    for run in dict.fromkeys(entry.run for entry in measured):
        yield from advice([entry.result for entry in measured if entry.run == run])


def _seconds(entry: Entry) -> float:
    return entry.seconds


# ---------------------------------------------------------------- ladder


class Ladder(Value, frozen=True, kw_only=True):
    """One workload's entries, slowest first. ``slowest``: seconds of the slowest that was measured."""

    caption: str
    scale: Scale
    rows: tuple[Entry, ...]
    slowest: float


def ladder(entries: Sequence[Entry]) -> Section:
    """Every way of running the same mathematics, on a logarithmic axis: a `Ladder` a workload."""
    return Section(
        name="ladder",
        title=text("html.ladder", "Ladder of recipes"),
        intro=text(
            "html.ladder.intro",
            "All recipes use the same data, weights, batch order and optimiser, but run in different ways. Marks "
            "show medians on a logarithmic axis; bands show bootstrap intervals. Hollow marks are published "
            "times that torchup did not measure.",
        ),
        parts=_ladders(entries, LADDER),
    )


def speedruns(entries: Sequence[Entry]) -> Section:
    """Recipes that train in another way, kept apart: a `Ladder` a workload."""
    return Section(
        name="speedruns",
        title=text("html.speedruns", "Speed runs"),
        intro=text(
            "html.speedruns.intro",
            "Speed runs use a training setup that differs from the published one (batch, optimiser, schedule). "
            "The recipe speedrun must reach the accuracy that the workload requires. Do not compare these times "
            "with those of the published setup.",
        ),
        parts=_ladders(entries, SPEEDRUN),
    )


def _ladders(entries: Sequence[Entry], kinds: frozenset[RecipeKind]) -> tuple[Ladder, ...]:
    return tuple(_ladder(workload, group) for workload, group in by_workload(entries, kinds).items())


def _ladder(workload: str, group: Sequence[Entry]) -> Ladder:
    ordered = sorted(group, key=_seconds, reverse=True)
    bounds = [bound for entry in ordered for bound in entry.interval or ()]
    return Ladder(
        caption=text(
            "html.ladder.caption",
            "{workload}: {what}, {precision} unless stated otherwise",
            workload=workload,
            what=unit_name(ordered[0]),
            precision=USUAL_PRECISION,
        ),
        scale=Scale.around([*(entry.seconds for entry in ordered), *bounds], log=True, least=LADDER_SPAN),
        rows=tuple(ordered),
        slowest=max((e.seconds for e in ordered if not e.published), default=ordered[0].seconds),
    )


def unit_name(entry: Entry) -> str:
    """What the times of an entry's workload are times of."""
    amount = amount_name(entry)
    if not amount:
        return text("html.unit.run", "time of the whole workload")
    return text("html.unit.epochs", "time of {amount}, extrapolated if fewer were trained", amount=amount)


def amount_name(entry: Entry) -> str:
    """``10 epochs``; empty where a run does not count in epochs."""
    if entry.amount is None or entry.amount.unit != "epoch":
        return ""
    return epochs(entry.amount.count)


# ---------------------------------------------------------------- devices side by side


class DeviceTable(Value, frozen=True, kw_only=True):
    """One workload's recipes down, devices across.

    Attributes:
        columns: run, empty where there is one alone, and device.
        rows: the recipe, its entries, and one of them for each column, `None` where it did not run.
    """

    caption: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, Sequence[Entry], Sequence[Entry | None]], ...]


def devices(entries: Sequence[Entry]) -> Section:
    """A `DeviceTable` for each workload that ran on several devices."""
    tables = [_device_table(workload, group) for workload, group in by_workload(entries, LADDER).items()]
    return Section(
        name="devices",
        title=text("html.devices", "Devices side by side"),
        intro=text(
            "html.devices.intro",
            "Times are medians. The number in brackets is the speed-up over the slowest device with the same "
            "recipe and precision. Times in italics are published; torchup did not measure them.",
        ),
        parts=tuple(table for table in tables if len(table.columns) > 1),
    )


def _device_table(workload: str, group: Sequence[Entry]) -> DeviceTable:
    columns = tuple(dict.fromkeys((entry.run if entry.show_run else "", entry.device) for entry in group))
    recipes: dict[tuple[str, str], list[Entry]] = {}
    for entry in group:
        recipes.setdefault((entry.recipe, entry.result.precision), []).append(entry)
    rows = tuple(
        (
            recipe if precision == USUAL_PRECISION else f"{recipe} · {precision}",
            alike,
            [next((e for e in alike if e.device == device and run in {"", e.run}), None) for run, device in columns],
        )
        for (recipe, precision), alike in recipes.items()
    )
    return DeviceTable(caption=f"{workload}: {unit_name(group[0])}", columns=columns, rows=rows)


# ---------------------------------------------------------------- where the time went


def breakdown(entries: Sequence[Entry]) -> Section:
    """Stacked bars of input, transfer, launch, compute, other: an entry, and name, start and share of its parts."""
    found = [(entry, shares(entry.result.breakdown)) for entry in entries if entry.result.breakdown is not None]
    return Section(
        name="breakdown",
        title=text("results.breakdown", "Where the time went"),
        intro=text(
            "html.breakdown.intro",
            "Each bar is one result. Its parts are differences between measurements, shown as shares of their sum.",
        ),
        parts=tuple((entry, _bar(parts)) for entry, parts in found if parts),
    )


def _bar(parts: dict[str, float]) -> tuple[tuple[str, float, float], ...]:
    starts = accumulate(parts.values(), initial=0.0)  # and the end of the last
    return tuple(zip(parts, starts, parts.values(), strict=False))


def legend() -> list[tuple[str, str]]:
    """Each part of a bar, and its name in the language in use."""
    return [(part, render(part_name(part))) for part in PARTS]
