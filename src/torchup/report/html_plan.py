"""A plan as HTML: the build, the commands, why, why not the others, the files of other tools. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.compat.target import variant_name
from torchup.i18n import text
from torchup.report.html_blocks import Heading, buttons
from torchup.report.plan_text import build_line, machine_line, notable, size_text
from torchup.report.templating import rendered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

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
    return rendered(
        "report/templates/plan.html.jinja",
        plan=plan,
        heading=_heading(plan, machine),
        commands="\n".join(commands),
        assumed=assumed,
        asked=asked,
        asked_builds=_rows(asked.builds if asked else (), machine),
        few=_rows(notable(plan, machine), machine),
        rejected=_rows(plan.rejected, machine),
        files=files or {},
        buttons=buttons(interactive=interactive),
        labels={
            "asked": text("html.plan.asked", "The build you asked about"),
            "commands": text("html.plan.commands", "Install this build"),
            "why": text("plan.label.why", "Why"),
            "advice": text("html.plan.advice", "Good to know"),
            "rejected": text("plan.label.not-chosen", "Not chosen"),
            "more": text("html.plan.more", "Other builds that torchup considered: {count}", count=len(plan.rejected)),
            "files": text("html.plan.files", "Export for another tool"),
        },
    )


def _heading(plan: Plan, machine: Machine) -> Heading:
    build = plan.build
    size = text("plan.size", "about {size}", size=size_text(build.size_bytes)) if build.size_bytes else ""
    where = " · ".join(filter(None, (build.source, build.index_url, size)))
    good = plan.uses_gpu or not machine.gpus
    badge = text("plan.label.build", "Best build") if good else text("html.plan.cpu", "CPU only")
    torch, *others = build_line(plan).split("  ")
    below = (" · ".join(others), machine_line(machine), where)
    return Heading(kind="good" if good else "open", badge=badge, title=torch, below=below)


def _rows(rows: Sequence[Rejection], machine: Machine) -> list[tuple[str, Message]]:
    """Each build with the reason against it."""
    return [(f"{row.torch}+{variant_name(row.variant, machine)}", row.detail) for row in rows]
