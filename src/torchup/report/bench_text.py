"""A benchmark's answer as text: the ladder, this machine beside the article's, what was cut short. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import text
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
    parts.append("\n".join(shortened(results)))
    return "\n\n".join(part for part in parts if part)


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
