"""The details of each result in the HTML report: raw samples, machine, software, telemetry, notes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.bench.stability import advice
from torchup.encoding import to_builtins
from torchup.i18n import render, text
from torchup.i18n.sentences import sentence
from torchup.report import numbers, svg
from torchup.report.bench_text import bound_name
from torchup.report.html_entry import Entry, kind_name
from torchup.report.html_sections import section
from torchup.report.markup import Markup, element, join, prose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST_LIST = 24  # raw samples written as numbers; all of them are drawn


def details(entries: Sequence[Entry]) -> Markup:
    """One fold a measured result."""
    folds = [_fold(entry) for entry in entries if not entry.published]
    intro = text("html.details.intro", "Everything that was recorded: raw samples, machine, software, telemetry.")
    return section("details", text("html.details", "Samples and conditions"), *folds, intro=intro)


def _fold(entry: Entry) -> Markup:
    title = f"{entry.result.workload} · {entry.recipe} · {entry.context} · {numbers.seconds(entry.seconds)}"
    return element(
        "details",
        entry.attributes,
        element("summary", None, title),
        _samples(entry),
        _facts(text("html.facts.samples", "Every sample"), _points(entry)),
        _notes(entry),
        _facts(text("html.facts.result", "Result"), _result_facts(entry)),
        _facts(text("html.facts.machine", "Machine"), _flat(entry.result.machine)),
        _facts(text("html.facts.environment", "Environment"), _flat(entry.result.environment)),
        _facts(text("html.facts.parameters", "Parameters"), _flat(entry.result.parameters)),
        _facts(text("html.facts.telemetry", "Telemetry"), _telemetry(entry)),
    )


def _samples(entry: Entry) -> Markup:
    samples = entry.result.repeats
    if not samples:
        return Markup()
    shown = ", ".join(numbers.seconds(value) for value in samples[:LONGEST_LIST])
    title = text("html.samples", "Raw samples ({count})", count=len(samples))
    return join(
        element("h3", None, title),
        svg.strip(samples, entry.result.outliers, f"{title}: {shown}") if len(samples) > 1 else Markup(),
        element("p", {"class": "soft"}, shown),
    )


def _points(entry: Entry) -> Iterator[tuple[str, str]]:
    """What a small workload timed, point by point."""
    for name, taken in entry.result.raw.items():
        yield name, ", ".join(numbers.seconds(value) for value in taken[:LONGEST_LIST])


def _notes(entry: Entry) -> Markup:
    lines = [render(notice.text) for notice in advice(entry.result)] + [
        render(sentence(note)) for note in entry.result.notes
    ]
    return (
        element("ul", {"class": "notes"}, *(element("li", None, prose(line)) for line in lines)) if lines else Markup()
    )


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
        yield (
            text("html.fact.flops", "achieved performance"),
            numbers.amount(limit.flops / entry.result.seconds, "FLOP/s"),
        )
    peak = (
        numbers.amount(limit.peak_flops, "FLOP/s")
        if limit.peak_flops
        else text("html.fact.peak-unknown", "peak unknown")
    )
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


def _facts(title: str, facts: Iterator[tuple[str, str]]) -> Markup:
    pairs = [join(element("dt", None, name), element("dd", None, value)) for name, value in facts]
    return join(element("h3", None, title), element("dl", {"class": "facts"}, *pairs)) if pairs else Markup()
