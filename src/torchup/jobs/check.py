"""The doctor's answer about a Python, flat: what `torchup.check` gives to scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup import i18n
from torchup.doctor import diagnose
from torchup.doctor.plugins import plugin_rules
from torchup.doctor.rules import RULES
from torchup.host import RealHost
from torchup.i18n import render
from torchup.jobs.diagnose import examine_here
from torchup.privacy import redact
from torchup.report.doctor_text import command_line, headline
from torchup.report.style import Style

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.model import Diagnosis


def checked(python: str, host: Host | None = None) -> dict[str, Any]:
    """The fields of a `torchup.Check`. Raises `UsageError` where the Python does not run."""
    host = host or RealHost()
    i18n.use(i18n.choose((), host.environ(), host.language))
    facts = examine_here(host, (python, None)).facts
    return _flat(diagnose(facts, rules=(*RULES, *plugin_rules(host).rules)))


def _flat(found: Diagnosis) -> dict[str, Any]:
    main = next((finding for finding in found.findings if finding.rule == found.primary), None)
    said = render(main.summary) if main else headline(found, Style()).partition(" ")[2]
    remedy = main.remedy if main else None
    lines = tuple(command_line(command, remedy.shell) for command in remedy.commands) if remedy else ()
    return {"verdict": str(found.verdict), "cause": found.primary, "summary": redact(said), "commands": lines}
