"""Compiled packages around torch (flash-attn, xformers, vLLM...) that were built for another torch or CUDA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.spans import minor_of, spans
from torchup.doctor.cause import text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import said, torch_cuda, torch_line
from torchup.doctor.rules.extensions import rebuilt
from torchup.doctor.rules.owners import package_named, package_of
from torchup.model import message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.catalog.packages import Package
    from torchup.compat.packages.symbols import SymbolMeaning
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Sign
    from torchup.model import Message, Remedy

_SYMBOL = lazy_pattern(r"undefined symbol: (?P<symbol>_Z\w+)")
_NAMELESS = frozenset({"_C", "_ext", "_fused", "_kernels", "ext", "_C_cuda", "_version_cuda"})


def dll_owner(facts: Facts) -> Package | None:
    """The package around torch whose DLL Windows does not load; ``None``: torch's own, or another program's."""
    sign = facts.sign("extension.dll")
    if sign is None or facts.sign("windows.dll", "windows.redistributable") is not None:
        return None
    module = sign.values.get("module", "")
    named = package_of(facts, sign.line) if module in _NAMELESS else package_named(module)
    return named if named is not None and named.kind in {"matched", "pinned", "source", "ended"} else None


# ---------------------------------------------------------------- built for another torch


def other_torch(facts: Facts, compat: Compat, signs: tuple[Sign, ...], module: str | None) -> Found:
    """A compiled package that was linked to another torch than it meets; which one, where its symbols say it."""
    package = next((found for sign in signs if (found := package_of(facts, sign.line))), None)
    package = package or (package_named(module) if module else None)
    built = next((text for sign in signs if (text := _built(facts, sign, package)) is not None), None)
    general = text_of("companion-mismatch", "summary-extension")
    return Found(
        summary=built or general,
        evidence=evidence(facts, signs),
        remedy=fitting(facts, compat, package, module),
        certainty=Certainty.PROVEN if built is not None and facts.torch.version else Certainty.SAID,
    )


def evidence(facts: Facts, signs: Iterable[Sign]) -> tuple[Message, ...]:
    """The messages, each once, and which torch it is."""
    lines = {sign.line: said(sign) for sign in signs}
    return (*lines.values(), *([torch_line(facts)] if facts.torch.version else []))


def fitting(facts: Facts, compat: Compat, package: Package | None, module: str | None = None) -> Remedy:
    """The wheel of a package for the torch that is there; a package that no table has is rebuilt."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    text = text_of("companion-mismatch", "remedy-wheel")
    if package is not None:
        return remedy.wheel_remedy(facts, compat.catalog, package, text=text)
    other = text_of("companion-mismatch", "remedy-extension")
    return rebuilt(facts, other, [module] if module else [])


def _built(facts: Facts, sign: Sign, package: Package | None) -> Message | None:
    """What a message says of the torch that the package was built for; nothing where it fits the one that is there."""
    found = _SYMBOL.search(sign.line)
    if found is None or package is None:
        return None
    if (abi := _other_string(facts, found["symbol"], package)) is not None:
        return abi
    from torchup.catalog.packages import load_packages  # noqa: PLC0415  # only a finding pays for the tables
    from torchup.compat.packages.symbols import symbol_meaning  # noqa: PLC0415  # same

    meaning = symbol_meaning(found["symbol"], load_packages())
    torch = facts.torch.version
    if meaning is None or meaning.built.startswith("cxx11") or (torch and _has(meaning, torch)):
        return None
    return built_summary(facts, package.name, _released(meaning.built))


def built_summary(facts: Facts, package: str, built: Message) -> Message:
    """Which torch a package was built for, and which is there."""
    return message(
        "doctor.compiled.built",
        "{package} was built for {built}, but {torch} is installed",
        package=package,
        built=built,
        torch=torch_name(facts),
    )


def cuda_summary(facts: Facts, compat: Compat, package: str, major: str) -> Message:
    """Which CUDA a package was built for, and which one torch includes."""
    cuda = torch_cuda(facts, compat)
    if cuda is None:
        return _without_cuda(facts, package, major)
    return message(
        "doctor.compiled.cuda",
        "{package} was built for CUDA {major}, but {torch} includes CUDA {cuda}",
        package=package,
        major=major,
        torch=torch_name(facts),
        cuda=cuda,
    )


def _without_cuda(facts: Facts, package: str, major: str) -> Message:
    """The same for a torch whose label names no CUDA; the general summary if it has no label at all."""
    label = facts.torch.local or facts.torch.variant or ""
    if not facts.torch.hip and not label.startswith(("cpu", "rocm", "xpu")):
        return text_of("companion-mismatch", "summary-extension")
    return message(
        "doctor.compiled.no-cuda",
        "{package} was built for CUDA {major}, but {torch} includes no CUDA",
        package=package,
        major=major,
        torch=torch_name(facts),
    )


def released_between(releases: Sequence[str]) -> Message:
    """A range of releases in words."""
    return _released(releases[0] if len(releases) == 1 else f"{releases[0]}..{releases[-1]}")


def _has(meaning: SymbolMeaning, torch: str) -> bool:
    """Whether a torch exports the symbol after all: then the report shows another torch than the one that was met."""
    try:
        return spans(meaning.have, minor_of(torch))
    except ValueError:
        return True


def _released(built: str) -> Message:
    """``<=2.9`` in words."""
    low, dots, high = built.partition("..")
    if built.startswith("<="):
        return message("doctor.compiled.older", "torch {release} or older", release=built[2:])
    if built.startswith(">="):
        return message("doctor.compiled.newer", "torch {release} or newer", release=built[2:])
    if dots:
        return message("doctor.compiled.between", "torch {first} to {last}", first=low, last=high)
    return message("doctor.compiled.one", "torch {release}", release=built)


def torch_name(facts: Facts) -> Message:
    """The torch that is there, or that it is another."""
    if facts.torch.version is None:
        return message("doctor.compiled.other", "another torch")
    label = facts.torch.local or facts.torch.variant
    name = f"{facts.torch.version}+{label}" if label else facts.torch.version
    return message("doctor.compiled.torch", "torch {version}", version=name)


def _other_string(facts: Facts, symbol: str, package: Package) -> Message | None:
    """Whether the symbol is written in the string ABI that this torch does not have."""
    from torchup.catalog.packages import load_packages  # noqa: PLC0415  # only a finding pays for the tables
    from torchup.compat.packages.contents import string_abi  # noqa: PLC0415  # same
    from torchup.compat.packages.fits import new_strings  # noqa: PLC0415  # same

    abi, torch = string_abi([symbol]), facts.torch.version
    if abi is None or torch is None:
        return None
    new = new_strings(torch, facts.torch.local or facts.torch.variant or "", load_packages())
    if new is (abi == "TRUE"):
        return None
    values = {"package": package.name, "label": f"cxx11abi{abi}", "torch": torch_name(facts)}
    if new:
        return message(
            "doctor.compiled.old-string",
            "{package} was built with the old C++ string ABI ({label}), but {torch} uses the new one",
            **values,
        )
    return message(
        "doctor.compiled.new-string",
        "{package} was built with the new C++ string ABI ({label}), but {torch} uses the old one",
        **values,
    )


# ---------------------------------------------------------------- built for another CUDA


def other_cuda(facts: Facts, compat: Compat, sign: Sign, module: str | None) -> Found | None:
    """A compiled package that asks for the runtime of another CUDA major than torch brings."""
    package = package_of(facts, sign.line) or (package_named(module) if module else None)
    if package is None and module is None:
        return None
    major, torch = sign.values.get("major"), facts.torch.version
    summary = text_of("companion-mismatch", "summary-extension")
    if package is not None and major and torch:
        summary = cuda_summary(facts, compat, package.name, major)
    return Found(
        summary=summary,
        evidence=evidence(facts, (sign,)),
        remedy=fitting(facts, compat, package, module),
        certainty=Certainty.SAID,
    )


def unloaded_dll(facts: Facts, compat: Compat) -> Found | None:
    """Windows does not load the DLL of a package around torch; its message does not say what it lacks."""
    package, sign = dll_owner(facts), facts.sign("extension.dll")
    if package is None or sign is None:
        return None
    if facts.sign("extension.procedure") is not None:
        summary = message(
            "doctor.compiled.procedure",
            "{package} was built for another torch: it calls a function that the installed torch does not have",
            package=package.name,
        )
    else:
        summary = message(
            "doctor.compiled.dll",
            "Windows cannot load {package}: a DLL that it needs is missing (part of another version of torch or "
            "CUDA, or of the Visual C++ runtime)",
            package=package.name,
        )
    return Found(
        summary=summary, evidence=evidence(facts, (sign,)), remedy=fitting(facts, compat, package),
        certainty=Certainty.SAID,
    )  # fmt: skip
