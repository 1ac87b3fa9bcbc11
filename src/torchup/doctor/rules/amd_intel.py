"""AMD's ROCm and Intel's XPU: the right wheel, the right target, the driver below."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.redact import redact
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import ROCM_VARIANT, from_sign, gpu_line, install_command, quoted, said, torch_line
from torchup.model import Os, Remedy, Vendor, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Gpu, Message

_DISCRETE_INTEL = re.compile(
    r"\barc\b|\bmax (?:series|\d)|\bflex\b|\bb[56]\d0\b|battlemage|alchemist|ponte vecchio|core ultra", re.IGNORECASE
)


def is_rocm(facts: Facts) -> bool:
    """Whether torch is a ROCm build."""
    return bool(facts.torch.hip) or (facts.torch.variant or "").startswith("rocm")


def rocm_wheel_not_installed(facts: Facts, compat: Compat) -> Found | None:
    """An AMD GPU with a CUDA or CPU build of torch."""
    if facts.on_mac or is_rocm(facts) or facts.works or facts.of(Vendor.NVIDIA):
        return None
    asked = quoted(facts, "rocm.index")
    amd = facts.of(Vendor.AMD)
    other = facts.torch.variant is not None and re.match(r"cpu|cu\d", facts.torch.variant) is not None
    refused = (
        facts.sign("driver.none", "cpu.not-compiled", "cuda.no-gpus") is not None or facts.torch.cuda_available is False
    )
    if not (amd and (other or (facts.torch.version and refused))) and not (asked and facts.torch.variant == "cpu"):
        return None
    if amd and _is_integrated_only(facts, compat) and not facts.rocm and not refused:
        return None
    lines: list[Message] = [gpu_line(facts, Vendor.AMD)] if amd else []
    lines += [torch_line(facts)] if facts.torch.version else []
    lines += [*quoted(facts, "driver.none", "cpu.not-compiled"), *asked]
    text = message("doctor.rocm-wheel.remedy", "install the ROCm build; on Windows AMD's own index has it")
    command = (
        install_command(ROCM_VARIANT)
        if facts.system.os is not Os.WINDOWS
        else ("python", "-m", "pip", "install", "torch", "--index-url", "https://repo.amd.com/rocm/whl-multi-arch/")
    )
    return Found(
        summary=message("doctor.rocm-wheel.summary", "the GPU is AMD's, and the installed torch is not a ROCm build"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(command,)),
        certainty=Certainty.PROVEN,
    )


def _is_integrated_only(facts: Facts, compat: Compat) -> bool:
    return all(compat.gfx(gpu) is None for gpu in facts.of(Vendor.AMD))


def gfx_not_in_build(facts: Facts, compat: Compat) -> Found | None:
    """The AMD GPU's gfx target is not in the build."""
    signs = quoted(facts, "hip.no-binary", "hip.tensile")
    on_amd = is_rocm(facts) or facts.of(Vendor.AMD) or facts.rocm
    failed = facts.sign("arch.no-kernel", "arch.invalid-function") if on_amd and not facts.of(Vendor.NVIDIA) else None
    target = next((gfx for gpu in facts.of(Vendor.AMD) if (gfx := compat.gfx(gpu))), None)
    if target is None and (tensile := facts.sign("hip.tensile")) is not None:
        target = tensile.values.get("gfx")
    if not signs and failed is None:
        return None
    lines: list[Message] = [*signs, *([said(failed)] if failed and not signs else [])]
    lines += [gpu_line(facts, Vendor.AMD)] if facts.of(Vendor.AMD) else []
    lines += [message("doctor.gfx.target", "target {gfx}", gfx=target)] if target else []
    lines += [torch_line(facts)] if facts.torch.version else []
    override = compat.hsa_override(target) if target else None
    commands: tuple[tuple[str, ...], ...] = ()
    if override and facts.system.os is not Os.WINDOWS:
        commands = (("export", f"HSA_OVERRIDE_GFX_VERSION={override}"),)
    text = message(
        "doctor.gfx.remedy",
        "install a build that has this target (AMD's index {index} covers more than PyTorch's), or"
        " on Linux run a sibling's code"
        " with HSA_OVERRIDE_GFX_VERSION",
        index="https://repo.amd.com/rocm/whl-multi-arch/",
    )
    return Found(
        summary=message("doctor.gfx.summary", "the installed ROCm build has no code for this AMD GPU"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=commands),
        certainty=Certainty.PROVEN,
    )


def gpu_not_supported_by_kfd(facts: Facts, compat: Compat) -> Found | None:
    """The kernel's compute driver does not support this AMD GPU at all."""
    del compat
    text = message(
        "doctor.kfd.remedy",
        "update the kernel (or AMD's driver) and enable PCIe atomics and IOMMU in the firmware; some"
        " GPUs stay unsupported: use the CPU there",
    )
    summary = message("doctor.kfd.summary", "the kernel's compute driver (KFD) does not offer this AMD GPU")
    if facts.works:
        return None
    return from_sign(
        facts,
        "gpu-not-supported-by-kfd",
        summary,
        Remedy(text=text, commands=(("sudo", "modprobe", "amdgpu"),), needs_root=True),
    )


def rocm_version_mismatch(facts: Facts, compat: Compat) -> Found | None:
    """The ROCm on the system is not the one that torch or an extension was built for."""
    del compat
    signs = facts.signs_of("rocm-version-mismatch")
    if not signs:
        return None
    lines = [*map(said, signs)]
    if facts.rocm:
        lines.append(message("doctor.rocm.system", "ROCm {version} on the system", version=redact(facts.rocm)))
    lines += [torch_line(facts)] if facts.torch.version else []
    text = message(
        "doctor.rocm.remedy",
        "install the ROCm, or the build of torch and of the extension, of one and the same version",
    )
    return Found(
        summary=message("doctor.rocm.summary", "libraries of another ROCm version are asked for than the system has"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(("ls", "/opt"), install_command(ROCM_VARIANT))),
        certainty=Certainty.PROVEN,
    )


def is_usable_intel(gpu: Gpu, compat: Compat) -> bool:
    """Whether the XPU build runs on an Intel GPU: by detection, by the table, else by the name's family."""
    known = compat.xpu(gpu)
    return known if known is not None else gpu.name is not None and _DISCRETE_INTEL.search(gpu.name) is not None


def xpu_wheel_not_installed(facts: Facts, compat: Compat) -> Found | None:
    """An Intel GPU with a CPU build of torch."""
    sign = facts.sign("xpu.not-compiled")
    arc = [gpu for gpu in facts.of(Vendor.INTEL) if is_usable_intel(gpu, compat)]
    asked = not facts.live and facts.torch.xpu_built is False  # a user who looks at torch.xpu wants to use it
    not_built = asked and facts.torch.xpu_available is False
    plain_build = (
        bool(arc) and facts.torch.variant is not None and facts.torch.variant != "xpu" and not facts.of(Vendor.NVIDIA)
    )
    if facts.works or not (sign or not_built or plain_build):
        return None
    lines: list[Message] = [said(sign)] if sign else []
    lines += [message("doctor.xpu-wheel.seen", "torch.xpu is not compiled in")] if not_built else []
    lines += [gpu_line(facts, Vendor.INTEL)] if arc else []
    lines += [torch_line(facts)] if facts.torch.version else []
    text = message("doctor.xpu-wheel.remedy", "install the XPU build from PyTorch's index")
    return Found(
        summary=message("doctor.xpu-wheel.summary", "the GPU is Intel's, and the installed torch is not an XPU build"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(install_command("xpu"),)),
        certainty=Certainty.PROVEN if sign or not_built else Certainty.SEEN,
    )


def xpu_driver_missing(facts: Facts, compat: Compat) -> Found | None:
    """The XPU build without Intel's compute runtime or Level Zero driver."""
    signs = quoted(facts, "xpu.driver", "xpu.sycl-library")
    xpu_build = (
        facts.torch.variant == "xpu" or bool(facts.torch.xpu_built) or facts.versions("intel-extension-for-pytorch")
    )
    seen = (
        bool(xpu_build)
        and facts.torch.xpu_available is False
        and any(is_usable_intel(gpu, compat) for gpu in facts.of(Vendor.INTEL))
    )
    if facts.works or not (signs or seen):
        return None
    lines = [*signs, *([message("doctor.xpu-driver.seen", "torch.xpu.is_available() is False")] if seen else [])]
    text = message(
        "doctor.xpu-driver.remedy",
        "install Intel's GPU driver with Level Zero and the compute runtime, and join the group render",
    )
    commands: tuple[tuple[str, ...], ...] = ()
    if facts.system.os is not Os.WINDOWS:
        commands = (
            ("sudo", "apt", "install", "libze1", "libze-intel-gpu1", "intel-opencl-icd"),
            ("sudo", "usermod", "-aG", "render", "$USER"),
        )
    return Found(
        summary=message("doctor.xpu-driver.summary", "the XPU build finds no Intel GPU driver (Level Zero)"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=commands, needs_root=True),
        certainty=Certainty.PROVEN if signs else Certainty.SEEN,
    )
