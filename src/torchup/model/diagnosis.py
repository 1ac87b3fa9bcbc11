"""What the doctor finds."""

from __future__ import annotations

from torchup.model.sets import Severity, Shell, Verdict
from torchup.model.text import Message, Value


class Remedy(Value, frozen=True, kw_only=True):
    """What to do: a text and the exact commands."""

    text: Message
    commands: tuple[tuple[str, ...], ...] = ()
    interpreter: str | None = None  # the Python that the commands change, as the report names it
    shell: Shell = Shell.SH
    needs_root: bool = False
    needs_reboot: bool = False


class Finding(Value, frozen=True, kw_only=True):
    """What a rule found. ``rule`` is a slug of the causes table (docs/reference/causes.md)."""

    rule: str
    severity: Severity
    summary: Message
    evidence: tuple[Message, ...] = ()
    remedy: Remedy | None = None


class RuleOutcome(Value, frozen=True, kw_only=True):
    """What became of one rule: pass, finding, skip or crash."""

    rule: str
    status: str
    seconds: float
    detail: str | None = None


class Diagnosis(Value, frozen=True, kw_only=True):
    """The doctor's answer: at most one primary cause, and what follows from it.

    ``seen``: what the verdict stands on, or the failure without a known cause, quoted; ``missing``: what to run and
    paste next where the verdict is undetermined.
    """

    primary: str | None
    verdict: Verdict = Verdict.UNDETERMINED
    seen: tuple[Message, ...] = ()
    missing: tuple[Message, ...] = ()
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[RuleOutcome, ...] = ()
