"""What several rules share: how evidence is worded, what facts say together, and the door to the remedies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.compat.target import platform_named
from torchup.model import Os, Vendor, message, verbatim
from torchup.privacy import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.compat.questions import Compat
    from torchup.doctor.cause import RemedyKind
    from torchup.doctor.facts import Facts, Sign
    from torchup.model import ComputeCapability, Message, Remedy


def said(sign: Sign) -> Message:
    """A message of a program, quoted."""
    return message("doctor.evidence.said", "message: {line}", line=redact(sign.line))


def quoted(facts: Facts, *codes: str) -> tuple[Message, ...]:
    """The messages with these codes that were found."""
    return tuple(said(sign) for sign in facts.signs if sign.code in codes)


def remedy_of(
    slug: str,
    facts: Facts,
    compat: Compat,
    values: Mapping[str, str] | None = None,
    *,
    kind: RemedyKind | None = None,
) -> Remedy | None:
    """What a cause's file says to do (see `torchup.doctor.remedy.remedy_of`); the planner is loaded only here."""
    from torchup.doctor import remedy  # noqa: PLC0415  # most rules find nothing, and it takes 50 ms

    return remedy.remedy_of(slug, facts, compat.catalog, values, kind=kind)


def is_planned(facts: Facts, compat: Compat) -> bool:
    """Whether the torch that is there is what the planner plans, so that the build is not at fault."""
    if facts.torch.version is None:
        return False
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    return remedy.is_planned(facts, compat.catalog)


def made(
    facts: Facts,
    compat: Compat,
    text: Message,
    *commands: tuple[str, ...],
    kind: RemedyKind | None = None,
    needs_root: bool = False,
    names: tuple[str, ...] = (),
) -> Remedy:
    """A remedy in a rule's own words: commands, or of a kind; the planner is loaded only here."""
    from torchup.doctor import remedy  # noqa: PLC0415  # as above

    row = remedy.RemedyRow(
        kind=kind or remedy.RemedyKind.COMMANDS,
        commands=tuple(remedy.CommandRow(argv=argv) for argv in commands),
        names=names,
        needs_root=needs_root,
    )
    return remedy.make(row, facts, compat.catalog, text)


def torch_line(facts: Facts) -> Message:
    """Which torch it is."""
    torch = facts.torch
    label = f"{torch.version}+{torch.local}" if torch.local else str(torch.version)
    if torch.cuda:
        return message(
            "doctor.evidence.torch-cuda", "torch {version}, built with CUDA {cuda}", version=label, cuda=torch.cuda
        )
    return message("doctor.evidence.torch", "torch {version}", version=label)


def gpu_line(facts: Facts, vendor: Vendor | None = None) -> Message:
    """Which GPUs there are."""
    names = [gpu.name or gpu.gfx or str(gpu.vendor) for gpu in facts.gpus if vendor in (None, gpu.vendor)]
    return message("doctor.evidence.gpu", "GPU: {names}", names=", ".join(dict.fromkeys(map(redact, names))))


def driver_line(facts: Facts) -> Message:
    """Which NVIDIA driver it is."""
    return message("doctor.evidence.driver", "NVIDIA driver {version}", version=facts.nvidia.driver)


def on_windows(facts: Facts) -> bool:
    """Whether the Windows driver counts: Windows itself, or WSL, where it is the one that serves."""
    return facts.system.os is Os.WINDOWS or facts.system.wsl


def capabilities(facts: Facts, compat: Compat) -> list[ComputeCapability]:
    """Known compute capabilities of the NVIDIA GPUs."""
    return [found for gpu in facts.of(Vendor.NVIDIA) if (found := compat.capability(gpu)) is not None]


def platform(facts: Facts) -> str | None:
    """The catalogue's name of the platform; ``None``: the report names no system. Most processors are x86_64."""
    system = facts.system
    if system.os is None:
        return None
    usual = "arm64" if system.apple_silicon else "x86_64"
    return platform_named(system.os, system.arch or facts.python.arch or usual, translated=bool(system.apple_silicon))


def driver_cuda(facts: Facts, compat: Compat) -> str | None:
    """The newest CUDA that the driver serves, as it says or by its number."""
    driver = newest_driver(facts)
    served = compat.driver_serves(driver, windows=on_windows(facts)) if driver else None
    return facts.nvidia.cuda_api or served


def newest_driver(facts: Facts) -> str | None:
    """The driver that answers to torch."""
    return facts.nvidia.driver or facts.nvidia.module


def torch_cuda(facts: Facts, compat: Compat) -> str | None:
    """CUDA that torch was built with: as it says, as its label says, else that of PyPI's wheel."""
    torch = facts.torch
    if torch.cuda or torch.variant is not None:
        return torch.cuda
    if torch.version is None or torch.hip:
        return None
    return compat.pypi_cuda(torch.version, platform(facts) or "linux_x86_64")  # elsewhere it is labelled or for the CPU


def at_least(value: str | None, floor: str) -> bool | None:
    """Whether a version reaches a floor; ``None``: unknown."""
    return None if value is None else version_key(value) >= version_key(floor)


def plain(text: str) -> Message:
    """Text of a program as evidence."""
    return verbatim(redact(text))
