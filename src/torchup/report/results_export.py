"""Results as Markdown and CSV. Pure."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from torchup.bench.stability import advice
from torchup.bench.timebase import common, cut, for_request, seconds_for
from torchup.i18n import printable, render, text
from torchup.i18n.sentences import sentence
from torchup.report import numbers
from torchup.report.results_text import PARTS, epochs, interval_text, quality_text, recipe_text, short_device, trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Result
    from torchup.results.run import Run

CSV_COLUMNS = (
    "run", "created_at", "workload", "recipe", "kind", "device", "device_name", "precision", "torch", "world_size",
    "epochs", "seconds_for_request", "extrapolated", "cut_steps", "cut_steps_asked",
    "median_seconds", "ci95_low", "ci95_high", "repeats", "outliers", "stable", "samples_per_second", "quality",
    "peak_memory_bytes", "compile_seconds", *(f"{part}_seconds" for part in PARTS), "limit_seconds", "limit_share",
    "measured", "raw_seconds",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_markdown(run: Run) -> str:
    """A section with a table a workload, for an issue or a README."""
    parts = [f"# {text('results.md.title', 'torchup results')} {_cell(run.id)}", _machine(run)]
    for workload in dict.fromkeys(result.workload for result in run.results):
        chosen = [result for result in run.results if result.workload == workload]
        parts += [f"## {_cell(workload)}", _markdown_table(chosen), _markdown_notes(chosen)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _machine(run: Run) -> str:
    devices = dict.fromkeys(short_device(result) for result in run.results)
    versions = dict.fromkeys(result.torch for result in run.results if result.torch)
    lines = [f"- {text('results.column.device', 'Device')}: {_cell(', '.join(devices))}"]
    if versions:
        lines.append(f"- torch: {_cell(', '.join(versions))}")
    if run.created_at:
        lines.append(f"- {text('results.md.when', 'Measured')}: {_cell(run.created_at)}")
    return "\n".join(lines)


def _markdown_table(results: Sequence[Result]) -> str:
    amount = common(results)
    timed = sorted(
        ((seconds_for(result, amount), result) for result in results), key=lambda entry: entry[0].seconds, reverse=True
    )
    median = text("results.column.median", "Median")
    headers = (
        text("results.column.recipe", "Recipe"),
        text("results.column.device", "Device"),
        text("results.column.precision", "Precision"),
        median if amount is None else f"{median} ({epochs(amount.count)})",
        text("results.column.trained", "Trained"),
        text("results.column.bounds", "Interval"),
        text("results.column.rate", "Rate"),
        text("results.column.quality", "Quality"),
        text("results.column.speedup", "Speed-up"),
    )
    rows = [headers, tuple("---" for _ in headers)]
    rows += [
        (
            recipe_text(result),
            short_device(result),
            result.precision,
            numbers.seconds(one.seconds),
            trained(one),
            interval_text(one),
            numbers.amount(result.samples_per_second, "/s"),
            quality_text(result) or numbers.NONE,
            numbers.ratio(timed[0][0].seconds / one.seconds),
        )
        for one, result in timed
    ]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)


def _markdown_notes(results: Sequence[Result]) -> str:
    lines = [
        f"- {_cell(result.recipe)}: {_cell(line)}"
        for result in results
        for line in [
            *(render(notice.text) for notice in advice(result)),
            *(render(sentence(note)) for note in result.notes),
        ]
    ]
    return "\n".join(dict.fromkeys(lines))


def _cell(untrusted: str) -> str:
    """Untrusted text in a Markdown cell: one line, its markup and HTML without effect."""
    line = " ".join(printable(untrusted).split())
    escaped = "".join(f"\\{c}" if c in "\\`*_[]|#~!" else c for c in line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if line != "---" else line


def to_csv(run: Run) -> str:
    """One line a result; numbers unrounded, unknown empty, raw samples joined by spaces."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for result in run.results:
        writer.writerow([_csv_cell(value) for value in _csv_row(run, result)])
    return output.getvalue()


def _csv_row(run: Run, result: Result) -> list[object]:
    low, high = result.ci95 or (None, None)
    parts = [getattr(result.breakdown, part) if result.breakdown else None for part in PARTS]
    limit = (result.limit.seconds, result.limit.share) if result.limit else (None, None)
    timed, part = for_request(result), cut(result)
    steps = (part.steps, part.steps_asked) if part else (None, None)
    middle = result.median if result.median is not None else result.seconds
    quality = " ".join(f"{name}={value!r}" for name, value in result.quality.items())
    return [
        run.id, run.created_at, result.workload, result.recipe, result.kind, result.device, result.device_name,
        result.precision, result.torch, result.world_size, result.epochs,
        timed.seconds, timed.extrapolated, *steps, middle, low, high, len(result.repeats),
        len(result.outliers), result.stable, result.samples_per_second, quality, result.peak_memory_bytes,
        result.compile_seconds, *parts, *limit, result.measured, " ".join(repr(value) for value in result.repeats),
    ]  # fmt: skip


def _csv_cell(value: object) -> object:
    """A value that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    if isinstance(value, str):
        shown = printable(value)
        return f"'{shown}" if shown.startswith(_FORMULA) else shown
    return (
        {None: "", True: "true", False: "false"}.get(value, value)
        if value is None or isinstance(value, bool)
        else value
    )
