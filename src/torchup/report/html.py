"""`torchup results report --html`: one self-contained page, no network, safe to open whatever a file holds. Pure.

Everything untrusted goes through `markup.element`, which escapes. Behind that stands a content security policy that
allows only this page's own style and script, by their hashes: no request can leave the page, no other script can run.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from torchup import i18n
from torchup.i18n import text
from torchup.report.html_details import details
from torchup.report.html_entry import Entry, entries_of
from torchup.report.html_plots import curves, roofline, scaling
from torchup.report.html_sections import breakdown, devices, ladder, speedruns, summary
from torchup.report.html_table import all_results
from torchup.report.markup import Markup, element, join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.results.run import Run


def page(runs: Sequence[Run], *, baseline: Run | None = None) -> str:
    """The whole document for some runs; ``baseline``: published results to show beside them."""
    shown = list(runs)
    workloads = {result.workload for run in runs for result in run.results}
    if baseline is not None and workloads & {result.workload for result in baseline.results}:
        shown.append(baseline)
    entries = entries_of(shown)
    title = text("html.title", "torchup results")
    body = join(
        element("a", {"class": "skip", "href": "#main"}, text("html.skip", "Skip to content")),
        _top(runs, title),
        _controls(entries),
        element("main", {"id": "main"}, _sections(entries)),
        _footer(baseline if baseline in shown else None),
        element("script", None, Markup(asset("report.js"))),
    )
    language = {"zh": "zh-CN"}.get(i18n.current(), "en")
    return "<!doctype html>\n" + element("html", {"lang": language}, head(title), element("body", None, body)) + "\n"


@cache
def asset(name: str) -> str:
    """The style or the script of a page."""
    return files("torchup.report").joinpath(f"assets/{name}").read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def head(title: str) -> Markup:
    """The head of a page that loads nothing and runs no script but the report's own."""
    style, script = asset("report.css"), asset("report.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "referrer", "content": "no-referrer"}),
        element("meta", {"name": "generator", "content": "torchup"}),
        element("title", None, title),
        element("style", None, Markup(style)),
    )


def _top(runs: Sequence[Run], title: str) -> Markup:
    names = ", ".join(run.id + (f" ({run.created_at})" if run.created_at else "") for run in runs)
    theme = {"id": "theme", "type": "button", "class": "theme", "aria-pressed": "false", "hidden": True}
    heading = element("div", None, element("h1", None, title), element("p", {"class": "soft"}, names))
    return element("header", {"class": "top"}, heading, element("button", theme, text("html.theme", "Light / dark")))


def _controls(entries: Sequence[Entry]) -> Markup:
    workloads = list(dict.fromkeys(entry.result.workload for entry in entries))
    names = list(dict.fromkeys(entry.device for entry in entries))
    published = any(entry.published for entry in entries)
    return element(
        "form",
        {"id": "controls", "class": "controls", "hidden": True, "role": "search"},
        element(
            "label", None, text("html.filter.words", "Search"), element("input", {"type": "search", "name": "words"})
        ),
        element("label", None, text("results.column.workload", "Workload"), _select("workload", workloads)),
        element("label", None, text("results.column.device", "Device"), _select("device", names)),
        element(
            "label",
            {"class": "check", "hidden": not published},
            element("input", {"type": "checkbox", "name": "published", "checked": True}),
            text("html.filter.published", "published times"),
        ),
        element("button", {"type": "reset"}, text("html.filter.reset", "Reset")),
        element("output", {"id": "count", "aria-live": "polite"}),
    )


def _select(name: str, choices: Sequence[str]) -> Markup:
    options = [element("option", {"value": ""}, text("html.filter.all", "all"))]
    return element("select", {"name": name}, *options, *(element("option", {"value": c}, c) for c in choices))


def _sections(entries: Sequence[Entry]) -> Markup:
    if not any(not entry.published for entry in entries):
        return element("p", None, text("html.empty", "These runs have no results."))
    parts = (summary, ladder, devices, breakdown, roofline, speedruns, scaling, curves, all_results, details)
    return join(*(part(entries) for part in parts))


def _footer(baseline: Run | None) -> Markup:
    lines = [
        text(
            "html.footer",
            "Medians with bootstrap intervals over fresh processes, each with the confidence level that its "
            "number of repeats supports. Raw samples are kept; outliers are flagged and never dropped. Made by "
            "torchup; this page loads nothing from the network.",
        )
    ]
    if baseline is not None:
        title, source = _published(baseline)
        lines.append(
            text("html.footer.published", "Published times: {title}. Source: {source}.", title=title, source=source)
        )
    return element("footer", {"class": "soft"}, *(element("p", None, line) for line in lines))


def _published(baseline: Run) -> tuple[str, str]:
    """Title and source of a baseline; the article's, which torchup brings, in the user's language."""
    if baseline.id == "article":
        return (
            text("results.article.title", "The article's four devices (published, not measured by torchup)"),
            text("results.article.source", "the article's table of training times"),
        )
    return baseline.title or baseline.id, baseline.source or "-"
