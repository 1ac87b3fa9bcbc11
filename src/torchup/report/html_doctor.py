"""The doctor's answer as HTML: verdict, findings with evidence and remedy, what to run next, versions. Pure."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from torchup.doctor.cause import CauseFileError
from torchup.doctor.explain import explanation
from torchup.doctor.panel import panel
from torchup.i18n import text
from torchup.model import Finding, Message, Severity, Value, Verdict
from torchup.report.doctor_text import command_line, missing_title, panel_rows, seen_title, undetermined
from torchup.report.html_blocks import Heading, buttons
from torchup.report.templating import prose, rendered, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from torchup.doctor.explain import Explanation
    from torchup.doctor.facts import Facts
    from torchup.model import Diagnosis, Remedy


class Shown(Value, frozen=True, kw_only=True):
    """A finding with the texts beside it. ``explained``: parts of the long explanation; a plugin's rule has none."""

    finding: Finding
    commands: str
    notes: tuple[str, ...]
    meaning: Message | None
    explained: tuple[tuple[str, str], ...]


def doctor_html(
    found: Diagnosis, facts: Facts, *, looked_at: Message | None = None, notices: Sequence[Message] = (),
    interactive: bool = False,
) -> Markup:  # fmt: skip
    """The whole answer, in the language in use; ``notices``: what to say before it."""
    return rendered(
        "report/templates/doctor.html.jinja",
        found=found,
        notices=notices,
        heading=_heading(found, facts, words(looked_at) if looked_at else ""),
        main=[_shown(finding) for finding in found.findings if finding.rule == found.primary],
        others=[_shown(finding) for finding in found.findings if finding.rule != found.primary],
        versions=_versions(facts),
        buttons=buttons(interactive=interactive),
        severities={
            Severity.ERROR: text("html.doctor.error", "error"),
            Severity.WARNING: text("html.doctor.warning", "warning"),
            Severity.INFO: text("html.doctor.info", "note"),
        },
        labels={
            "fix": text("html.doctor.fix", "Fix"),
            "evidence": text("html.doctor.evidence", "Why"),
            "explain": text("html.doctor.explain", "What this means"),
            "missing": missing_title(),
            "seen": seen_title(),
            "versions": text("doctor.panel.title", "Versions that are easily confused"),
        },
    )


def _heading(found: Diagnosis, facts: Facts, where: str) -> Heading:
    main = next((finding for finding in found.findings if finding.rule == found.primary), None)
    if main is not None:
        badge = text("html.doctor.cause", "Main cause")
        return Heading(kind="bad", badge=badge, title=words(main.summary), below=(main.rule, where))
    if found.verdict is Verdict.HEALTHY:
        here = text("doctor.text.healthy", "no problem was found in this environment")
        title = here if facts.live else text("doctor.text.silent", "no problem found in this report")
        return Heading(kind="good", badge=text("html.doctor.healthy", "Healthy"), title=title, below=(where,))
    badge = text("html.doctor.undetermined", "Undetermined")
    return Heading(kind="open", badge=badge, title=undetermined(), below=(where,))


def _shown(finding: Finding) -> Shown:
    remedy, entry = finding.remedy, _explanation(finding.rule)
    return Shown(
        finding=finding,
        commands="\n".join(command_line(command, remedy.shell) for command in remedy.commands) if remedy else "",
        notes=tuple(_notes(remedy)) if remedy else (),
        meaning=entry.meaning if entry else None,
        explained=_explained(entry) if entry else (),
    )


def _notes(remedy: Remedy) -> list[str]:
    notes = []
    if remedy.needs_root and remedy.commands:
        notes.append(text("doctor.text.root", "(needs administrator rights; torchup never runs it)"))
    if remedy.needs_reboot:
        notes.append(text("doctor.text.reboot", "(reboot afterwards)"))
    return notes


def _explanation(slug: str) -> Explanation | None:
    with suppress(CauseFileError, KeyError, FileNotFoundError):
        return explanation(slug)
    return None


def _explained(entry: Explanation) -> tuple[tuple[str, str], ...]:
    rows = (
        (text("explain.text.see", "How to see it"), entry.see),
        (text("explain.text.fix", "How to fix it"), entry.fix),
        *entry.on.items(),
    )
    return tuple((name, prose(words(told))) for name, told in rows)


def _versions(facts: Facts) -> list[tuple[str, str]]:
    rows = panel_rows(panel(facts))
    unknown = text("doctor.panel.unknown", "unknown")
    return [(name, value or unknown) for name, value in rows] if any(value is not None for _, value in rows) else []
