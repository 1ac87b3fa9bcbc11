"""The doctor's answer for a terminal: the cause first, its evidence, the command; and for an issue, in Markdown."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from torchup.doctor.panel import Panel, panel
from torchup.i18n import render, text
from torchup.privacy import redact
from torchup.report.columns import cells, pad, wrap
from torchup.report.style import mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.doctor.facts import Facts
    from torchup.model import Diagnosis, Finding, Message, Remedy
    from torchup.report.style import Style


def doctor_text(
    diagnosis: Diagnosis, facts: Facts, style: Style, *, verbose: bool = False, looked_at: Message | None = None
) -> str:
    """What a person reads: headline, what was looked at, each finding with evidence and remedy, the three versions."""
    blocks = [headline(diagnosis, style, live=facts.live)]
    if looked_at is not None:
        blocks[0] += "\n" + "\n".join(_wrapped("    ", render(looked_at), style))
    blocks += ["\n".join(_finding_lines(finding, style)) for finding in diagnosis.findings]
    blocks.append("\n".join(_panel_lines(panel(facts), style)))
    if verbose:
        blocks.append("\n".join(_outcome_lines(diagnosis, style)))
    return "\n\n".join(redact(block) for block in blocks if block)


def headline(diagnosis: Diagnosis, style: Style, *, live: bool = True) -> str:
    """One line: what is wrong, or that nothing is; of a report only what it tells is known."""
    if diagnosis.primary is None and not live:
        return f"{mark(style, 'pass')} " + text(
            "doctor.text.silent", "nothing in this report tells of a broken environment"
        )
    if diagnosis.primary is None:
        return f"{mark(style, 'pass')} " + text("doctor.text.healthy", "nothing is wrong with this environment")
    cause = next(finding for finding in diagnosis.findings if finding.rule == diagnosis.primary)
    return f"{mark(style, str(cause.severity))} " + text("doctor.text.cause", "Main cause: {rule}", rule=cause.rule)


def _finding_lines(finding: Finding, style: Style) -> Iterator[str]:
    yield from _wrapped(f"{mark(style, str(finding.severity))} ", f"{render(finding.summary)}  [{finding.rule}]", style)
    for line in finding.evidence:
        yield from _wrapped("    - ", render(line), style)
    if finding.remedy is not None:
        yield from _remedy_lines(finding.remedy, style)
    yield "    " + text("doctor.text.more", "more: torchup explain {slug}", slug=finding.rule)


def _remedy_lines(remedy: Remedy, style: Style) -> Iterator[str]:
    yield from _wrapped("    " + text("doctor.text.fix", "Fix: "), render(remedy.text), style)
    for command in remedy.commands:
        yield f"        {command_line(command)}"
    if remedy.needs_root and remedy.commands:
        yield "        " + text("doctor.text.root", "(needs administrator rights; torchup never runs it)")
    if remedy.needs_reboot:
        yield "        " + text("doctor.text.reboot", "(reboot afterwards)")


def command_line(command: Sequence[str]) -> str:
    """A command as it is typed; ``$USER`` and the like stay open for the shell."""
    return " ".join(word if word.startswith("$") else shlex.quote(word) for word in command)


def _wrapped(prefix: str, words: str, style: Style) -> list[str]:
    indent = " " * len(prefix) if len(prefix) < _DEEP else " " * 8
    return wrap(words, max(style.width, 40), first=prefix, rest=indent)


_DEEP = 14  # a longer prefix is no indentation for the lines below


def _panel_lines(values: Panel, style: Style) -> Iterator[str]:
    del style
    unknown = text("doctor.panel.unknown", "unknown")
    none = text("doctor.panel.none", "none")
    yield text("doctor.panel.title", "Three CUDA versions that are often mixed up")
    driver = values.driver_runs or unknown
    if values.driver:
        driver = text("doctor.panel.driver", "{cuda} (driver {driver})", cuda=driver, driver=values.driver)
    rows = (
        (text("doctor.panel.driver-runs", "the driver can run up to"), driver),
        (text("doctor.panel.torch-built", "torch was built with"), values.torch_built or none),
        (text("doctor.panel.toolkit", "CUDA toolkit (not needed)"), values.toolkit or none),
    )
    width = max(cells(label) for label, _ in rows)
    yield from (f"    {pad(label, width)}  {value}" for label, value in rows)


def _outcome_lines(diagnosis: Diagnosis, style: Style) -> Iterator[str]:
    signs = {"pass": "pass", "finding": "warning", "skip": "skip", "crash": "error"}
    yield text("doctor.text.rules", "Rules")
    for outcome in diagnosis.outcomes:
        because = f"  ({outcome.detail})" if outcome.detail else ""
        sign = mark(style, signs[outcome.status])
        yield f"  {sign} {outcome.rule:<32}{outcome.seconds * 1000:7.1f} ms{because}"


def doctor_markdown(diagnosis: Diagnosis, facts: Facts) -> str:
    """The same for pasting into an issue: no user, host or home path in it."""
    lines = ["### torchup doctor", "", _markdown_facts(facts), ""]
    if diagnosis.primary is None:
        lines.append(text("doctor.md.healthy", "No cause was found."))
    for finding in diagnosis.findings:
        main = text("doctor.md.main", " (main cause)") if finding.rule == diagnosis.primary else ""
        lines += [f"**{finding.severity}: `{finding.rule}`**{main}: {render(finding.summary)}", ""]
        lines += [f"- `{_inline(render(line))}`" for line in finding.evidence]
        if finding.remedy is not None:
            lines += ["", f"{render(finding.remedy.text)}", ""]
            lines += ["```", *map(command_line, finding.remedy.commands), "```"] if finding.remedy.commands else []
        lines.append("")
    return redact("\n".join(lines).rstrip())


def _inline(line: str) -> str:
    return " ".join(line.replace("`", "'").split())


def _markdown_facts(facts: Facts) -> str:
    """The facts, labelled in English in every language: torchup and the maintainers read them again."""
    values = panel(facts)
    system, python, torch = facts.system, facts.python, facts.torch
    label = f"{torch.version}+{torch.local}" if torch.local else torch.version
    gpus = ", ".join(dict.fromkeys(gpu.name or gpu.gfx or str(gpu.vendor) for gpu in facts.gpus))
    where = " ".join(filter(None, (system.distribution or (str(system.os) if system.os else None), system.os_version)))
    rows = (
        ("system", " ".join(filter(None, (where, system.arch, "WSL" if system.wsl else None)))),
        ("Python", python.version),
        ("torch", label),
        ("torch built with CUDA", values.torch_built),
        ("GPU", gpus),
        ("driver", values.driver),
        ("driver runs CUDA up to", values.driver_runs),
        ("CUDA toolkit", values.toolkit),
    )
    table = ["| | |", "|---|---|"]
    table += [f"| {name} | {_inline(value).replace('|', '/')} |" for name, value in rows if value]
    return "\n".join(table)
