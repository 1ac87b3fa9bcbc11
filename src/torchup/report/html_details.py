"""The details of each result in the HTML report: raw samples, machine, software, telemetry, notes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.bench.stability import advice
from torchup.encoding import to_builtins
from torchup.i18n import render, text
from torchup.i18n.sentences import sentence
from torchup.model import Value
from torchup.report import numbers
from torchup.report.bench_text import bound_name
from torchup.report.charts import Scale
from torchup.report.html_entry import Entry, Section, kind_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LONGEST_LIST = 24  # raw samples written as numbers; all of them are drawn


class Facts(Value, frozen=True, kw_only=True):
    """A titled list of names and values."""

    title: str
    rows: tuple[tuple[str, str], ...]


class Detail(Value, frozen=True, kw_only=True):
    """Everything that was recorded of one result. ``shown``: its samples as text; ``scale``: to draw them on."""

    entry: Entry
    samples: str
    shown: str
    scale: Scale
    points: Facts
    notes: tuple[str, ...]
    facts: tuple[Facts, ...]


def details(entries: Sequence[Entry]) -> Section:
    """A `Detail` for each measured result."""
    return Section(
        name="details",
        title=text("html.details", "Samples and conditions"),
        intro=text("html.details.intro", "Everything that was recorded: raw samples, machine, software, telemetry."),
        parts=tuple(_detail(entry) for entry in entries if not entry.published),
    )


def _detail(entry: Entry) -> Detail:
    result = entry.result
    notes = (*(notice.text for notice in advice(result)), *map(sentence, result.notes))
    return Detail(
        entry=entry,
        samples=text("html.samples", "Raw samples ({count})", count=len(result.repeats)),
        shown=_joined(result.repeats),
        scale=Scale.around(result.repeats),
        points=_facts(
            text("html.facts.samples", "Every sample"), ((name, _joined(taken)) for name, taken in result.raw.items())
        ),
        notes=tuple(map(render, notes)),
        facts=(
            _facts(text("html.facts.result", "Result"), _result_facts(entry)),
            _facts(text("html.facts.machine", "Machine"), _flat(result.machine)),
            _facts(text("html.facts.environment", "Environment"), _flat(result.environment)),
            _facts(text("html.facts.parameters", "Parameters"), _flat(result.parameters)),
            _facts(text("html.facts.telemetry", "Telemetry"), _telemetry(entry)),
        ),
    )


def _facts(title: str, rows: Iterable[tuple[str, str]]) -> Facts:
    return Facts(title=title, rows=tuple(rows))


def _joined(samples: Sequence[float]) -> str:
    return ", ".join(numbers.seconds(value) for value in samples[:LONGEST_LIST])


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
        yield text("html.fact.rates", "first minute, after it"), ", ".join(rates)
    if result.peak_memory_bytes is not None:
        yield text("results.column.memory", "Peak memory"), numbers.size(result.peak_memory_bytes)
    if result.limit is not None:
        yield from _limit_facts(entry)
    if result.code_hash is not None:
        yield text("html.fact.code", "worker's code"), result.code_hash[:16]


def _limit_facts(entry: Entry) -> Iterator[tuple[str, str]]:
    limit = entry.result.limit
    if limit is None:
        return
    if limit.seconds is not None:
        floor = limit.seconds * entry.timed.factor
        value = f"{numbers.seconds(floor)} ({bound_name(limit.bound)}), {numbers.percent(limit.share)}"
        yield text("html.fact.limit", "device's limit, share reached"), value
    if limit.flops is not None:
        yield text("html.fact.flops", "achieved"), numbers.amount(limit.flops / entry.result.seconds, "FLOP/s")
    peak = (
        numbers.amount(limit.peak_flops, "FLOP/s")
        if limit.peak_flops
        else text("html.fact.peak-unknown", "peak unknown")
    )
    yield text("html.fact.peak", "peak"), f"{peak} ({limit.source})" if limit.source else peak


def _telemetry(entry: Entry) -> Iterator[tuple[str, str]]:
    watched = entry.result.telemetry
    if watched is None:
        return
    for name, value in to_builtins(watched).items():
        if name in {"sources", "unavailable"} or value is None or value == []:
            continue
        if isinstance(value, dict):
            yield name, f"{value['minimum']:.4g} - {value['median']:.4g} - {value['maximum']:.4g}"
        else:
            yield (
                name,
                ", ".join(value)
                if isinstance(value, list)
                else f"{value:.4g}"
                if isinstance(value, float)
                else str(value),
            )
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
        shown = (
            ", ".join(_short(item) for item in value[:LONGEST_LIST])
            if isinstance(value, list | tuple)
            else _short(value)
        )
        yield prefix, shown


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
