"""`torchup results report --html`: one self-contained page, no network, safe to open whatever a file holds. Pure.

Templates escape everything (`report.templating`). Behind that stands a content security policy that allows only this
page's own style and script, by their hashes: no request can leave the page, no other script can run.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from torchup import i18n
from torchup.i18n import text
from torchup.report import numbers
from torchup.report.html_details import all_results, columns, details
from torchup.report.html_entry import entries_of
from torchup.report.html_plots import curves, roofline, scaling
from torchup.report.html_sections import breakdown, devices, ladder, legend, speedruns, summary
from torchup.report.templating import asset, rendered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.results.run import Run


def page(runs: Sequence[Run], *, baseline: Run | None = None) -> str:
    """The whole document for some runs; ``baseline``: published results to show beside them."""
    shown = list(runs)
    workloads = {result.workload for run in runs for result in run.results}
    beside = baseline is not None and bool(workloads & {result.workload for result in baseline.results})
    if baseline is not None and beside:
        shown.append(baseline)
    entries = entries_of(shown)
    return document(
        "report/templates/results.html.jinja",
        title=text("html.title", "torchup results"),
        footer=_footer(baseline if beside else None),
        runs=", ".join(run.id + (f" ({run.created_at})" if run.created_at else "") for run in runs),
        measured=any(not entry.published for entry in entries),
        published=any(entry.published for entry in entries),
        filters={
            "workload": tuple(dict.fromkeys(entry.result.workload for entry in entries)),
            "device": tuple(dict.fromkeys(entry.device for entry in entries)),
        },
        labels=_labels(),
        summaries=summary(entries),
        legend=legend(),
        columns=columns(),
        sections={
            part.name: part
            for part in (
                ladder(entries), devices(entries), breakdown(entries), roofline(entries), speedruns(entries),
                scaling(entries), curves(entries), all_results(entries), details(entries),
            )
        },
    )  # fmt: skip


def document(template: str, *, title: str, footer: Sequence[str], **values: object) -> str:
    """A page that loads nothing and runs no script but the report's own; ``template`` extends `document.html.jinja`."""
    style, script = _hash(asset("report.css")), _hash(asset("report.js"))
    found = rendered(
        template,
        title=title,
        footer=footer,
        language={"zh": "zh-CN"}.get(i18n.current(), "en"),
        policy=f"default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'",
        skip=text("html.skip", "Skip to content"),
        theme=text("html.theme", "Light / dark"),
        numbers=numbers,
        **values,
    )
    return f"{found}\n"


def _hash(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def _labels() -> dict[str, str]:
    return {
        "search": text("html.filter.words", "Search"),
        "workload": text("results.column.workload", "Workload"),
        "device": text("results.column.device", "Device"),
        "recipe": text("results.column.recipe", "Recipe"),
        "published": text("html.filter.published", "published times"),
        "reset": text("html.filter.reset", "Reset"),
        "all": text("html.filter.all", "all"),
        "empty": text("html.empty", "These runs have no results."),
    }


def _footer(baseline: Run | None) -> list[str]:
    lines = [
        text(
            "html.footer",
            "Values are medians over repeats, each in a fresh process. Bootstrap intervals have the confidence "
            "level that the number of repeats supports. torchup keeps every repeat; it flags outliers and never "
            "drops them. Made by torchup; this page loads nothing from the network.",
        )
    ]
    if baseline is not None:
        title, source = _published(baseline)
        lines.append(
            text("html.footer.published", "Published times: {title}. Source: {source}.", title=title, source=source)
        )
    return lines


def _published(baseline: Run) -> tuple[str, str]:
    """Title and source of a baseline; the article's, which torchup brings, in the user's language."""
    if baseline.id == "article":
        return (
            text("results.article.title", "The article's four devices (published, not measured by torchup)"),
            text("results.article.source", "the article's table of training times"),
        )
    return baseline.title or baseline.id, baseline.source or "-"
