"""Is the installed build the right one for this GPU? CPU builds, and architectures that a build leaves out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.versions import is_release
from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import capabilities, gpu_line, plain, quoted, remedy_of, said, torch_cuda, torch_line
from torchup.doctor.rules.coverage import (
    FAILURES,
    WARNINGS,
    Uncovered,
    code_names,
    covers_what_it_warns_of,
    side,
    uncovered,
)
from torchup.doctor.rules.extensions import foreign_code
from torchup.model import ComputeCapability, Os, Vendor, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message, Remedy

TOO_NEW, TOO_OLD = "arch-not-in-build-too-new", "arch-not-in-build-too-old"
_LOADED_BY_CUDA = ("arch.cudnn-execution",)
_UNKNOWN_BUILD = ("arch.no-kernel", "arch.invalid-function")
_SERVER = "linux_aarch64"
_GPU_INDEX = lazy_pattern(r"/whl/(?:\w+/)?cu\d")


# ---------------------------------------------------------------- CPU builds


def cpu_build_installed(facts: Facts, compat: Compat) -> Found | None:
    """Torch is a CPU build although a usable GPU is present."""
    if facts.on_mac or facts.works or facts.system.jetson or not _is_cpu_build(facts):
        return None
    not_compiled, nvidia = facts.sign("cpu.not-compiled"), facts.of(Vendor.NVIDIA)
    lines: list[Message] = [said(not_compiled)] if not_compiled else []
    lines += quoted(facts, "extension.built-for")
    lines += [torch_line(facts)] if facts.torch.version else []
    lines += [gpu_line(facts, Vendor.NVIDIA)] if nvidia else []
    slug = "cpu-build-installed"
    return Found(
        summary=text_of(slug, "summary"),
        evidence=tuple(lines),
        remedy=_build_that_others_met(facts, compat, slug) or remedy_of(slug, facts, compat),
        certainty=Certainty.SEEN if not_compiled is None else Certainty.PROVEN if nvidia else Certainty.SAID,
    )


def _build_that_others_met(facts: Facts, compat: Compat, slug: str) -> Remedy | None:
    """A compiled package names the build that it was made for: that one again, so that the package stays right."""
    sign = facts.sign("extension.built-for")
    if sign is None or "+cu" not in sign.values.get("built", ""):
        return None
    known = replace(facts, requested=(f"torch=={sign.values['built']}",))
    return remedy_of(slug, known, compat, kind=RemedyKind.REQUESTED)


def _is_cpu_build(facts: Facts) -> bool:
    """A CPU build beside a GPU, in an environment that was to have a GPU build, or torch's own words for it."""
    nvidia, variant = facts.of(Vendor.NVIDIA), facts.torch.variant or ""
    if facts.of(Vendor.AMD) and not nvidia:
        return False
    if facts.sign("cpu.not-compiled") is not None:
        absent = variant == "cpu" and not nvidia and facts.nvidia.tools_found_none
        return not absent and not variant.startswith(("rocm", "xpu"))  # else CUDA was asked of another vendor's build
    return variant == "cpu" and (bool(nvidia or facts.nvidia.driver) or _wanted_gpu(facts))


def _wanted_gpu(facts: Facts) -> bool:
    """Whether a CUDA build was asked for, and torch answers False; tools that see no GPU speak against it."""
    asked = any(map(_GPU_INDEX.search, facts.index_urls)) or facts.sign("cuda.wanted") is not None
    return asked and facts.torch.cuda_available is False and not facts.nvidia.tools_found_none


def aarch64_wheel_is_cpu(facts: Facts, compat: Compat) -> Found | None:
    """Linux on ARM servers: PyPI's wheel was CPU-only for years; the CUDA one is on PyTorch's index."""
    other = facts.system.os in (Os.WINDOWS, Os.MACOS) or facts.system.jetson
    if other or "aarch64" not in (facts.system.arch, facts.python.arch):
        return None
    if not facts.of(Vendor.NVIDIA) or facts.works:
        return None
    is_cpu = facts.torch.variant == "cpu" or facts.sign("cpu.not-compiled") is not None or _is_plain_cpu(facts, compat)
    installs = [command for command in facts.commands if _is_plain_install(command, compat)]
    if not is_cpu and not (facts.torch.version is None and installs):
        return None
    slug = "aarch64-wheel-is-cpu"
    plain_install = text_of("aarch64-wheel-is-cpu", "summary-plain")  # which build it gave, the report does not say
    return Found(
        summary=text_of(slug, "summary") if is_cpu else plain_install,
        evidence=(gpu_line(facts, Vendor.NVIDIA), *map(plain, installs)),
        remedy=remedy_of(slug, facts, compat),
        certainty=Certainty.PROVEN if is_cpu else Certainty.SEEN,
    )


def _is_plain_cpu(facts: Facts, compat: Compat) -> bool:
    """Torch without a label answers False, and the plain wheel of its release is a CPU build on this processor."""
    torch = facts.torch
    unlabelled = torch.version is not None and is_release(torch.version) and torch.variant is None and not torch.cuda
    return unlabelled and torch.cuda_available is False and compat.pypi_cuda(str(torch.version), _SERVER) is None


def _is_plain_install(command: str, compat: Compat) -> bool:
    """An installation from PyPI that may give the CPU build; of a release that is named, PyPI's wheel is known."""
    found = re.search(r"\bpip3?\b.*\binstall\b.*\btorch\b(?:==(\d+(?:\.\d+)+))?", command)
    if found is None or "whl/cu" in command:
        return False
    return found[1] is None or compat.pypi_cuda(found[1], _SERVER) is None


# ---------------------------------------------------------------- architectures


def arch_too_new(facts: Facts, compat: Compat) -> Found | None:
    """The GPU is newer than every architecture in the build."""
    found = uncovered(facts, compat)
    if found is not None:
        return _left_out_finding(facts, compat, TOO_NEW, found) if side(found, compat) == "new" else None
    if covers_what_it_warns_of(facts, compat):
        return None
    return _by_side(facts, compat, TOO_NEW) or _libraries_too_old(facts, compat)


def arch_too_old(facts: Facts, compat: Compat) -> Found | None:
    """The GPU is older than every architecture in the build, or falls in a gap of its list."""
    dropped = facts.sign("arch.too-old")
    if dropped is not None:
        gpu = ComputeCapability.parse(dropped.values.get("capability", ""))
        return _finding(facts, compat, TOO_OLD, (gpu, ()), Certainty.PROVEN)
    found = uncovered(facts, compat)
    if found is not None:
        return _left_out_finding(facts, compat, TOO_OLD, found) if side(found, compat) == "old" else None
    return None if covers_what_it_warns_of(facts, compat) else _by_side(facts, compat, TOO_OLD)


def _by_side(facts: Facts, compat: Compat, slug: str) -> Found | None:
    """A GPU without a kernel in a build that was not named: whether builds of its time or of today leave it out."""
    gpus = capabilities(facts, compat)
    known = bool(code_names(facts, compat))
    if facts.sign(*_UNKNOWN_BUILD) is None or known or facts.torch.hip or foreign_code(facts):
        return None
    wanted = "new" if slug == TOO_NEW else "old"
    gpu = next((gpu for gpu in gpus if compat.side(gpu) == wanted), None)
    return _finding(facts, compat, slug, (gpu, ()), Certainty.SAID) if gpu is not None else None


def _libraries_too_old(facts: Facts, compat: Compat) -> Found | None:
    """Torch's code runs by the same-major rule, but the CUDA libraries of that time do not know the GPU."""
    cuda = torch_cuda(facts, compat)
    newest = compat.newest_of_cuda(cuda) if cuda else None
    gpu = max(capabilities(facts, compat), default=None)
    failed = facts.sign(*_LOADED_BY_CUDA, *FAILURES) is not None
    if cuda is None or newest is None or gpu is None or not failed or compat.libraries_know(cuda, gpu) is not False:
        return None
    found = _finding(facts, compat, TOO_NEW, (gpu, (newest,)), Certainty.PROVEN)
    return replace(found, summary=text_of("arch-not-in-build-too-new", "summary-libraries"))


def _left_out_finding(facts: Facts, compat: Compat, slug: str, found: Uncovered) -> Found:
    return _finding(facts, compat, slug, (found.gpu, found.listed), found.certainty)


def _finding(
    facts: Facts,
    compat: Compat,
    slug: str,
    code: tuple[ComputeCapability | None, tuple[ComputeCapability, ...]],
    certainty: Certainty,
) -> Found:
    return Found(
        summary=text_of(slug, "summary"),
        evidence=_evidence(facts, *code),
        remedy=remedy_of(slug, facts, compat),
        certainty=certainty,
    )


def _evidence(
    facts: Facts, gpu: ComputeCapability | None, listed: tuple[ComputeCapability, ...]
) -> tuple[Message, ...]:
    lines = list(quoted(facts, *WARNINGS, "arch.too-old", *FAILURES, "arch.ptxas", *_LOADED_BY_CUDA))
    if facts.gpus:
        lines.append(gpu_line(facts, Vendor.NVIDIA))
    if gpu is not None:
        lines.append(
            message("doctor.arch.capability", "compute capability {capability} ({sm})", capability=gpu, sm=gpu.sm)
        )
    sign = facts.sign(*WARNINGS)
    only_ends = sign is not None and "minimum" in sign.values  # torch names two ends: there is code between them, too
    if listed and not only_ends:
        lines.append(
            message("doctor.arch.listed", "the build has code for {list}", list=", ".join(code.sm for code in listed))
        )
    if facts.torch.version:
        lines.append(torch_line(facts))
    return tuple(lines)
