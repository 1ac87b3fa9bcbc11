"""The doctor's answer for a terminal: the cause first, its evidence, the command; and for an issue, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.panel import Panel, panel
from torchup.doctor.remedy import quoting
from torchup.i18n import render, text
from torchup.model import Shell, Vendor, Verdict
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
    """What a person reads: headline, what was looked at, findings with evidence and remedy, what to run, versions."""
    blocks = [headline(diagnosis, style, live=facts.live)]
    if looked_at is not None:
        blocks[0] += "\n" + "\n".join(_wrapped("    ", render(looked_at), style))
    blocks += ["\n".join(_finding_lines(finding, style)) for finding in diagnosis.findings]
    blocks.append("\n".join(_listed(seen_title(), diagnosis.seen, style)))
    blocks.append("\n".join(_listed(missing_title(), diagnosis.missing, style)))
    blocks.append("\n".join(_panel_lines(panel(facts))))
    if verbose:
        blocks.append("\n".join(_outcome_lines(diagnosis, style)))
    return "\n\n".join(redact(block) for block in blocks if block)


def headline(diagnosis: Diagnosis, style: Style, *, live: bool = True) -> str:
    """One line: what is wrong, that nothing is, or that the cause is undetermined; of a report only what it says."""
    cause = next((finding for finding in diagnosis.findings if finding.rule == diagnosis.primary), None)
    if cause is not None:
        return f"{mark(style, str(cause.severity))} " + text("doctor.text.cause", "Main cause: {rule}", rule=cause.rule)
    if diagnosis.verdict is Verdict.HEALTHY:
        healthy = text("doctor.text.healthy", "no problem was found in this environment")
        told = healthy if live else text("doctor.text.silent", "no problem was found in this report")
        return f"{mark(style, 'pass')} " + told
    return f"{mark(style, 'warning')} " + undetermined()


def undetermined() -> str:
    """The headline where neither health nor a cause is shown."""
    return text("doctor.text.undetermined", "Undetermined: torchup found no known cause, but something may be wrong")


def seen_title() -> str:
    """The heading above what the verdict stands on."""
    return text("doctor.text.seen", "Evidence")


def missing_title() -> str:
    """The heading above what to run and paste."""
    return text("doctor.text.missing", "To find out more")


def _listed(title: str, lines: Sequence[Message], style: Style) -> Iterator[str]:
    if lines:
        yield title
    for line in lines:
        yield from _wrapped("    - ", render(line), style)


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
        yield f"        {command_line(command, remedy.shell)}"
    if remedy.needs_root and remedy.commands:
        yield "        " + text("doctor.text.root", "(needs administrator rights; torchup does not run it for you)")
    if remedy.needs_reboot:
        yield "        " + text("doctor.text.reboot", "(reboot afterwards)")


def command_line(command: Sequence[str], shell: Shell = Shell.SH) -> str:
    """A command as it is typed into a shell; ``$USER`` and the like stay open for it."""
    return quoting.line(command, shell)


def _wrapped(prefix: str, words: str, style: Style) -> list[str]:
    indent = " " * len(prefix) if len(prefix) < _DEEP else " " * 8
    return wrap(words, max(style.width, 40), first=prefix, rest=indent)


_DEEP = 14  # the lines below are not indented by a longer prefix


def _panel_lines(values: Panel) -> Iterator[str]:
    rows = panel_rows(values)
    if all(value is None for _, value in rows):
        return
    unknown = text("doctor.panel.unknown", "unknown")
    yield text("doctor.panel.title", "Versions that are easily confused")
    width = max(cells(label) for label, _ in rows)
    yield from (f"    {pad(label, width)}  {value or unknown}" for label, value in rows)


def panel_rows(values: Panel) -> list[tuple[str, str | None]]:
    """Label and value for the vendor in question; ``None``: unknown."""
    built = text("doctor.panel.torch-built", "torch was built with")
    none = text("doctor.panel.cpu", "no GPU code (CPU build)") if values.cpu_build else None
    if values.vendor is Vendor.AMD:
        system = text("doctor.panel.rocm", "ROCm on the system (wheels include their own)")
        return [(system, values.rocm), (built, f"ROCm {values.torch_built}" if values.torch_built else none)]
    if values.vendor is Vendor.INTEL:
        return [(built, "XPU" if values.xpu_built else none)]
    if values.vendor is Vendor.APPLE or values.macos:
        return [("macOS", values.macos), (text("doctor.panel.mps", "torch was built with MPS"), _yes(values.mps_built))]
    driver = values.driver_runs
    if values.driver:
        cuda = values.driver_runs or text("doctor.panel.unknown", "unknown")
        driver = text("doctor.panel.driver", "{cuda} (driver {driver})", cuda=cuda, driver=values.driver)
    return [
        (text("doctor.panel.driver-runs", "newest CUDA that the driver supports"), driver),
        (built, f"CUDA {values.torch_built}" if values.torch_built else none),
        (text("doctor.panel.toolkit", "CUDA toolkit (torch does not need it)"), values.toolkit),
    ]


def _yes(value: bool | None) -> str | None:  # noqa: FBT001  # one value in three states
    if value is None:
        return None
    return text("doctor.panel.yes", "yes") if value else text("doctor.panel.no", "no")


def _outcome_lines(diagnosis: Diagnosis, style: Style) -> Iterator[str]:
    signs = {"pass": "pass", "finding": "warning", "skip": "skip", "crash": "error"}
    yield text("doctor.text.rules", "Rules")
    for outcome in diagnosis.outcomes:
        because = f"  ({outcome.detail})" if outcome.detail else ""
        sign = mark(style, signs[outcome.status])
        yield f"  {sign} {outcome.rule:<32}{outcome.seconds * 1000:7.1f} ms{because}"


def doctor_markdown(diagnosis: Diagnosis, facts: Facts) -> str:
    """The same for pasting into an issue: no user, host or home path in it."""
    lines = ["### torchup doctor", "", _markdown_facts(facts), "", f"**{_markdown_verdict(diagnosis)}**", ""]
    for finding in diagnosis.findings:
        main = text("doctor.md.main", " (main cause)") if finding.rule == diagnosis.primary else ""
        lines += [f"**{finding.severity}: `{finding.rule}`**{main}: {render(finding.summary)}", ""]
        lines += [f"- `{_inline(render(line))}`" for line in finding.evidence]
        if finding.remedy is not None:
            lines += ["", f"{render(finding.remedy.text)}", ""]
            commands = [command_line(command, finding.remedy.shell) for command in finding.remedy.commands]
            lines += ["```", *commands, "```"] if commands else []
        lines.append("")
    if diagnosis.seen:
        lines += ["", f"{seen_title()}:", "", *(f"- `{_inline(render(line))}`" for line in diagnosis.seen)]
    if diagnosis.missing:
        lines += ["", f"{missing_title()}:", "", *(f"- {render(line)}" for line in diagnosis.missing)]
    return redact("\n".join(lines).rstrip())


def _markdown_verdict(diagnosis: Diagnosis) -> str:
    if diagnosis.primary is not None:
        return text("doctor.text.cause", "Main cause: {rule}", rule=diagnosis.primary)
    healthy = diagnosis.verdict is Verdict.HEALTHY
    return text("doctor.md.healthy", "No problem found") if healthy else undetermined()


def _inline(line: str) -> str:
    return " ".join(line.replace("`", "'").split())


def _markdown_facts(facts: Facts) -> str:
    """The facts, labelled in English in every language: torchup and the maintainers read them again."""
    values = panel(facts)
    system, python, torch = facts.system, facts.python, facts.torch
    label = f"{torch.version}+{torch.local}" if torch.local else torch.version
    gpus = ", ".join(dict.fromkeys(gpu.name or gpu.gfx or str(gpu.vendor) for gpu in facts.gpus))
    name = system.distribution or (str(system.os) if system.os else "")
    version = system.os_version if system.os_version not in name.split() else None  # "Ubuntu 22.04" has it already
    where = " ".join(filter(None, (name, version)))
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
