"""Is the installed build the right one for this GPU? Architectures, CPU builds, extensions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog.versions import is_release
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import (
    PIP,
    capabilities,
    driver_cuda,
    gpu_line,
    install_command,
    plain,
    platform,
    quoted,
    reinstall,
    said,
    torch_cuda,
    torch_line,
    wheel,
)
from torchup.model import ComputeCapability, Os, Remedy, Vendor, message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message

_WARNINGS = ("arch.warned", "arch.range", "arch.cc-list")
_FAILURES = ("arch.no-kernel", "arch.invalid-function", "arch.cublas")
_LOADED_BY_CUDA = ("arch.cudnn-execution",)
_UNKNOWN_BUILD = ("arch.no-kernel", "arch.invalid-function")
# Packages that bring kernels of their own: when torch covers the GPU, the missing code is theirs.
EXTENSIONS = {
    "vllm",
    "flash_attn",
    "xformers",
    "bitsandbytes",
    "mmcv",
    "mmdet",
    "mmdet3d",
    "detectron2",
    "pytorch3d",
    "spconv",
    "torch_scatter",
    "torch_sparse",
    "torch_cluster",
    "apex",
    "deepspeed",
    "causal_conv1d",
    "mamba_ssm",
    "auto_gptq",
    "exllamav2",
    "awq",
    "nvdiffrast",
    "sageattention",
    "gsplat",
    "simple_knn",
    "diff_gaussian_rasterization",
    "tinycudann",
    "kaolin",
    "minkowskiengine",
    "flashinfer",
    "sgl_kernel",
    "transformer_engine",
    "torch_spline_conv",
    "fvcore",
    "natten",
    "quant_cuda",
    "groundingdino",
    "llama_cpp",
    "ctranslate2",
}


def cpu_build_installed(facts: Facts, compat: Compat) -> Found | None:
    """Torch is a CPU build although a usable GPU is present."""
    if facts.on_mac or facts.works or facts.system.jetson:
        return None
    not_compiled = facts.sign("cpu.not-compiled")
    nvidia = facts.of(Vendor.NVIDIA)
    if facts.of(Vendor.AMD) and not nvidia:
        return None
    is_cpu = facts.torch.variant == "cpu"
    if not (is_cpu and (nvidia or facts.nvidia.driver)) and not_compiled is None:
        return None
    if not_compiled is not None and is_cpu and not nvidia and facts.nvidia.tools_found_none:
        return None
    if not_compiled is not None and (facts.torch.variant or "").startswith(("rocm", "xpu")):
        return None  # the program asked for CUDA where the build is for another vendor's GPU
    evidence = (
        *([said(not_compiled)] if not_compiled else []),
        *([torch_line(facts)] if facts.torch.version else []),
        *([gpu_line(facts, Vendor.NVIDIA)] if nvidia else []),
    )
    summary = message(
        "doctor.cpu-build.summary", "the installed torch is a CPU build: it cannot use the GPU that is there"
    )
    text = message("doctor.cpu-build.remedy", "install the build for the GPU over it")
    certainty = Certainty.SEEN if not_compiled is None else Certainty.PROVEN if nvidia else Certainty.SAID
    return Found(summary=summary, evidence=evidence, remedy=reinstall(facts, compat, text), certainty=certainty)


def aarch64_wheel_is_cpu(facts: Facts, compat: Compat) -> Found | None:
    """Linux on ARM servers: PyPI's wheel was CPU-only for years; the CUDA one is on PyTorch's index."""
    if (
        facts.system.os in (Os.WINDOWS, Os.MACOS)
        or "aarch64" not in (facts.system.arch, facts.python.arch)
        or facts.system.jetson
    ):
        return None
    if not facts.of(Vendor.NVIDIA) or facts.works:
        return None
    is_cpu = facts.torch.variant == "cpu" or facts.sign("cpu.not-compiled") is not None
    installed_plain = any(_is_plain_install(command) for command in facts.commands)
    if not is_cpu and not (facts.torch.version is None and installed_plain):
        return None
    text = message("doctor.aarch64-cpu.remedy", "install the CUDA build for aarch64 from PyTorch's index")
    return Found(
        summary=message("doctor.aarch64-cpu.summary", "pip brought the CPU wheel for aarch64, where a CUDA one exists"),
        evidence=(gpu_line(facts, Vendor.NVIDIA), *(plain(c) for c in facts.commands if _is_plain_install(c))),
        remedy=Remedy(text=text, commands=(install_command(_variant(facts, compat)),)),
        certainty=Certainty.PROVEN if is_cpu else Certainty.SEEN,
    )


def _variant(facts: Facts, compat: Compat) -> str:
    build = wheel(facts, compat)
    return build[0] if build else str(compat.pypi_variant(compat.catalog.newest_torch, platform(facts)))


def _is_plain_install(command: str) -> bool:
    return re.search(r"\bpip3?\b.*\binstall\b.*\btorch\b", command) is not None and "whl/cu" not in command


def warned_architecture(facts: Facts) -> tuple[ComputeCapability, tuple[ComputeCapability, ...]] | None:
    """What torch's own warning says: the GPU's capability and the list of the build."""
    warned = facts.sign(*_WARNINGS)
    if warned is None or "capability" not in warned.values:
        return None
    gpu = ComputeCapability.parse(warned.values["capability"])
    listed = facts.sign("arch.supported-list")
    words = re.findall(r"sm_\d+a?", listed.values.get("list", "")) if listed else []
    words = words or re.findall(r"(\d+\.\d) which supports", warned.values.get("list", ""))
    if gpu is None:
        return None
    if "minimum" in warned.values:
        words = [warned.values["minimum"], warned.values["maximum"]]
    return gpu, tuple(filter(None, map(ComputeCapability.parse, words)))


def uncovered(
    facts: Facts, compat: Compat
) -> tuple[ComputeCapability, tuple[ComputeCapability, ...], Certainty] | None:
    """The GPU that the build has no code for, the build's list, and how that is known; ``None``: none, or unknown."""
    warned = warned_architecture(facts)
    if warned is not None:
        gpu, listed = warned
        if compat.code([code.sm for code in listed], gpu) and "minimum" not in facts.sign(*_WARNINGS).values:  # type: ignore[union-attr]  # warned
            return None
        return gpu, listed, Certainty.PROVEN
    names = code_names(facts, compat)
    failed = facts.sign(*_FAILURES, "arch.ptxas") is not None
    if not failed and facts.torch.cuda is None and not facts.torch.arch_list:
        return None  # which build it is was not said
    gpus = capabilities(facts, compat)  # `is_available()` proves nothing about code for them: only a kernel does
    missing = [gpu for gpu in gpus if names and not _runs(facts, compat, names, gpu)]
    if not failed and len(missing) < len(gpus):
        return None  # a card for the display beside the one that computes
    if not missing or facts.torch.kernel_ran:
        return None
    return max(missing), _native(names), Certainty.PROVEN if failed else Certainty.TABLE


def code_names(facts: Facts, compat: Compat) -> tuple[str, ...]:
    """What is compiled into the build, as torch prints it or as the catalogue says; empty: unknown."""
    if facts.torch.arch_list:
        return facts.torch.arch_list
    torch, cuda = facts.torch.version, torch_cuda(facts, compat)
    known = torch is not None and cuda is not None and is_release(torch)
    return compat.code_names(str(torch), str(cuda), platform(facts)) if known else ()


def _runs(facts: Facts, compat: Compat, names: Iterable[str], gpu: ComputeCapability) -> bool:
    cuda = torch_cuda(facts, compat)
    return compat.code(names, gpu, cuda=cuda, driver_cuda=driver_cuda(facts, compat)) is not None


def _native(names: Iterable[str]) -> tuple[ComputeCapability, ...]:
    """The native code of an arch list."""
    return tuple(filter(None, (ComputeCapability.parse(name) for name in names if name.startswith("sm"))))


def arch_too_new(facts: Facts, compat: Compat) -> Found | None:
    """The GPU is newer than every architecture in the build."""
    found = uncovered(facts, compat)
    if found is not None:
        gpu, listed, certainty = found
        return _too_new(facts, compat, gpu, listed, certainty) if not listed or gpu > max(listed) else None
    if (unlisted := _left_out(facts, compat, "new")) is not None:
        return _too_new(facts, compat, unlisted, (), Certainty.SAID)
    if facts.sign("arch.ptxas") is not None and facts.torch.kernel_ran is not True:
        sign = facts.sign("arch.ptxas")
        newest = ComputeCapability.parse(sign.values["sm"]) if sign and "sm" in sign.values else None
        return _too_new(facts, compat, newest, (), Certainty.SAID)
    return _libraries_too_old(facts, compat)


def _left_out(facts: Facts, compat: Compat, side: str) -> ComputeCapability | None:
    """A GPU without a kernel in a build that was not named: whether builds of its time or of today leave it out."""
    gpus = capabilities(facts, compat)
    known = bool(code_names(facts, compat))
    if facts.sign(*_UNKNOWN_BUILD) is None or known or not gpus or facts.torch.hip or _foreign_code(facts):
        return None
    return next((gpu for gpu in gpus if compat.side(gpu) == side), None)


def _foreign_code(facts: Facts) -> bool:
    """Whether the failing code was an extension's and not torch's."""
    return facts.sign("extension.flash", "extension.nvcc-arch", "extension.frame") is not None or bool(
        EXTENSIONS.intersection(facts.modules)
    )


def _libraries_too_old(facts: Facts, compat: Compat) -> Found | None:
    """Torch's code runs by the same-major rule, but the CUDA libraries of that time do not know the GPU."""
    cuda = torch_cuda(facts, compat)
    newest = compat.newest_of_cuda(cuda) if cuda else None
    gpus = capabilities(facts, compat)
    failed = facts.sign(*_LOADED_BY_CUDA, *_FAILURES)
    if (
        cuda is None
        or newest is None
        or not gpus
        or failed is None
        or compat.libraries_know(cuda, max(gpus)) is not False
    ):
        return None
    return _too_new(facts, compat, max(gpus), (newest,), Certainty.PROVEN)


def _too_new(
    facts: Facts,
    compat: Compat,
    gpu: ComputeCapability | None,
    listed: tuple[ComputeCapability, ...],
    certainty: Certainty,
) -> Found:
    summary = message(
        "doctor.arch-new.summary", "this build of torch has no code for the GPU: the GPU is newer than the build"
    )
    text = message(
        "doctor.arch-new.remedy",
        "install a newer build; GPUs of the RTX 50 and B200 generation need CUDA 12.8 or newer, the"
        " RTX 30 generation 11.1, RTX 20 10.0",
    )
    return Found(
        summary=summary,
        evidence=_arch_evidence(facts, gpu, listed),
        remedy=reinstall(facts, compat, text),
        certainty=certainty,
    )


def _arch_evidence(
    facts: Facts, gpu: ComputeCapability | None, listed: tuple[ComputeCapability, ...]
) -> tuple[Message, ...]:
    lines = list(quoted(facts, *_WARNINGS, "arch.too-old", *_FAILURES, "arch.ptxas", *_LOADED_BY_CUDA))
    if facts.gpus:
        lines.append(gpu_line(facts, Vendor.NVIDIA))
    if gpu is not None:
        lines.append(
            message("doctor.arch.capability", "compute capability {capability} ({sm})", capability=gpu, sm=gpu.sm)
        )
    if listed:
        lines.append(
            message("doctor.arch.listed", "code in the build: {list}", list=", ".join(code.sm for code in listed))
        )
    if facts.torch.version:
        lines.append(torch_line(facts))
    return tuple(lines)


def arch_too_old(facts: Facts, compat: Compat) -> Found | None:
    """The GPU is older than every architecture in the build, or falls in a gap of its list."""
    dropped = facts.sign("arch.too-old")
    found = uncovered(facts, compat)
    if dropped is not None:
        gpu = ComputeCapability.parse(dropped.values.get("capability", ""))
        return _too_old(facts, compat, gpu, (), Certainty.PROVEN)
    if found is None and (unlisted := _left_out(facts, compat, "old")) is not None:
        return _too_old(facts, compat, unlisted, (), Certainty.SAID)
    if found is None or not found[1] or found[0] > max(found[1]):
        return None
    return _too_old(facts, compat, *found)


def _too_old(
    facts: Facts,
    compat: Compat,
    gpu: ComputeCapability | None,
    listed: tuple[ComputeCapability, ...],
    certainty: Certainty,
) -> Found:
    summary = message(
        "doctor.arch-old.summary", "this build of torch has no code for the GPU: the build left this generation out"
    )
    text = message(
        "doctor.arch-old.remedy",
        "install a build that still has it; do not update past driver branch 580, newer ones drop"
        " GPUs before the GTX 16 and RTX 20 generation",
    )
    return Found(
        summary=summary,
        evidence=_arch_evidence(facts, gpu, listed),
        remedy=reinstall(facts, compat, text),
        certainty=certainty,
    )


def extension_arch_missing(facts: Facts, compat: Compat) -> Found | None:
    """Torch covers the GPU, a compiled third-party extension does not."""
    own = facts.sign("extension.flash", "extension.nvcc-arch")
    failed = facts.sign(*_FAILURES)
    names = [name for name in facts.modules if name in EXTENSIONS]
    names += [
        name
        for name in ("vllm", "xformers", "flash-attn", "bitsandbytes")
        if facts.versions(name) and name not in names
    ]
    listed, gpus = code_names(facts, compat), capabilities(facts, compat)
    covered = bool(gpus and listed) and all(_runs(facts, compat, listed, gpu) for gpu in gpus)
    foreign = _foreign_code(facts)  # its frames are in the trace
    if own is None and (failed is None or facts.torch.hip or not (covered or foreign or (names and facts.works))):
        return None
    if warned_architecture(facts) is not None and uncovered(facts, compat) is not None:
        return None
    lines = [*quoted(facts, *_FAILURES, "extension.flash", "extension.nvcc-arch")]
    lines += [torch_line(facts)] if facts.torch.version else []
    lines += [gpu_line(facts)] if facts.gpus else []
    if names:
        lines.append(message("doctor.extension.names", "compiled packages in use: {names}", names=", ".join(names)))
    text = message(
        "doctor.extension.remedy",
        "rebuild the extension for this GPU (TORCH_CUDA_ARCH_LIST), or install a release of it that"
        " lists this architecture",
    )
    return Found(
        summary=message("doctor.extension.summary", "torch runs on this GPU, a compiled extension has no code for it"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=_rebuild(names, gpus)),
        certainty=Certainty.PROVEN if failed else Certainty.SAID,
    )


def _rebuild(names: list[str], gpus: list[ComputeCapability]) -> tuple[tuple[str, ...], ...]:
    if not names or not gpus:
        return ()
    arch = ";".join(sorted({str(gpu) for gpu in gpus}))
    package = names[0].replace("_", "-")
    return (
        (
            "env",
            f"TORCH_CUDA_ARCH_LIST={arch}",
            *PIP,
            "install",
            "--no-binary",
            package,
            "--force-reinstall",
            "--no-deps",
            package,
        ),
    )
