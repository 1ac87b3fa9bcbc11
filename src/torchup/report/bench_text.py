"""A benchmark's answer as text: the ladder, this machine beside the article's, what was cut short. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.bench.breakdown import advise
from torchup.i18n import render, text
from torchup.report import numbers
from torchup.report.results_text import beside_text, results_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Result
    from torchup.report.style import Style
    from torchup.results.schema import Run


def bench_text(results: Sequence[Result], style: Style, *, baseline: Run | None = None) -> str:
    """All of it, sections apart by an empty line."""
    parts = [results_text(results, style)]
    if baseline is not None:
        parts.append(beside_text(results, baseline, style))
    parts += ["\n".join(limits(results)), "\n".join(advice(results)), "\n".join(shortened(results))]
    return "\n\n".join(part for part in parts if part)


def limits(results: Sequence[Result]) -> list[str]:
    """A line for each device: what its limit is, and how far the fastest run is from it."""
    lines = []
    for device in dict.fromkeys((result.workload, result.device) for result in results):
        fastest = min((r for r in results if (r.workload, r.device) == device), key=lambda r: r.seconds)
        bound = fastest.limit
        if bound is None:
            continue
        name = fastest.device_name or fastest.device
        if bound.seconds is None or bound.share is None:
            lines.append(text("bench.limit.unknown", "{device}: peak unknown, so no limit is claimed", device=name))
            continue
        line = text(
            "bench.limit",
            "{device}: its limit for this work is {limit} ({bound}); `{recipe}` reaches {share} of it",
            device=name,
            limit=numbers.seconds(bound.seconds),
            bound=bound_name(bound.bound),
            recipe=fastest.recipe,
            share=numbers.percent(bound.share),
        )
        lines.append(line)
    return lines


def bound_name(name: str | None) -> str:
    """What a device's limit is made of, in words."""
    return text("bench.bound.bytes", "memory bandwidth") if name == "bytes" else text("bench.bound.flops", "arithmetic")


def advice(results: Sequence[Result]) -> list[str]:
    """A sentence for each run that wastes most of its time."""
    found = []
    for result in results:
        others = {r.recipe: r.seconds for r in results if r.device == result.device and r.recipe != result.recipe}
        sentence = advise(result, others)
        if sentence is not None:
            found.append(f"{result.recipe} ({result.device}): {render(sentence)}")
    return found


def shortened(results: Sequence[Result]) -> list[str]:
    """A line for each result that the budget cut short: it measured fewer whole epochs than it was asked for."""
    lines = []
    for result in results:
        epochs, asked = result.parameters.get("epochs"), result.parameters.get("epochs_asked")
        if isinstance(epochs, int) and isinstance(asked, int) and epochs < asked:
            line = text(
                "bench.shortened",
                "{recipe} ({device}): the budget was good for {epochs} of {asked} epochs; accuracy is not judged",
                recipe=result.recipe,
                device=result.device,
                epochs=epochs,
                asked=asked,
            )
            lines.append(line)
    return lines
