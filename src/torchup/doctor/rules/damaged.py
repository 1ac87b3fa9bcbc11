"""Files of torch that changed since installation: what wrote them decides the cause; the remedy reinstalls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.doctor.cause import text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.mixed_facts import overwritten
from torchup.model import Severity

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Remedy

_SHOWN = 5  # files in the evidence


def damaged_torch(facts: Facts, compat: Compat) -> Found | None:
    """Files of torch are missing, cut off or changed, and no second installation wrote over them.

    If torch still imports, this is a warning: the missing part shows later, or a user made the change.
    """
    if not facts.damage or overwritten(facts):
        return None
    broken = facts.torch.import_error is not None
    return Found(
        summary=text_of("mixed-install", "summary-damage"),
        evidence=tuple(one.line for one in facts.damage[:_SHOWN]),
        remedy=_written_anew(facts, compat),
        certainty=Certainty.PROVEN if broken else Certainty.SEEN,
        severity=None if broken else Severity.WARNING,
        primary=broken,
    )


def repair_command(facts: Facts) -> tuple[str, ...]:
    """The command that makes an environment of torchup again as it was verified."""
    return ("torchup", "env", "repair", facts.restorable or "")


def _written_anew(facts: Facts, compat: Compat) -> Remedy:
    """The environment as a whole where torchup made it, else the packages whose files differ, in the same versions."""
    from torchup.doctor import remedy  # noqa: PLC0415  # the planner comes with it

    if facts.restorable is not None:
        text = text_of("mixed-install", "remedy-repair")
        return remedy.plain(facts, (repair_command(facts),), text=text)
    text = text_of("mixed-install", "remedy-damage")
    if linked := tuple(dict.fromkeys(one.conda for one in facts.damage if one.conda)):
        return remedy.linked_anew(facts, linked, text=text)
    names = tuple(dict.fromkeys(one.package for one in facts.damage))
    others = tuple(
        f"{p.name}=={p.version}" for p in facts.packages if p.name in names and p.name not in remedy.TORCH_FAMILY
    )
    again = remedy.renewed(facts, others, text=text)
    if not set(names) & set(remedy.TORCH_FAMILY):
        return again
    whole = remedy.reinstall(facts, compat.catalog, remedy.Wish(keep_torch=True), text=text)
    return msgspec.structs.replace(whole, commands=(*whole.commands, *again.commands))
