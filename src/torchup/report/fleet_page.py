"""`torchup fleet report --html`: one self-contained page of many machines, made of the report's own parts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import render, text
from torchup.model import Severity
from torchup.report.html import document
from torchup.report.html_blocks import commands
from torchup.report.html_entry import Section
from torchup.report.plan_text import machine_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.model import Plan
    from torchup.report.fleet import Drift, Member

NONE = "–"  # what the report's tables show where nothing is known


def fleet_page(members: Sequence[Member], found: Sequence[Drift]) -> str:
    """The whole document."""
    footer = text(
        "fleet.footer",
        "Planned from the catalogue; no machine was contacted. Made by torchup; this page loads nothing from the "
        "network.",
    )
    return document(
        "report/templates/fleet.html.jinja",
        title=text("fleet.title", "Machines and their PyTorch"),
        footer=[footer],
        counts=_counts(members, found),
        columns=_columns(),
        commands=commands,
        sections={
            part.name: part for part in (_machines(members), _drifts(found), _findings(members), _plans(members))
        },
    )


def _counts(members: Sequence[Member], found: Sequence[Drift]) -> list[tuple[str, int]]:
    planned = sum(one.plan is not None for one in members)
    on_gpu = sum(one.plan is not None and one.plan.uses_gpu for one in members)
    bad = sum(one.plan is None or _worst(one) is Severity.ERROR for one in members)
    return [
        (text("fleet.tile.machines", "Machines"), len(members)),
        (text("fleet.tile.planned", "with a build that fits"), planned),
        (text("fleet.tile.gpu", "with a build that uses the GPU"), on_gpu),
        (text("fleet.tile.errors", "with errors or without a plan"), bad),
        (text("fleet.tile.drifts", "Drifts"), len(found)),
    ]


def _worst(one: Member) -> Severity | None:
    severities = [finding.severity for finding in one.diagnosis.findings] if one.diagnosis else []
    order = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    return next((severity for severity in order if severity in severities), None)


def _columns() -> list[tuple[str, bool]]:
    """Headings; no column holds numbers."""
    names = (
        text("fleet.column.machine", "Machine"), text("plan.column.build", "Build"),
        text("fleet.column.state", "State"), text("plan.column.python", "Python"), text("plan.column.gpus", "GPUs"),
        text("fleet.column.driver", "Driver"), text("fleet.column.system", "System"),
    )  # fmt: skip
    return [(name, False) for name in names]


def _machines(members: Sequence[Member]) -> Section:
    title, intro = (
        text("fleet.machines", "All machines"),
        text("html.all.intro", "Click a column heading to sort the rows."),
    )
    return Section(name="machines", title=title, intro=intro, parts=tuple(map(_row, members)))


def _row(one: Member) -> tuple[tuple[str, bool], ...]:
    """The cells of a machine, and whether their lines may break."""
    machine = one.machine
    system = " ".join(filter(None, (machine.distribution or machine.os.value, machine.os_version, machine.arch))) \
        if machine else NONE  # fmt: skip
    values = (
        one.name, one.label or text("plan.none", "none"), _state(one), one.plan.python if one.plan else NONE,
        one.gpus or NONE, one.drivers or NONE, system,
    )  # fmt: skip
    return tuple((value, value == one.gpus) for value in values)


def _state(one: Member) -> str:
    if one.failure is not None:
        return text("fleet.state.none", "no plan")
    worst = _worst(one)
    if worst is Severity.ERROR and one.diagnosis is not None:
        return one.diagnosis.primary or text("fleet.state.error", "error")
    if worst is Severity.WARNING:
        return text("fleet.state.warning", "warning")
    if one.plan is not None and one.plan.uncovered_gpus:
        return text("fleet.state.left-out", "a GPU stays unused")
    return text("fleet.state.ready", "ready")


def _drifts(found: Sequence[Drift]) -> Section:
    return Section(
        name="drifts",
        title=text("fleet.drifts", "Drifts"),
        intro=text(
            "fleet.drifts.intro",
            "Environments whose torch is not the planned one, and machines whose driver or planned build differs "
            "from that of others with the same system and GPUs.",
        ),
        parts=tuple(found),
        note=""
        if found
        else text(
            "fleet.drifts.none",
            "None: no difference was found between machines with the same system and GPUs, and no environment "
            "was found whose torch differs from the plan.",
        ),
    )


def _findings(members: Sequence[Member]) -> Section:
    parts = tuple(
        one for one in members if one.failure is not None or (one.diagnosis is not None and one.diagnosis.findings)
    )
    none = text("fleet.findings.none", "None: no problem was found on these machines.")
    return Section(name="findings", title=text("fleet.findings", "Findings"), parts=parts, note="" if parts else none)


def _plans(members: Sequence[Member]) -> Section:
    parts = tuple((one, tuple(_facts(one, one.plan))) for one in members if one.plan is not None)
    return Section(name="plans", title=text("fleet.plans", "Plans"), parts=parts)


def _facts(one: Member, plan: Plan) -> Iterator[tuple[str, str]]:
    if one.machine is not None:
        yield text("fleet.column.machine", "Machine"), machine_line(one.machine)
    yield text("plan.label.why", "Why"), " ".join(render(reason) for reason in plan.why)
    yield text("plan.label.from", "Source"), plan.build.index_url or plan.build.source or NONE
    yield text("fleet.packages", "Packages"), ", ".join(plan.requirements)
    for notice in plan.advice:
        yield text("fleet.advice", "Note"), render(notice.text)
    for e in one.environments:
        name = text("fleet.environment", "Environment")
        yield name, f"{e.name}: torch {e.torch or NONE}, Python {e.python or NONE}"
