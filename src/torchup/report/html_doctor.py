"""The doctor's answer as HTML: verdict, findings with evidence and remedy, what to run next, versions. Pure."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from torchup.doctor.cause import CauseFileError
from torchup.doctor.explain import explanation
from torchup.doctor.panel import panel
from torchup.i18n import text
from torchup.model import Severity, Verdict
from torchup.report.doctor_text import command_line, missing_title, panel_rows, seen_title, undetermined
from torchup.report.html_blocks import block, fold, head, listed, part, words
from torchup.report.markup import Markup, element, join, prose

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts
    from torchup.model import Diagnosis, Finding, Message, Remedy


def doctor_html(
    found: Diagnosis, facts: Facts, *, looked_at: Message | None = None, interactive: bool = False
) -> Markup:
    """The whole answer, in the language in use."""
    others = [finding for finding in found.findings if finding.rule != found.primary]
    main = [finding for finding in found.findings if finding.rule == found.primary]
    return join(
        _verdict(found, facts, words(looked_at) if looked_at else ""),
        *(_body(finding, interactive=interactive) for finding in main),
        *(_other(finding, interactive=interactive) for finding in others),
        part(missing_title(), listed(found.missing)),
        part(seen_title(), listed(found.seen, "evidence")),
        _versions(facts),
    )


def _verdict(found: Diagnosis, facts: Facts, where: str) -> Markup:
    main = next((finding for finding in found.findings if finding.rule == found.primary), None)
    if main is not None:
        return head("bad", text("html.doctor.cause", "Main cause"), words(main.summary), main.rule, where)
    if found.verdict is Verdict.HEALTHY:
        here = text("doctor.text.healthy", "no problem was found in this environment")
        title = here if facts.live else text("doctor.text.silent", "no problem was found in this report")
        return head("good", text("html.doctor.healthy", "Healthy"), title, where)
    return head("open", text("html.doctor.undetermined", "Undetermined"), undetermined(), where)


def _body(finding: Finding, *, interactive: bool) -> Markup:
    """What stands below a finding's summary: the remedy first, since that is what people come for."""
    return join(
        _remedy(finding.remedy, interactive=interactive) if finding.remedy else Markup(),
        part(text("html.doctor.evidence", "Why"), listed(finding.evidence, "evidence")),
        _explained(finding.rule),
    )


def _other(finding: Finding, *, interactive: bool) -> Markup:
    """A further finding, folded: the main cause comes first."""
    names = {
        Severity.ERROR: text("html.doctor.error", "error"),
        Severity.WARNING: text("html.doctor.warning", "warning"),
        Severity.INFO: text("html.doctor.info", "note"),
    }
    title = join(
        element("span", {"class": f"badge {finding.severity}"}, names[finding.severity]), " ", words(finding.summary)
    )
    return fold(title, _body(finding, interactive=interactive))


def _remedy(remedy: Remedy, *, interactive: bool) -> Markup:
    lines = [command_line(command, remedy.shell) for command in remedy.commands]
    notes = []
    if remedy.needs_root and lines:
        notes.append(text("doctor.text.root", "(needs administrator rights; torchup never runs it)"))
    if remedy.needs_reboot:
        notes.append(text("doctor.text.reboot", "(reboot afterwards)"))
    return part(
        text("html.doctor.fix", "Fix"),
        element("p", None, prose(words(remedy.text))),
        block("\n".join(lines), interactive=interactive) if lines else Markup(),
        *(element("p", {"class": "soft"}, note) for note in notes),
    )


def _explained(slug: str) -> Markup:
    """The long explanation; a rule of a plugin has none."""
    with suppress(CauseFileError, KeyError, FileNotFoundError):
        entry = explanation(slug)
        rows = (
            (text("explain.text.see", "How to see it"), entry.see),
            (text("explain.text.fix", "How to fix it"), entry.fix),
            *entry.on.items(),
        )
        parts = [join(element("dt", None, name), element("dd", None, prose(words(told)))) for name, told in rows]
        return fold(
            text("html.doctor.explain", "What this means"),
            element("p", None, prose(words(entry.meaning))),
            element("dl", {"class": "facts"}, *parts),
        )
    return Markup()


def _versions(facts: Facts) -> Markup:
    rows = panel_rows(panel(facts))
    if all(value is None for _, value in rows):
        return Markup()
    unknown = text("doctor.panel.unknown", "unknown")
    cells = [join(element("dt", None, name), element("dd", None, value or unknown)) for name, value in rows]
    return part(
        text("doctor.panel.title", "Versions that are easily confused"), element("dl", {"class": "facts"}, *cells)
    )
