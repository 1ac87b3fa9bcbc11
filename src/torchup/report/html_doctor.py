"""The doctor's answer as HTML: verdict, findings with evidence and remedy, what to run next, versions. Pure."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from torchup.doctor.cause import CauseFileError
from torchup.doctor.explain import explanation
from torchup.doctor.panel import panel
from torchup.i18n import text
from torchup.model import Verdict
from torchup.report.doctor_text import missing_title, panel_rows, seen_title, undetermined
from torchup.report.html_blocks import Heading, buttons, commands
from torchup.report.templating import rendered, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from torchup.doctor.explain import Explanation
    from torchup.doctor.facts import Facts
    from torchup.model import Diagnosis, Message


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
        explanation=_explanation,
        commands=commands,
        versions=_versions(facts),
        buttons=buttons(interactive=interactive),
        labels={
            "error": text("html.doctor.error", "error"),
            "warning": text("html.doctor.warning", "warning"),
            "info": text("html.doctor.info", "note"),
            "fix": text("html.doctor.fix", "Fix"),
            "root": text("doctor.text.root", "(needs administrator rights; torchup does not run it for you)"),
            "reboot": text("doctor.text.reboot", "(reboot afterwards)"),
            "evidence": text("html.doctor.evidence", "Why"),
            "explain": text("html.doctor.explain", "What this means"),
            "see": text("explain.text.see", "How to recognise it"),
            "fixing": text("explain.text.fix", "How to fix it"),
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
        title = here if facts.live else text("doctor.text.silent", "no problem was found in this report")
        return Heading(kind="good", badge=text("html.doctor.healthy", "Healthy"), title=title, below=(where,))
    badge = text("html.doctor.undetermined", "Undetermined")
    return Heading(kind="open", badge=badge, title=undetermined(), below=(where,))


def _explanation(slug: str) -> Explanation | None:
    """The long explanation; a rule of a plugin has none."""
    with suppress(CauseFileError, KeyError, FileNotFoundError):
        return explanation(slug)
    return None


def _versions(facts: Facts) -> list[tuple[str, str]]:
    rows = panel_rows(panel(facts))
    unknown = text("doctor.panel.unknown", "unknown")
    return [(name, value or unknown) for name, value in rows] if any(value is not None for _, value in rows) else []
