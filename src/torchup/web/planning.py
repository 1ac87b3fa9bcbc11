"""The page's plan: the same JSON as `torchup plan --machine FILE --json`, and HTML to read. Pure."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog import load_catalog
from torchup.envelope import document
from torchup.errors import UsageError
from torchup.install import steps
from torchup.plan import resolve
from torchup.plan.explain import why_not
from torchup.plan.export import FORMATS, export
from torchup.plan.exports import FILE_NAMES
from torchup.report.html_plan import plan_html
from torchup.report.plan_commands import install_lines
from torchup.report.plan_text import build_line, plan_data
from torchup.sources.told import mirror_told
from torchup.web.answer import PageAnswer
from torchup.web.machine import machine_asked
from torchup.web.question import request_of

if TYPE_CHECKING:
    from torchup.model import Machine, Plan
    from torchup.web.question import Question

FOLDER = "envs/default"  # what the command line says of another machine


def plan_answer(question: Question) -> PageAnswer:
    """Plan for the machine of the question. Raises `TorchupError` as `resolve` does."""
    catalog, request = load_catalog(), request_of(question)
    imagined = machine_asked(question, catalog)
    machine = imagined.machine
    survey = mirror_told(machine, request, catalog)
    plan = resolve(machine, request, catalog, survey)
    asked = why_not(question.asked.strip(), machine, request, catalog, survey) if question.asked.strip() else None
    whole = plan_data(replace(plan, steps=steps(plan, FOLDER)), machine)
    html = plan_html(
        plan, machine, install_lines(plan, machine, question.manager), assumed=imagined.assumed,
        files=files(plan, machine), asked=asked, interactive=True,
    )  # fmt: skip
    return PageAnswer(document=document("plan", whole), html=html, spoken=build_line(plan))


def files(plan: Plan, machine: Machine) -> dict[str, str]:
    """File name -> content of every export that can hold this plan."""
    found = {}
    for kind in FORMATS:
        with suppress(UsageError):
            found[FILE_NAMES.get(kind, kind)] = export(plan, machine, kind)
    return found
