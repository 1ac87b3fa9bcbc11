"""Has torch code for the GPU? What its own warning says, what its arch list says, what the catalogue says. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog.versions import is_release
from torchup.doctor.rule import Certainty
from torchup.doctor.rules.common import capabilities, driver_cuda, platform, torch_cuda
from torchup.model import ComputeCapability, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts

WARNINGS = ("arch.warned", "arch.range", "arch.cc-list")
FAILURES = ("arch.no-kernel", "arch.invalid-function", "arch.cublas")


class Uncovered(Value, frozen=True, kw_only=True):
    """A GPU that the build has no code for. ``listed``: the build's native code; empty: it was not said."""

    gpu: ComputeCapability
    listed: tuple[ComputeCapability, ...]
    certainty: Certainty


def uncovered(facts: Facts, compat: Compat) -> Uncovered | None:
    """The GPU that the build has no code for; ``None``: none, or unknown."""
    warned = warned_capability(facts)
    if warned is not None:
        return _by_warning(facts, compat, warned)
    names = code_names(facts, compat)
    failed = facts.sign(*FAILURES, "arch.ptxas") is not None
    if not failed and facts.torch.cuda is None and not facts.torch.arch_list:
        return None  # which build it is was not said
    gpus = _gpus(facts, compat)  # `is_available()` proves nothing about code for them: only a kernel does
    missing = [gpu for gpu in gpus if names and not runs(facts, compat, names, gpu)]
    if not failed and len(missing) < len(gpus):
        return None  # a card for the display beside the one that computes
    if not missing or facts.torch.kernel_ran:
        return None
    certainty = Certainty.PROVEN if failed else Certainty.TABLE
    return Uncovered(gpu=max(missing), listed=native(names), certainty=certainty)


def _gpus(facts: Facts, compat: Compat) -> list[ComputeCapability]:
    """The GPUs of the report, or the one that Triton's assembler was to write for."""
    assembled = facts.sign("arch.ptxas")
    said = ComputeCapability.parse(assembled.values.get("sm", "")) if assembled is not None else None
    return capabilities(facts, compat) or ([said] if said is not None else [])


def warned_capability(facts: Facts) -> ComputeCapability | None:
    """The GPU that torch's own warning names."""
    warned = facts.sign(*WARNINGS)
    return ComputeCapability.parse(warned.values.get("capability", "")) if warned is not None else None


def covers_what_it_warns_of(facts: Facts, compat: Compat) -> bool:
    """Whether torch warned of a GPU that its own code runs on: the next minor number of the same major one."""
    return warned_capability(facts) is not None and uncovered(facts, compat) is None


def side(found: Uncovered, compat: Compat) -> str | None:
    """``new``: newer than all code of the build; ``old``: older, or in a gap; ``None``: unknown."""
    if found.listed:
        return "new" if found.gpu > max(found.listed) else "old"
    return compat.side(found.gpu)


def _by_warning(facts: Facts, compat: Compat, gpu: ComputeCapability) -> Uncovered | None:
    """A range and a list leave the same-major rule out, and the list that somebody printed says more than a range."""
    said = native(facts.torch.arch_list or _warned_names(facts))
    if _has(said, gpu, compat):
        return None
    built = native(code_names(facts, compat))
    listed = said or (() if _has(built, gpu, compat) else built)  # the program knows better than the table
    return Uncovered(gpu=gpu, listed=listed, certainty=Certainty.PROVEN)


def _has(codes: tuple[ComputeCapability, ...], gpu: ComputeCapability, compat: Compat) -> bool:
    return compat.code([code.sm for code in codes], gpu) is not None


def _warned_names(facts: Facts) -> tuple[str, ...]:
    """The code of the build as the warning, or the line after it, lists it."""
    warned, listed = facts.sign(*WARNINGS), facts.sign("arch.supported-list")
    words = re.findall(r"sm_\d+a?", listed.values.get("list", "")) if listed else []
    values = warned.values if warned is not None else {}
    bounds = [values[name] for name in ("minimum", "maximum") if name in values]
    numbers = bounds or re.findall(r"(?<!\d)(\d++\.\d) which supports", values.get("list", ""))
    parsed = (ComputeCapability.parse(number) for number in numbers)
    return tuple(words) or tuple(code.sm for code in parsed if code is not None)


def code_names(facts: Facts, compat: Compat) -> tuple[str, ...]:
    """What is compiled into the build, as torch prints it or as the catalogue says; empty: unknown."""
    if facts.torch.arch_list:
        return facts.torch.arch_list
    torch, cuda = facts.torch.version, torch_cuda(facts, compat)
    known = torch is not None and cuda is not None and is_release(torch)
    return compat.code_names(str(torch), str(cuda), platform(facts)) if known else ()


def runs(facts: Facts, compat: Compat, names: Iterable[str], gpu: ComputeCapability) -> bool:
    """Whether a GPU runs some of this code with the driver that is there."""
    cuda = torch_cuda(facts, compat)
    return compat.code(names, gpu, cuda=cuda, driver_cuda=driver_cuda(facts, compat)) is not None


def covered(facts: Facts, compat: Compat) -> bool:
    """Whether it is known that the build has code for every GPU."""
    names, gpus = code_names(facts, compat), capabilities(facts, compat)
    return bool(names and gpus) and all(runs(facts, compat, names, gpu) for gpu in gpus)


def native(names: Iterable[str]) -> tuple[ComputeCapability, ...]:
    """The native code of an arch list."""
    return tuple(filter(None, (ComputeCapability.parse(name) for name in names if name.startswith("sm"))))
