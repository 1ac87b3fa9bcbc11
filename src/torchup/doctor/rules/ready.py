"""What torch.compile needs and does not find: a remark each, for torch itself works without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.cause import filled, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.packages import adding
from torchup.doctor.rules.programs import tools
from torchup.model import UNKNOWN, Os, Remedy, Severity, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message, Readiness

_NONE = message("doctor.ready.none", "none")
SLUGS = {
    "compiler": "compiler-missing",
    "headers": "python-headers-missing",
    "triton": "triton-missing",
}


def check_of_requirement(name: str) -> Callable[[Facts, Compat], Found | None]:
    """The rule of one requirement of torch.compile."""

    def check(facts: Facts, compat: Compat) -> Found | None:
        del compat
        return lacking(facts, name, SLUGS[name])

    return check


def lacking(facts: Facts, name: str, slug: str) -> Found | None:
    """The finding for a requirement that this machine does not meet; a report does not show it."""
    row = next((one for one in facts.readiness if one.name == name and one.ready is False), None)
    if row is None:
        return None
    values = {"found": row.found or _NONE, "wanted": row.wanted or UNKNOWN}
    return Found(
        summary=filled(text_of(slug, "summary"), values),
        evidence=(_evidence(row),),
        remedy=_remedy(facts, row, filled(_words(facts, slug), values)),
        certainty=Certainty.SEEN,
        severity=Severity.INFO,
        primary=False,
    )


def _words(facts: Facts, slug: str) -> Message:
    """What to do; Windows has no package of header files, and only the embeddable Python lacks them."""
    if slug == SLUGS["headers"] and facts.system.os is Os.WINDOWS:
        return text_of("python-headers-missing", "remedy-embeddable")
    return text_of(slug, "remedy")


def _evidence(row: Readiness) -> Message:
    """What is missing; versions only where one is required: without that, another thing's version says nothing."""
    if row.wanted is None:
        return message("doctor.ready.absent", "torch.compile needs {what}: not found", what=row.what)
    if row.found is None:
        return message(
            "doctor.ready.absent-version", "torch.compile needs {what}: not found (needed: {wanted})",
            what=row.what, wanted=row.wanted,
        )  # fmt: skip
    return message(
        "doctor.ready.row", "torch.compile needs {what} (found: {found}; needed: {wanted})",
        what=row.what, found=row.found, wanted=row.wanted,
    )  # fmt: skip


def _remedy(facts: Facts, row: Readiness, text: Message) -> Remedy:
    if row.name == "triton":
        package = "triton-windows" if facts.system.os is Os.WINDOWS else "triton"
        return adding(facts, text, (f"{package}{row.wanted or ''}",))
    commands = tools(facts)
    return Remedy(text=text, commands=commands, needs_root=any(command[0] == "sudo" for command in commands))
