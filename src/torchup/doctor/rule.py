"""What a rule is: a slug of the causes table and a pure function of facts that finds something or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from torchup.model import Finding, Remedy, Severity, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message


class Certainty(IntEnum):
    """How a finding is known. The main cause is the surest one; facts that work beat tables."""

    TABLE = 1  # follows from a table, nothing was seen to fail
    SEEN = 2  # a probe or a listing shows the state
    SAID = 3  # a program said so
    PROVEN = 4  # a program said so and the facts explain it


class Found(Value, frozen=True, kw_only=True):
    """What a rule found, before it is ranked."""

    summary: Message
    evidence: tuple[Message, ...] = ()
    remedy: Remedy | None = None
    certainty: Certainty = Certainty.SAID
    severity: Severity | None = None  # where it differs from the rule's own
    primary: bool = True  # whether it may be named as the one cause


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A cause and how to recognise it.

    ``requires``: slugs that must have found nothing, else this one is skipped (their remedy comes first).
    ``supersedes``: slugs whose findings follow from this one.
    """

    slug: str
    family: str
    severity: Severity
    check: Callable[[Facts, Compat], Found | None]
    requires: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()


def finding(rule: Rule, found: Found) -> Finding:
    """The finding as reports show it."""
    return Finding(
        rule=rule.slug,
        severity=found.severity or rule.severity,
        summary=found.summary,
        evidence=found.evidence,
        remedy=found.remedy,
    )
