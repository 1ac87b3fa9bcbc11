"""Each result in the HTML report: the table of all, and the details (samples, machine, software, telemetry). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.bench.stability import advice
from torchup.bench.timebase import done
from torchup.encoding import to_builtins
from torchup.i18n import render, text
from torchup.i18n.sentences import sentence
from torchup.model import Value
from torchup.report import numbers
from torchup.report.bench_text import bound_name
from torchup.report.charts import Scale
from torchup.report.html_entry import Entry, Section, kind_name
from torchup.report.results_text import interval_text, quality_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.bench.timebase import Amount

    Cell = tuple[str, str, str]  # what is shown; of a number its class, and what it is sorted by, empty if not known

LONGEST_LIST = 24  # raw samples written as numbers; all of them are drawn


def columns() -> list[tuple[str, bool]]:
    """The headings, and whether numbers stand below."""
    return [
        (text("results.column.workload", "Workload"), False),
        (text("results.column.recipe", "Recipe"), False),
        (text("results.column.device", "Device"), False),
        (text("results.column.precision", "Precision"), False),
        (text("results.column.median", "Median"), True),
        (text("results.column.epochs", "Epochs"), True),
        (text("results.column.trained", "Trained"), True),
        (text("results.column.bounds", "Interval"), True),
        (text("results.column.rate", "Rate"), True),
        (text("results.column.quality", "Quality"), True),
        (text("results.column.memory", "Peak memory"), True),
        (text("results.column.repeats", "Repeats"), True),
        ("torch", False),
    ]


def all_results(entries: Sequence[Entry]) -> Section:
    """Every result: its entry, and the cells."""
    title, intro = text("html.all", "All results"), text("html.all.intro", "Click a column heading to sort the rows.")
    return Section(name="results", title=title, intro=intro, parts=tuple((entry, _cells(entry)) for entry in entries))


def _cells(entry: Entry) -> tuple[Cell, ...]:
    result = entry.result
    return (
        (result.workload, "", ""),
        (entry.recipe, "", ""),
        (entry.device, "", ""),
        (result.precision, "", ""),
        _number(numbers.seconds(entry.seconds), entry.seconds),
        _epochs(entry.timed.amount),
        _epochs(done(result)),
        _number(interval_text(entry.timed), entry.interval[1] - entry.interval[0] if entry.interval else None),
        _number(numbers.amount(result.samples_per_second, "/s"), result.samples_per_second),
        _number(quality_text(result) or numbers.NONE, next(iter(result.quality.values()), None), kind="number wraps"),
        _number(numbers.size(result.peak_memory_bytes), result.peak_memory_bytes),
        _number(str(len(result.repeats) or 1), len(result.repeats) or 1),
        (result.torch or numbers.NONE, "", ""),
    )


def _epochs(amount: Amount | None) -> Cell:
    """A number of epochs to show and to sort by."""
    if amount is None or amount.unit != "epoch":
        return _number(numbers.NONE, None)
    return _number(numbers.count(amount.count), amount.count)


def _number(shown: str, value: float | None, *, kind: str = "number") -> Cell:
    return shown, kind, "" if value is None else repr(value)


class Detail(Value, frozen=True, kw_only=True):
    """Everything that was recorded of one result. ``facts``: titles with names and values."""

    entry: Entry
    samples: str
    shown: str
    scale: Scale
    points: tuple[str, list[tuple[str, str]]]
    notes: tuple[str, ...]
    facts: tuple[tuple[str, list[tuple[str, str]]], ...]


def details(entries: Sequence[Entry]) -> Section:
    """A `Detail` for each measured result."""
    return Section(
        name="details",
        title=text("html.details", "Measured values and conditions"),
        intro=text(
            "html.details.intro",
            "What torchup recorded for each result: repeats, machine, software, telemetry. Long lists are cut; "
            "the result file has all values.",
        ),
        parts=tuple(_detail(entry) for entry in entries if not entry.published),
    )


def _detail(entry: Entry) -> Detail:
    result = entry.result
    notes = (*(notice.text for notice in advice(result)), *map(sentence, result.notes))
    return Detail(
        entry=entry,
        samples=text("html.samples", "Repeats ({count})", count=len(result.repeats)),
        shown=_joined(result.repeats),
        scale=Scale.around(result.repeats),
        points=(
            text("html.facts.samples", "Samples of each measurement"),
            [(name, _joined(taken)) for name, taken in result.raw.items()],
        ),
        notes=tuple(map(render, notes)),
        facts=(
            (text("html.facts.result", "Result"), list(_result_facts(entry))),
            (text("html.facts.machine", "Machine"), list(_flat(result.machine))),
            (text("html.facts.environment", "Environment"), list(_flat(result.environment))),
            (text("html.facts.parameters", "Parameters"), list(_flat(result.parameters))),
            (text("html.facts.telemetry", "Telemetry"), list(_telemetry(entry))),
        ),
    )


def _joined(samples: Sequence[float]) -> str:
    return _listed([numbers.seconds(value) for value in samples[:LONGEST_LIST]], len(samples))


def _listed(shown: Sequence[str], count: int) -> str:
    """The first values of a list, and how many there are in all if some were left out."""
    line = ", ".join(shown)
    if len(shown) == count:
        return line
    return text("html.list.cut", "{values}, ... ({count} in all)", values=line, count=count)


def _result_facts(entry: Entry) -> Iterator[tuple[str, str]]:
    result = entry.result
    yield text("html.fact.run", "run"), entry.run
    yield text("html.fact.kind", "kind"), render(kind_name(result.kind))
    if result.ci95 is not None:
        yield text("results.column.bounds", "Interval"), numbers.interval(result.ci95, len(result.repeats))
    if result.compile_seconds is not None:
        yield text("html.fact.compile", "compile time (not included)"), numbers.seconds(result.compile_seconds)
    if result.first_seconds is not None:
        yield text("html.fact.first", "first epoch"), numbers.seconds(result.first_seconds)
    if result.first_minute_rate is not None:
        rates = (numbers.amount(rate, "/s") for rate in (result.first_minute_rate, result.sustained_rate))
        yield text("html.fact.rates", "rate in the first minute, rate after it"), ", ".join(rates)
    if result.peak_memory_bytes is not None:
        yield text("results.column.memory", "Peak memory"), numbers.size(result.peak_memory_bytes)
    if result.limit is not None:
        yield from _limit_facts(entry)
    if result.code_hash is not None:
        yield text("html.fact.code", "hash of the worker's code"), result.code_hash[:16]


def _limit_facts(entry: Entry) -> Iterator[tuple[str, str]]:
    limit = entry.result.limit
    if limit is None:
        return
    if limit.seconds is not None:
        floor = limit.seconds * entry.timed.factor
        value = f"{numbers.seconds(floor)} ({bound_name(limit.bound)}), {numbers.percent(limit.share)}"
        yield text("html.fact.limit", "device's limit, share reached"), value
    if limit.flops is not None:
        yield (
            text("html.fact.flops", "achieved performance"),
            numbers.amount(limit.flops / entry.result.seconds, "FLOP/s"),
        )
    peak = numbers.amount(limit.peak_flops, "FLOP/s") if limit.peak_flops else text("html.fact.peak-unknown", "unknown")
    yield text("html.fact.peak", "peak performance"), f"{peak} ({limit.source})" if limit.source else peak


def _telemetry(entry: Entry) -> Iterator[tuple[str, str]]:
    watched = entry.result.telemetry
    if watched is None:
        return
    for name, value in to_builtins(watched).items():
        if name in {"sources", "unavailable"} or value is None or value == []:
            continue
        if isinstance(value, dict):
            yield name, f"{value['minimum']:.4g} - {value['median']:.4g} - {value['maximum']:.4g}"
        elif isinstance(value, list):
            yield name, ", ".join(value)
        else:
            yield name, f"{value:.4g}" if isinstance(value, float) else str(value)
    for name, reason in watched.unavailable.items():
        yield name, text("html.fact.unavailable", "not read: {reason}", reason=sentence(reason))


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value):
        for position, item in enumerate(value):
            yield from _flat(item, f"{prefix}.{position}")
    elif value is not None:
        yield prefix, _short(value)


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return _listed([_short(item) for item in value[:LONGEST_LIST]], len(value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
