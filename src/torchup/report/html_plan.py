"""A plan as HTML: the build, the commands, why, why not the others, the files of other tools. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.compat.target import variant_name
from torchup.i18n import text
from torchup.report.html_blocks import block, fold, head, listed, part, words
from torchup.report.markup import Markup, element, join, prose
from torchup.report.plan_text import build_line, machine_line, notable, size_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchup.model import Machine, Message, Plan, Rejection
    from torchup.plan.explain import WhyNot


def plan_html(
    plan: Plan,
    machine: Machine,
    commands: Sequence[str],
    *,
    assumed: Sequence[Message] = (),
    files: Mapping[str, str] | None = None,
    asked: WhyNot | None = None,
    interactive: bool = False,
) -> Markup:
    """The whole answer, in the language in use.

    Args:
        plan: what `resolve` decided.
        machine: what it is for.
        commands: lines that install it, as the user's shell takes them.
        assumed: what the machine's description left out and was taken for granted.
        files: file name -> content of each export.
        asked: the answer about one build that was asked for.
        interactive: with buttons to copy and download.
    """
    return join(
        _head(plan, machine),
        part(text("html.plan.asked", "The build you asked about"), _asked(asked, machine)) if asked else Markup(),
        listed(assumed, "assumed"),
        part(text("html.plan.commands", "Install it"), block("\n".join(commands), interactive=interactive)),
        part(text("plan.label.why", "Why"), listed(plan.why, "why")),
        _advice(plan),
        _rejected(plan, machine),
        _files(files or {}, interactive=interactive),
    )


def _head(plan: Plan, machine: Machine) -> Markup:
    build = plan.build
    source = build.source or ""
    size = text("plan.size", "about {size}", size=size_text(build.size_bytes)) if build.size_bytes else ""
    where = " · ".join(filter(None, (source, build.index_url, size)))
    good = plan.uses_gpu or not machine.gpus
    badge = text("plan.label.build", "Best build") if good else text("html.plan.cpu", "CPU only")
    torch, *others = build_line(plan).split("  ")
    return head("good" if good else "open", badge, torch, " · ".join(others), machine_line(machine), where)


def _asked(found: WhyNot, machine: Machine) -> Markup:
    parts = [element("p", None, prose(words(found.answer)))]
    if len(found.builds) > 1:
        parts.append(_table(found.builds, machine))
    if found.remedy is not None:
        parts.append(element("p", {"class": "hint"}, prose(words(found.remedy))))
    return join(*parts)


def _advice(plan: Plan) -> Markup:
    if not plan.advice:
        return Markup()
    lines = (element("li", {"class": notice.level}, prose(words(notice.text))) for notice in plan.advice)
    return part(text("html.plan.advice", "Good to know"), element("ul", {"class": "advice"}, *lines))


def _rejected(plan: Plan, machine: Machine) -> Markup:
    if not plan.rejected:
        return Markup()
    few = notable(plan, machine)
    rest = [one for one in plan.rejected if one not in few]
    more = text("html.plan.more", "All {count} builds that torchup considered", count=len(plan.rejected))
    return part(
        text("plan.label.not-chosen", "Not chosen"),
        _table(few, machine) if few else Markup(),
        fold(more, _table(plan.rejected, machine)) if rest else Markup(),
    )


def _table(rows: Sequence[Rejection], machine: Machine) -> Markup:
    lines = (
        element(
            "tr",
            None,
            element("th", {"scope": "row"}, f"{row.torch}+{variant_name(row.variant, machine)}"),
            element("td", None, prose(words(row.detail))),
        )
        for row in rows
    )
    return element("table", {"class": "rejected"}, element("tbody", None, *lines))


def _files(files: Mapping[str, str], *, interactive: bool) -> Markup:
    folds = [
        fold(name, block(content, interactive=interactive, file=name), name="files") for name, content in files.items()
    ]
    return part(text("html.plan.files", "As a file for another tool"), *folds)
