"""Torch has code for the GPU; what other packages compiled, or compile, has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.extensions import extension_table, named_in
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import capabilities, gpu_line, quoted, remedy_of, said, torch_line
from torchup.doctor.rules.coverage import FAILURES, covered, covers_what_it_warns_of, uncovered, warned_capability
from torchup.doctor.rules.owners import package_named
from torchup.model import ComputeCapability, Os, Remedy, Severity, message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message

_NVCC = "extension.nvcc-arch"  # nothing is built yet: the toolkit's compiler refuses the GPU
_OWN = ("extension.flash", _NVCC, "extension.kernel", "extension.sage", "extension.dispatch")
_SPEAKERS = {"extension.dispatch": "xformers"}  # a message that does not say whose it is


def foreign_code(facts: Facts) -> bool:
    """Whether the failing code was an extension's and not torch's."""
    return facts.sign(*_OWN, "extension.frame") is not None or bool(
        set(extension_table().modules).intersection(facts.modules)
    )


def extension_arch_missing(facts: Facts, compat: Compat) -> Found | None:
    """Torch covers the GPU, a compiled third-party extension does not."""
    own, failed = facts.sign(*_OWN), facts.sign(*FAILURES)
    if own is None and failed is None:
        return None
    names = _names(facts)
    if uncovered(facts, compat) is not None and (own is None or warned_capability(facts) is not None):
        return None  # torch itself has no code
    fine = covered(facts, compat) or covers_what_it_warns_of(facts, compat)
    foreign = foreign_code(facts)  # its frames are in the trace
    if own is None and (facts.torch.hip or not (fine or foreign or (names and facts.works))):
        return None
    lines = [*quoted(facts, *FAILURES, *_OWN)]
    lines += [torch_line(facts)] if facts.torch.version else []
    lines += [gpu_line(facts)] if facts.gpus else []
    if names:
        lines.append(message("doctor.extension.names", "compiled packages found: {names}", names=", ".join(names)))
    slug, gpus = "extension-arch-missing", capabilities(facts, compat)
    toolkit = _toolkit_line(facts, compat, _NVCC)
    text = _newer_toolkit() if toolkit else text_of(slug, "remedy")
    return Found(
        summary=_not_compiled() if own is not None and own.code == _NVCC else text_of(slug, "summary"),
        evidence=(*lines, *toolkit),
        remedy=rebuilt(facts, text, ()) if toolkit else _with_code(facts, compat, text, names, gpus),
        certainty=Certainty.PROVEN if failed else Certainty.SAID,
    )


def _with_code(
    facts: Facts, compat: Compat, text: Message, names: Sequence[str], gpus: Iterable[ComputeCapability]
) -> Remedy:
    """The first package's file for this torch and GPU; a package without a row is rebuilt."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    package = package_named(names[0]) if names else None
    found = remedy.fitting_wheel(facts, compat.catalog, package) if package is not None else None
    same = found is not None and found.url is None and found.version in facts.versions(found.package)
    if package is None or same:  # the release that is installed is the one that fails
        return rebuilt(facts, text, names, gpus)
    return remedy.wheel_remedy(facts, compat.catalog, package, text=text, gpus=gpus)


def _names(facts: Facts) -> tuple[str, ...]:
    """The compiled packages, those whose own message it is first."""
    codes = (*_OWN, *FAILURES, "extension.frame")
    lines = [sign.line for sign in facts.signs if sign.code in codes]
    lines += [_SPEAKERS[sign.code] for sign in facts.signs if sign.code in _SPEAKERS]
    return extension_names(facts, lines)


def extension_names(facts: Facts, lines: Iterable[str]) -> tuple[str, ...]:
    """The modules that these lines name, those of the traceback, those that are installed."""
    table = extension_table()
    said_by = [module for line in lines for module in named_in(line)]
    traced = [module for module in facts.modules if module in table.modules]
    installed = [module for module in table.modules if facts.versions(table.package(module).lower())]
    return tuple(dict.fromkeys([*said_by, *traced, *installed]))


def triton_ptxas_too_old(facts: Facts, compat: Compat) -> Found | None:
    """Torch covers the GPU, or nothing says that it does not; Triton's bundled ptxas does not know it."""
    sign = facts.sign("arch.ptxas")
    slug = "triton-ptxas-too-old"
    if sign is None:
        return _older_assembler(facts, compat, slug)
    if uncovered(facts, compat) is not None:
        return None
    lines: list[Message] = [said(sign), *_toolkit_line(facts, compat, "arch.ptxas")]
    lines += [gpu_line(facts)] if facts.gpus else []
    lines += [torch_line(facts)] if facts.torch.version else []
    kind = RemedyKind.TEXT if facts.system.os is Os.WINDOWS else None  # the file's path is that of Linux
    return Found(
        summary=text_of(slug, "summary"),
        evidence=tuple(lines),
        remedy=remedy_of(slug, facts, compat, kind=kind),
        certainty=Certainty.PROVEN,
    )


def _older_assembler(facts: Facts, compat: Compat, slug: str) -> Found | None:
    """Nothing has failed yet: the assembler that is there is older than the toolkit that introduced the GPU."""
    row = next((one for one in facts.readiness if one.name == "ptxas" and one.ready is False and one.found), None)
    if row is None:
        return None
    seen = message("doctor.ptxas.found", "Triton's assembler belongs to CUDA {found}", found=row.found)
    needed = message("doctor.ptxas.needed", "needed for the GPU: CUDA {wanted}", wanted=row.wanted)
    return Found(
        summary=text_of(slug, "summary"),
        evidence=(seen, needed, gpu_line(facts)),
        remedy=remedy_of(slug, facts, compat, kind=RemedyKind.TEXT if facts.system.os is Os.WINDOWS else None),
        certainty=Certainty.SEEN,
        severity=Severity.INFO,
        primary=False,
    )


def _not_compiled() -> Message:
    return text_of("extension-arch-missing", "summary-toolkit")


def _newer_toolkit() -> Message:
    return text_of("extension-arch-missing", "remedy-toolkit")


def _toolkit_line(facts: Facts, compat: Compat, code: str) -> tuple[Message, ...]:
    """The first toolkit whose compiler knows the GPU that one failed at."""
    sign = facts.sign(code)
    if sign is None:
        return ()
    named = ComputeCapability.parse(sign.values.get("sm", ""))
    gpu = named or max(capabilities(facts, compat), default=None)
    cuda = compat.first_cuda(gpu) if gpu is not None else None
    if gpu is None or cuda is None:
        return ()
    return (
        message("doctor.ptxas.toolkit", "CUDA {cuda} is the first version that supports {sm}", cuda=cuda, sm=gpu.sm),
    )


def rebuilt(facts: Facts, text: Message, names: Sequence[str], gpus: Iterable[ComputeCapability] = ()) -> Remedy:
    """Rebuild the first of these packages for the installed torch."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    return Remedy(
        text=text,
        commands=remedy.rebuild(facts, names[0], gpus) if names else (),
        interpreter=remedy.interpreter_of(facts),
        shell=remedy.shell_of(facts),
    )
