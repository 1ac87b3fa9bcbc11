"""Apple's MPS: is it there, is macOS new enough, does a Metal device answer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import at_least, made, quoted, remedy_of, said, torch_line
from torchup.model import message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message, Remedy

_TOO_OLD = ("mps.macos", "mps.built-for")  # torch says so of any Mac whose MPS does not answer


def _floor(facts: Facts, compat: Compat) -> str | None:
    """The macOS that MPS needs here, by the table and by torch's own message, which some releases get wrong."""
    table = compat.macos_for_mps(facts.torch.version) if facts.torch.version else None
    sign = facts.sign(*_TOO_OLD)
    known = [floor for floor in (table, sign.values.get("floor") if sign else None) if floor]
    return max(known, key=version_key, default=None)


def _new_enough(facts: Facts, compat: Compat) -> bool | None:
    """Whether macOS reaches the floor; ``None``: one of the two is unknown."""
    floor = _floor(facts, compat)
    return at_least(facts.system.os_version, floor) if floor is not None else None


def macos_too_old(facts: Facts, compat: Compat) -> Found | None:
    """The macOS is older than MPS or this wheel needs."""
    signs = quoted(facts, *_TOO_OLD)
    enough, floor, has = _new_enough(facts, compat), _floor(facts, compat), facts.system.os_version
    refused = facts.on_mac and facts.torch.mps_available is False and facts.torch.mps_built is not False
    if enough or facts.torch.mps_available or not (signs or (enough is False and refused)):
        return None
    lines = [*signs]
    if has:
        lines.append(message("doctor.macos.version", "macOS {version}", version=has))
    if floor:
        lines.append(_needs(facts.torch.version, floor))
    return Found(
        summary=text_of("macos-too-old", "summary"),
        evidence=tuple(lines),
        remedy=_newer_or_older(facts, compat),
        certainty=Certainty.PROVEN,
    )


def _needs(torch: str | None, floor: str) -> Message:
    if torch is None:
        return message("doctor.macos.floor-any", "MPS in this torch needs macOS {floor} or newer", floor=floor)
    return message("doctor.macos.floor", "MPS in torch {torch} needs macOS {floor} or newer", torch=torch, floor=floor)


def _newer_or_older(facts: Facts, compat: Compat) -> Remedy | None:
    """An older torch where one has MPS on this macOS; else only a newer macOS helps."""
    has = facts.system.os_version
    if has is None:
        return remedy_of("macos-too-old", facts, compat, kind=RemedyKind.TEXT)
    if compat.mps_exists_for(has):
        return remedy_of("macos-too-old", facts, compat)
    return made(facts, compat, text_of("macos-too-old", "remedy-update"))


def mps_not_built(facts: Facts, compat: Compat) -> Found | None:
    """This torch has no MPS compiled in, or MPS is asked for where it cannot exist."""
    sign = facts.sign("mps.not-linked")
    silicon = facts.on_mac and facts.system.apple_silicon is not False
    if facts.torch.mps_available or (sign is None and not (facts.torch.mps_built is False and silicon)):
        return None
    lines = [said(sign)] if sign else [message("doctor.mps-built.seen", "torch.backends.mps.is_built() is False")]
    lines += [torch_line(facts)] if facts.torch.version else []
    return Found(
        summary=text_of("mps-not-built", "summary"),
        evidence=tuple(lines),
        remedy=remedy_of("mps-not-built", facts, compat, kind=None if silicon else RemedyKind.TEXT),
        certainty=Certainty.PROVEN if sign else Certainty.SEEN,
    )


def mps_no_device(facts: Facts, compat: Compat) -> Found | None:
    """MPS is built but no Metal device answers: virtual machine, sandbox, remote session."""
    memory, metal = facts.sign("mps.memory"), facts.sign("mps.no-metal")
    nothing = memory is not None and _amounts(memory.values) == {"0bytes"}
    refused = facts.torch.mps_available is False or facts.sign(*_TOO_OLD) is not None
    unanswered = facts.on_mac and facts.torch.mps_built and refused and _new_enough(facts, compat)
    if facts.torch.mps_available or not (nothing or metal or unanswered):
        return None
    seen = [message("doctor.mps-device.seen", "MPS is built into torch but is not available")] if unanswered else []
    return Found(
        summary=text_of("mps-no-device", "summary"),
        evidence=(*quoted(facts, "mps.memory", "mps.no-metal"), *seen),
        remedy=remedy_of("mps-no-device", facts, compat),
        certainty=Certainty.PROVEN,
    )


def _amounts(values: dict[str, str]) -> set[str]:
    """What the allocator says it holds, without white space."""
    return {"".join(values.get(name, "").split()) for name in ("allocated", "other")}
