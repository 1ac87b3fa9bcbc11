"""The one check of all causes that are data: a sign of the file, no guard against it, and the file's remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.cause import CauseFileError, EvidenceLine, filled, text_of
from torchup.doctor.conditions import CONDITIONS, holds
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import driver_line, gpu_line, remedy_of, said, torch_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torchup.compat.questions import Compat
    from torchup.doctor.cause import Cause
    from torchup.doctor.facts import Facts
    from torchup.model import Message

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


def check_of(cause: Cause) -> Callable[[Facts, Compat], Found | None]:
    """The check of a data rule. Raises `CauseFileError` where a guard is outside of the closed set."""
    for guard in cause.guards:
        if guard.removeprefix("not ") not in CONDITIONS:
            raise CauseFileError(f"{cause.slug}.toml: guards: there is no condition {guard!r}")

    def check(facts: Facts, compat: Compat) -> Found | None:
        signs = [sign for sign in facts.signs if sign.code in cause.signs]
        if not signs or any(holds(guard, facts) for guard in cause.guards):
            return None
        lines = [line for name in cause.evidence if (line := _LINES[name](facts)) is not None]
        values = _values(facts) | {name: text for sign in reversed(signs) for name, text in sign.values.items()}
        return Found(
            summary=filled(text_of(cause.slug, "summary"), values),
            evidence=(*map(said, signs), *lines),
            remedy=remedy_of(cause.slug, facts, compat, values),
            certainty=Certainty[cause.certainty.upper()],
        )

    return check


def _values(facts: Facts) -> dict[str, str]:
    return {name: value for name, read in VALUES.items() if (value := read(facts)) is not None}
