"""The one check of all causes that are data: a sign of the file, no guard against it, and the file's remedy."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from torchup.doctor.cause import CauseFileError, EvidenceLine, RemedyKind, System, load_words, text_of
from torchup.doctor.conditions import CONDITIONS, holds
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import driver_line, gpu_line, said, torch_line
from torchup.model import Message, Os, Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torchup.compat.questions import Compat
    from torchup.doctor.cause import Cause
    from torchup.doctor.facts import Facts

_LINES: Mapping[EvidenceLine, Callable[[Facts], Message | None]] = {
    EvidenceLine.DRIVER: lambda facts: driver_line(facts) if facts.nvidia.driver else None,
    EvidenceLine.GPU: lambda facts: gpu_line(facts) if facts.gpus else None,
    EvidenceLine.TORCH: lambda facts: torch_line(facts) if facts.torch.version else None,
}
# What texts and commands may name besides the values of their signs.
VALUES: Mapping[str, Callable[[Facts], str | None]] = {
    "driver_branch": lambda facts: facts.nvidia.driver.split(".")[0] if facts.nvidia.driver else None,
    "python": lambda facts: facts.interpreter,
}
_SYSTEMS: Mapping[System, Callable[[Facts], bool]] = {
    System.CONTAINER: lambda facts: facts.system.container,
    System.WSL: lambda facts: facts.system.wsl,
    System.LINUX: lambda facts: facts.system.os is Os.LINUX,
    System.WINDOWS: lambda facts: facts.system.os is Os.WINDOWS,
    System.MACOS: lambda facts: facts.system.os is Os.MACOS,
    System.ANY: lambda _: True,
}


def check_of(cause: Cause) -> Callable[[Facts, Compat], Found | None]:
    """The check of a data rule. Raises `CauseFileError` where a guard is outside of the closed set."""
    for guard in cause.guards:
        if guard.removeprefix("not ") not in CONDITIONS:
            raise CauseFileError(f"{cause.slug}.toml: guards: there is no condition {guard!r}")

    def check(facts: Facts, compat: Compat) -> Found | None:
        del compat
        signs = [sign for sign in facts.signs if sign.code in cause.signs]
        if not signs or any(holds(guard, facts) for guard in cause.guards):
            return None
        lines = [line for name in cause.evidence if (line := _LINES[name](facts)) is not None]
        values = _values(facts) | {name: text for sign in reversed(signs) for name, text in sign.values.items()}
        return Found(
            summary=_filled(cause, "summary", values),
            evidence=(*map(said, signs), *lines),
            remedy=remedy_rows(cause, facts, values),
            certainty=Certainty[cause.certainty.upper()],
        )

    return check


def remedy_rows(cause: Cause, facts: Facts, values: Mapping[str, str]) -> Remedy | None:
    """The text and commands of a cause's file for this system; a command whose value is unknown is left out."""
    if cause.remedy is RemedyKind.NONE:
        return None
    table = load_words(cause.slug).commands
    rows = next((table[system] for system, applies in _SYSTEMS.items() if system in table and applies(facts)), ())
    commands = [tuple(word.format_map(values) for word in row) for row in rows if _fields(*row) <= values.keys()]
    return Remedy(
        text=_filled(cause, "remedy", values),
        commands=tuple(commands),
        needs_root=cause.needs_root,
        needs_reboot=cause.needs_reboot,
    )


def _values(facts: Facts) -> dict[str, str]:
    return {name: value for name, read in VALUES.items() if (value := read(facts)) is not None}


def _filled(cause: Cause, key: str, values: Mapping[str, str]) -> Message:
    words = text_of(cause.slug, key)
    filled = tuple((name, values.get(name, "?")) for name in sorted(_fields(words.template)))
    return Message(words.code, words.template, filled)


def _fields(*templates: str) -> set[str]:
    """Names of the replacement fields."""
    return {name for text in templates for _, name, _, _ in string.Formatter().parse(text) if name}
