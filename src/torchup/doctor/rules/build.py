"""Is the installed build the right one for this GPU? Architectures, CPU builds, companions, NumPy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.knowledge import covers, is_release, minor, version
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import (
    PIP,
    capabilities,
    gpu_line,
    install_command,
    newest_driver,
    on_windows,
    pip_install,
    plain,
    quoted,
    reinstall,
    said,
    torch_cuda,
    torch_line,
)
from torchup.model import ComputeCapability, Os, Remedy, Vendor, message

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts, Sign
    from torchup.doctor.knowledge import Knowledge
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


def cpu_build_installed(facts: Facts, knowledge: Knowledge) -> Found | None:
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
    return Found(summary=summary, evidence=evidence, remedy=reinstall(facts, knowledge, text), certainty=certainty)


def aarch64_wheel_is_cpu(facts: Facts, knowledge: Knowledge) -> Found | None:
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
        remedy=Remedy(text=text, commands=(install_command(_variant(facts, knowledge)),)),
        certainty=Certainty.PROVEN if is_cpu else Certainty.SEEN,
    )


def _variant(facts: Facts, knowledge: Knowledge) -> str:
    gpus = capabilities(facts, knowledge)
    wheel = knowledge.wheel(min(gpus, default=None), newest_driver(facts), windows=on_windows(facts))
    return wheel[0] if wheel else "cu126"


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
    facts: Facts, knowledge: Knowledge
) -> tuple[ComputeCapability, tuple[ComputeCapability, ...], Certainty] | None:
    """The GPU that the build has no code for, the build's list, and how that is known; ``None``: none, or unknown."""
    warned = warned_architecture(facts)
    if warned is not None:
        gpu, listed = warned
        if any(covers(code, gpu) for code in listed) and "minimum" not in facts.sign(*_WARNINGS).values:  # type: ignore[union-attr]  # warned
            return None
        return gpu, listed, Certainty.PROVEN
    listed = tuple(filter(None, map(ComputeCapability.parse, facts.torch.arch_list))) or _listed(facts, knowledge)
    failed = facts.sign(*_FAILURES, "arch.ptxas") is not None
    if not failed and facts.torch.cuda is None and not facts.torch.arch_list:
        return None  # which build it is was not said
    gpus = capabilities(facts, knowledge)  # `is_available()` proves nothing about code for them: only a kernel does
    missing = [gpu for gpu in gpus if listed and not any(covers(code, gpu) for code in listed)]
    if not failed and len(missing) < len(gpus):
        return None  # a card for the display beside the one that computes
    if not missing or facts.torch.kernel_ran:
        return None
    return max(missing), listed, Certainty.PROVEN if failed else Certainty.TABLE


def _listed(facts: Facts, knowledge: Knowledge) -> tuple[ComputeCapability, ...]:
    cuda = torch_cuda(facts, knowledge)
    released = facts.torch.version is not None and is_release(facts.torch.version)
    return knowledge.arch_list(str(facts.torch.version), cuda) if cuda and released else ()


def arch_too_new(facts: Facts, knowledge: Knowledge) -> Found | None:
    """The GPU is newer than every architecture in the build."""
    found = uncovered(facts, knowledge)
    if found is not None:
        gpu, listed, certainty = found
        return _too_new(facts, knowledge, gpu, listed, certainty) if not listed or gpu > max(listed) else None
    if (unlisted := _left_out(facts, knowledge, "new")) is not None:
        return _too_new(facts, knowledge, unlisted, (), Certainty.SAID)
    if facts.sign("arch.ptxas") is not None and facts.torch.kernel_ran is not True:
        sign = facts.sign("arch.ptxas")
        newest = ComputeCapability.parse(sign.values["sm"]) if sign and "sm" in sign.values else None
        return _too_new(facts, knowledge, newest, (), Certainty.SAID)
    return _libraries_too_old(facts, knowledge)


def _left_out(facts: Facts, knowledge: Knowledge, side: str) -> ComputeCapability | None:
    """A GPU without a kernel in a build that was not named: whether builds of its time or of today leave it out."""
    gpus = capabilities(facts, knowledge)
    known = bool(facts.torch.arch_list) or bool(_listed(facts, knowledge))
    if facts.sign(*_UNKNOWN_BUILD) is None or known or not gpus or facts.torch.hip or _foreign_code(facts):
        return None
    return next((gpu for gpu in gpus if knowledge.left_out(gpu) == side), None)


def _foreign_code(facts: Facts) -> bool:
    """Whether the failing code was an extension's and not torch's."""
    return facts.sign("extension.flash", "extension.nvcc-arch", "extension.frame") is not None or bool(
        EXTENSIONS.intersection(facts.modules)
    )


def _libraries_too_old(facts: Facts, knowledge: Knowledge) -> Found | None:
    """Torch's code runs by the same-major rule, but the CUDA libraries of that time do not know the GPU."""
    cuda = torch_cuda(facts, knowledge)
    newest = knowledge.newest_of_cuda(cuda) if cuda else None
    gpus = capabilities(facts, knowledge)
    failed = facts.sign(*_LOADED_BY_CUDA, *_FAILURES)
    if newest is None or not gpus or failed is None or max(gpus) <= newest:
        return None
    return _too_new(facts, knowledge, max(gpus), (newest,), Certainty.PROVEN)


def _too_new(
    facts: Facts,
    knowledge: Knowledge,
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
        remedy=reinstall(facts, knowledge, text),
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


def arch_too_old(facts: Facts, knowledge: Knowledge) -> Found | None:
    """The GPU is older than every architecture in the build, or falls in a gap of its list."""
    dropped = facts.sign("arch.too-old")
    found = uncovered(facts, knowledge)
    if dropped is not None:
        gpu = ComputeCapability.parse(dropped.values.get("capability", ""))
        return _too_old(facts, knowledge, gpu, (), Certainty.PROVEN)
    if found is None and (unlisted := _left_out(facts, knowledge, "old")) is not None:
        return _too_old(facts, knowledge, unlisted, (), Certainty.SAID)
    if found is None or not found[1] or found[0] > max(found[1]):
        return None
    return _too_old(facts, knowledge, *found)


def _too_old(
    facts: Facts,
    knowledge: Knowledge,
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
        remedy=reinstall(facts, knowledge, text),
        certainty=certainty,
    )


def extension_arch_missing(facts: Facts, knowledge: Knowledge) -> Found | None:
    """Torch covers the GPU, a compiled third-party extension does not."""
    own = facts.sign("extension.flash", "extension.nvcc-arch")
    failed = facts.sign(*_FAILURES)
    names = [name for name in facts.modules if name in EXTENSIONS]
    names += [
        name
        for name in ("vllm", "xformers", "flash-attn", "bitsandbytes")
        if facts.versions(name) and name not in names
    ]
    listed = tuple(filter(None, map(ComputeCapability.parse, facts.torch.arch_list))) or _listed(facts, knowledge)
    gpus = capabilities(facts, knowledge)
    covered = bool(gpus and listed) and all(any(covers(code, gpu) for code in listed) for gpu in gpus)
    foreign = _foreign_code(facts)  # its frames are in the trace
    if own is None and (failed is None or facts.torch.hip or not (covered or foreign or (names and facts.works))):
        return None
    if warned_architecture(facts) is not None and uncovered(facts, knowledge) is not None:
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


def companion_mismatch(facts: Facts, knowledge: Knowledge) -> Found | None:
    """Torchvision or torchaudio belongs to another torch version or variant."""
    signs = facts.signs_of("companion-mismatch")
    paired = [name for name in ("torchvision", "torchaudio") if _is_paired(facts, knowledge, name)]
    wrong = [line for name in ("torchvision", "torchaudio") for line in _unpaired(facts, knowledge, name)]
    broken = facts.companion_errors
    if signs and not wrong and not broken and paired:
        signs = tuple(sign for sign in signs if not _is_about_paired(sign, paired))
    if not signs and not wrong and not broken:
        return None
    errors = tuple(plain(f"import {name}: {error}") for name, error in broken.items())
    certainty = Certainty.PROVEN if (signs and wrong) or broken else Certainty.SAID if signs else Certainty.TABLE
    if signs and all(sign.code == "companion.extension" for sign in signs) and not wrong and not broken:
        return _extension_of_another_torch(facts, signs)
    text = message("doctor.companion.remedy", "install torch, torchvision and torchaudio together, from one index")
    return Found(
        summary=message("doctor.companion.summary", "torchvision or torchaudio belongs to another build of torch"),
        evidence=(*map(said, signs), *errors, *(line for line in wrong)),
        remedy=Remedy(text=text, commands=(_together(facts),)),
        certainty=certainty,
    )


def _extension_of_another_torch(facts: Facts, signs: tuple[Sign, ...]) -> Found:
    """A compiled package (flash-attn, vLLM...) that was linked to another version of torch than it meets."""
    package = signs[0].values.get("package", "PACKAGE").replace("_", "-")
    text = message(
        "doctor.companion.remedy-extension",
        "install a release of the package that was built for this torch, or build it anew beside it",
    )
    again = ("--force-reinstall", "--no-cache-dir", "--no-deps", "--no-build-isolation", package)
    return Found(
        summary=message("doctor.companion.summary-extension", "a compiled package was built for another torch"),
        evidence=(*map(said, signs), *([torch_line(facts)] if facts.torch.version else [])),
        remedy=Remedy(text=text, commands=(pip_install(*again),)),
        certainty=Certainty.SAID,
    )


def _together(facts: Facts) -> tuple[str, ...]:
    torch = facts.torch
    if torch.variant and torch.variant != "cpu" and facts.system.os is not Os.MACOS:
        return install_command(torch.variant)
    if torch.variant == "cpu" and facts.system.os is Os.LINUX:
        return install_command("cpu")
    return pip_install("--force-reinstall", "torch", "torchvision", "torchaudio")


def _is_about_paired(sign: Sign, paired: list[str]) -> bool:
    """A missing torchvision operator beside the right torchvision is the program's own doing."""
    return sign.code in ("companion.nms", "companion.ops", "companion.attribute") and "torchvision" in paired


def _is_paired(facts: Facts, knowledge: Knowledge, name: str) -> bool:
    expected = knowledge.companion(str(facts.torch.version), name) if facts.torch.version else None
    return expected is not None and expected in map(minor, facts.versions(name))


def _unpaired(facts: Facts, knowledge: Knowledge, name: str) -> list[Message]:
    """Evidence that the one installed version is of another release; nightlies and own builds are not judged."""
    torch = facts.torch.version
    versions = facts.versions(name)
    expected = knowledge.companion(torch, name) if torch and is_release(torch) else None
    if not versions:
        return []
    if (
        torch
        and re.search(r"dev|a0", torch)
        and all(is_release(v) for v in versions)
        and knowledge.companion(torch, name)
    ):
        pass  # a release beside a nightly torch: judged below
    if expected is None and not (torch and "dev" in torch):
        return []
    expected = expected or knowledge.companion(str(torch), name)
    judged = [v for v in versions if is_release(v) and version(v) >= (0, 3)]  # before 0.3 torchvision was pure Python
    if not judged or expected is None or expected in map(minor, versions) or _listed_elsewhere(facts):
        return [] if not _variants_differ(facts, name) else [_pair_line(facts, name, versions[0], expected)]
    return [_pair_line(facts, name, judged[0], expected)]


def _listed_elsewhere(facts: Facts) -> bool:
    """collect_env's pip may be another Python's than the torch it reports."""
    listed = facts.versions("torch") or facts.versions("pytorch")
    torch = facts.torch.version
    return bool(listed) and torch is not None and all(minor(v) != minor(torch) for v in listed)


def _variants_differ(facts: Facts, name: str) -> bool:
    mine = facts.torch.local or ""
    other = [v.partition("+")[2] for v in facts.versions(name) if "+" in v]
    flavours = re.compile(r"cu\d+|cpu|rocm[\d.]+|xpu")
    return (
        bool(other)
        and all(flavours.fullmatch(o) for o in other)
        and flavours.fullmatch(mine) is not None
        and mine not in other
    )


def _pair_line(facts: Facts, name: str, found: str, expected: str | None) -> Message:
    return message(
        "doctor.companion.pair",
        "{name} {found} is installed beside torch {torch}, which goes with {name} {expected}",
        name=name,
        found=found,
        torch=facts.torch.version,
        expected=expected or "?",
    )


def numpy_abi(facts: Facts, knowledge: Knowledge) -> Found | None:
    """Torch was built for NumPy 1 and NumPy 2 is installed."""
    del knowledge
    signs = facts.signs_of("numpy-abi")
    numpy = facts.versions("numpy")
    torch = facts.torch.version
    old_torch = torch is not None and version(torch) < (2, 3)  # wheels are built against NumPy 2 since 2.3
    two = any(version(v) >= (2,) for v in numpy)
    only_ones = bool(numpy) and not two
    if signs and only_ones and all(sign.code == "numpy.not-available" for sign in signs):
        return None
    if not signs and not (old_torch and two and len(numpy) == 1):
        return None
    said_version = next((sign.values["numpy"] for sign in signs if "numpy" in sign.values), None)
    lines = [*map(said, signs)]
    if said_version or numpy:
        lines.append(
            message("doctor.numpy.installed", "NumPy {version} is installed", version=said_version or numpy[0])
        )
    text = message("doctor.numpy.remedy", "install NumPy 1, or a torch of 2.3 or newer")
    return Found(
        summary=message("doctor.numpy.summary", "a compiled package was built for NumPy 1, and NumPy 2 is installed"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(pip_install("numpy<2"),)),
        certainty=Certainty.PROVEN if signs else Certainty.TABLE,
    )


def torch_not_installed(facts: Facts, knowledge: Knowledge) -> Found | None:
    """This Python has no torch, or only what is left of one, though the machine is fine."""
    remains = facts.torch.installed and facts.torch.import_error is not None and facts.extension_problem is None
    if facts.torch.installed is not False and not remains:
        return None
    if facts.sign("build.frontend") is not None and not facts.live:
        return None  # the environment that a package is built in has no torch; this one was not looked at
    if remains:
        return _remains(facts, knowledge)
    lines = quoted(facts, "torch.absent") or (
        message("doctor.no-torch.seen", "torch cannot be imported by this Python"),
    )
    text = message("doctor.no-torch.remedy", "install torch into this Python, or run the Python that has it")
    return Found(
        summary=message("doctor.no-torch.summary", "this Python has no torch"),
        evidence=lines,
        remedy=reinstall(facts, knowledge, text),
        certainty=Certainty.SEEN,
    )


def _remains(facts: Facts, knowledge: Knowledge) -> Found:
    """A torch that is on disk and does not import, for a reason that no other rule knows."""
    error = (facts.torch.import_error or "").strip().splitlines()[-1:] or ["-"]
    text = message("doctor.no-torch.remedy-remains", "remove what is left of it and install torch again")
    return Found(
        summary=message("doctor.no-torch.summary-remains", "torch is on disk, but it cannot be imported"),
        evidence=(plain(f"import torch: {error[0]}"),),
        remedy=Remedy(
            text=text,
            commands=((*PIP, "uninstall", "-y", "torch"), *reinstall(facts, knowledge, text).commands),
        ),
        certainty=Certainty.SEEN,
    )
