"""`torchup fleet report --html`: one self-contained page of many machines, made of the report's own parts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup import i18n
from torchup.i18n import render, text
from torchup.model import Severity
from torchup.report.doctor_text import command_line
from torchup.report.html import asset, head
from torchup.report.html_sections import section
from torchup.report.markup import Markup, element, join, prose
from torchup.report.plan_text import machine_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Finding
    from torchup.report.fleet import Drift, Member

NONE = "–"  # what the report's tables show where nothing is known


def fleet_page(members: Sequence[Member], found: Sequence[Drift]) -> str:
    """The whole document."""
    title = text("fleet.title", "Machines and their PyTorch")
    theme = {"id": "theme", "type": "button", "class": "theme", "aria-pressed": "false", "hidden": True}
    top = element(
        "header",
        {"class": "top"},
        element("h1", None, title),
        element("button", theme, text("html.theme", "Light / dark")),
    )
    sections = (_tiles(members, found), _machines(members), _drifts(found), _findings(members), _details(members))
    body = join(
        element("a", {"class": "skip", "href": "#main"}, text("html.skip", "Skip to content")),
        top,
        element("main", {"id": "main"}, join(*sections)),
        element("footer", {"class": "soft"}, element("p", None, _footer())),
        element("script", None, Markup(asset("report.js"))),
    )
    language = {"zh": "zh-CN"}.get(i18n.current(), "en")
    return "<!doctype html>\n" + element("html", {"lang": language}, head(title), element("body", None, body)) + "\n"


def _footer() -> str:
    return text(
        "fleet.footer", "Planned from the catalogue; no machine was contacted. Made by torchup; this page loads"
        " nothing.",
    )  # fmt: skip


def _tiles(members: Sequence[Member], found: Sequence[Drift]) -> Markup:
    planned = sum(one.plan is not None for one in members)
    on_gpu = sum(one.plan is not None and one.plan.uses_gpu for one in members)
    bad = sum(one.plan is None or _worst(one) is Severity.ERROR for one in members)
    tiles = (
        (text("fleet.tile.machines", "Machines"), len(members)),
        (text("fleet.tile.planned", "with a build that fits"), planned),
        (text("fleet.tile.gpu", "with a usable GPU"), on_gpu),
        (text("fleet.tile.errors", "with errors"), bad),
        (text("fleet.tile.drifts", "Drifts"), len(found)),
    )
    boxes = [element("div", None, element("dt", None, name), element("dd", None, str(count))) for name, count in tiles]
    return element("dl", {"class": "tiles"}, *boxes)


def _worst(one: Member) -> Severity | None:
    severities = [finding.severity for finding in one.diagnosis.findings] if one.diagnosis else []
    order = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    return next((severity for severity in order if severity in severities), None)


def _machines(members: Sequence[Member]) -> Markup:
    columns = (
        text("fleet.column.machine", "Machine"), text("plan.column.build", "Build"),
        text("fleet.column.state", "State"), text("plan.column.python", "Python"), text("plan.column.gpus", "GPUs"),
        text("fleet.column.driver", "Driver"), text("fleet.column.system", "System"),
    )  # fmt: skip
    heads = [element("th", {"scope": "col"}, element("button", {"type": "button"}, name)) for name in columns]
    table = element(
        "table", {"id": "all"}, element("thead", None, element("tr", None, *heads)),
        element("tbody", None, *(_row(one) for one in members)),
    )  # fmt: skip
    title = text("fleet.machines", "All machines")
    box = {"class": "scroll", "tabindex": 0, "role": "region", "aria-label": title}
    intro = text("html.all.intro", "Click a heading to sort.")
    return section("machines", title, element("div", box, table), intro=intro)


def _row(one: Member) -> Markup:
    machine = one.machine
    system = " ".join(filter(None, (machine.distribution or machine.os.value, machine.os_version, machine.arch))) \
        if machine else NONE  # fmt: skip
    values = (
        one.name, one.label or text("plan.none", "none"), _state(one), one.plan.python if one.plan else NONE,
        one.gpus or NONE, one.drivers or NONE, system,
    )  # fmt: skip
    wide: dict[str, object] = {"class": "wraps"}
    cells = [element("td", wide if value == one.gpus else None, value) for value in values]
    return element("tr", None, *cells)


def _state(one: Member) -> str:
    if one.failure is not None:
        return text("fleet.state.none", "no plan")
    worst = _worst(one)
    if worst is Severity.ERROR and one.diagnosis is not None:
        return one.diagnosis.primary or text("fleet.state.error", "error")
    if worst is Severity.WARNING:
        return text("fleet.state.warning", "warning")
    if one.plan is not None and one.plan.uncovered_gpus:
        return text("fleet.state.left-out", "a GPU is left out")
    return text("fleet.state.ready", "ready")


def _drifts(found: Sequence[Drift]) -> Markup:
    title = text("fleet.drifts", "Drifts")
    intro = text(
        "fleet.drifts.intro", "Environments whose torch is not the planned one, and machines that differ from the"
        " others with the same GPUs.",
    )  # fmt: skip
    items = [element("li", None, element("b", None, drift.machine), ": ", prose(drift.text)) for drift in found]
    none = element("p", None, text("fleet.drifts.none", "None: equal machines have equal plans and settings."))
    return section("drifts", title, element("ul", {"class": "notes"}, *items) if items else none, intro=intro)


def _findings(members: Sequence[Member]) -> Markup:
    title = text("fleet.findings", "Findings")
    boxes = [
        _diagnosed(one) for one in members if one.failure is not None or (one.diagnosis and one.diagnosis.findings)
    ]
    none = element("p", None, text("fleet.findings.none", "None: no problem was found on these machines."))
    return section("findings", title, join(*boxes) if boxes else none)


def _diagnosed(one: Member) -> Markup:
    parts = [element("h3", None, one.name)]
    if one.failure is not None:
        parts.append(element("p", {"class": "advice"}, prose(one.failure)))
        parts.append(element("p", None, prose(one.hint)) if one.hint else Markup())
    parts += [_finding(finding) for finding in (one.diagnosis.findings if one.diagnosis else ())]
    return join(*parts)


def _finding(finding: Finding) -> Markup:
    parts = [element("p", {"class": "advice"}, element("b", None, finding.rule), ": ", prose(render(finding.summary)))]
    if finding.evidence:
        lines = [element("li", None, render(line)) for line in finding.evidence]
        parts.append(element("ul", {"class": "notes"}, *lines))
    if finding.remedy is not None:
        parts.append(element("p", None, prose(render(finding.remedy.text))))
        commands = [command_line(command, finding.remedy.shell) for command in finding.remedy.commands]
        if commands:
            code = element("pre", None, element("code", None, "\n".join(commands)))
            parts.append(element("div", {"class": "scroll", "tabindex": 0}, code))
    return join(*parts)


def _details(members: Sequence[Member]) -> Markup:
    planned = [one for one in members if one.plan is not None and one.machine is not None]
    return section("plans", text("fleet.plans", "Plans"), *(_plan(one) for one in planned))


def _plan(one: Member) -> Markup:
    if one.plan is None or one.machine is None:
        return Markup()
    rows = [
        (text("plan.label.machine", "This machine"), machine_line(one.machine)),
        (text("plan.label.why", "Why"), " ".join(render(reason) for reason in one.plan.why)),
        (text("plan.label.from", "Source"), one.plan.build.index_url or one.plan.build.source or NONE),
        (text("fleet.packages", "Packages"), ", ".join(one.plan.requirements)),
        *((text("fleet.advice", "Note"), render(notice.text)) for notice in one.plan.advice),
        *(
            (text("fleet.environment", "Environment"), f"{e.name}: torch {e.torch or NONE}, Python {e.python or NONE}")
            for e in one.environments
        ),
    ]
    facts = [piece for name, value in rows for piece in (element("dt", None, name), element("dd", None, prose(value)))]
    label = f"{one.name}: {one.label}"
    return element("details", None, element("summary", None, label), element("dl", {"class": "facts"}, *facts))
