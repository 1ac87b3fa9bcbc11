"""AMD's ROCm and Intel's XPU: the right wheel, the right target, the driver below."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import gpu_line, is_planned, platform, quoted, remedy_of, said, torch_line
from torchup.model import Os, Vendor, message
from torchup.privacy import redact

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Gpu, Message, Remedy

OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"
_NO_CODE = ("hip.no-binary", "hip.tensile")
_CRASHED = ("hip.fault", "hip.isa")
_REFUSED = ("driver.none", "cpu.not-compiled", "cuda.no-gpus")


def is_rocm(facts: Facts) -> bool:
    """Whether torch is a ROCm build."""
    return bool(facts.torch.hip) or (facts.torch.variant or "").startswith("rocm")


def rocm_wheel_not_installed(facts: Facts, compat: Compat) -> Found | None:
    """An AMD GPU with a CUDA or CPU build of torch."""
    if facts.on_mac or is_rocm(facts) or facts.works or facts.of(Vendor.NVIDIA):
        return None
    asked, amd = quoted(facts, "rocm.index"), facts.of(Vendor.AMD)
    other = facts.torch.variant is not None and re.match(r"cpu|cu\d", facts.torch.variant) is not None
    refused = facts.sign(*_REFUSED) is not None or facts.torch.cuda_available is False
    failed = facts.sign(*_REFUSED) is not None and facts.nvidia.driver is None
    plain = quoted(facts, "torch.downloaded")
    if not (amd and (other or failed or plain or (facts.torch.version and refused))) and not (
        asked and facts.torch.variant == "cpu"
    ):
        return None
    if amd and _is_integrated_only(facts, compat) and not facts.rocm and not refused:
        return None
    lines: list[Message] = [gpu_line(facts, Vendor.AMD)] if amd else []
    lines += [torch_line(facts)] if facts.torch.version else []
    lines += [*quoted(facts, *_REFUSED), *plain, *asked]
    return Found(
        summary=text_of("rocm-wheel-not-installed", "summary"),
        evidence=tuple(lines),
        remedy=remedy_of("rocm-wheel-not-installed", facts, compat),
        certainty=Certainty.PROVEN,
    )


def _is_integrated_only(facts: Facts, compat: Compat) -> bool:
    return all(compat.gfx(gpu) is None for gpu in facts.of(Vendor.AMD))


# ---------------------------------------------------------------- code for the GPU


def _target(facts: Facts, compat: Compat) -> str | None:
    """The gfx target of the AMD GPU: by its name, else as rocBLAS names it."""
    found = next((gfx for gpu in facts.of(Vendor.AMD) if (gfx := compat.gfx(gpu))), None)
    tensile = facts.sign("hip.tensile")
    return found or (tensile.values.get("gfx") if tensile is not None else None)


def _has_code(facts: Facts, compat: Compat, target: str | None) -> bool:
    """Whether the build that is there lists the target, by its own list or by the catalogue's."""
    torch = facts.torch
    names = facts.torch.arch_list
    if not names and torch.version and torch.variant:
        names = compat.code_names(torch.version, torch.variant, platform(facts))
    return target is not None and target in names


def _is_in_every_build(facts: Facts, compat: Compat, target: str | None) -> bool:
    """Whether no build can lack the target, where the report does not say which one it is."""
    said_which = facts.torch.arch_list or (facts.torch.version and facts.torch.variant)
    if said_which or facts.sign("hip.tensile") is not None or facts.system.os not in (None, Os.LINUX):
        return False  # rocBLAS itself names what it lacks; for Windows each family has wheels of its own
    return target in compat.gfx_of_every_build


def gfx_not_in_build(facts: Facts, compat: Compat) -> Found | None:
    """The AMD GPU's gfx target is not in the build."""
    on_amd = (is_rocm(facts) or facts.of(Vendor.AMD) or facts.rocm) and not facts.of(Vendor.NVIDIA)
    codes = (*_NO_CODE, *(("arch.no-kernel", "arch.invalid-function") if on_amd else ()))
    target = _target(facts, compat)
    if facts.sign(*codes) is None or _has_code(facts, compat, target) or _is_in_every_build(facts, compat, target):
        return None
    lines: list[Message] = [*quoted(facts, *codes)]
    lines += [gpu_line(facts, Vendor.AMD)] if facts.of(Vendor.AMD) else []
    lines += [message("doctor.gfx.target", "GPU target: {gfx}", gfx=target)] if target else []
    lines += [torch_line(facts)] if facts.torch.version else []
    lines += [_override_line(facts)] if OVERRIDE in facts.environment else []
    return Found(
        summary=text_of("gfx-not-in-build", "summary"),
        evidence=tuple(lines),
        remedy=_sibling(facts, compat, target) or _own_code(facts, compat),
        certainty=Certainty.PROVEN,
    )


def _override_line(facts: Facts) -> Message:
    value = redact(facts.environment[OVERRIDE])
    return message("doctor.visible.value", "{name}={value}", name=OVERRIDE, value=value)


def _own_code(facts: Facts, compat: Compat) -> Remedy | None:
    """The build that has the GPU's own code, which an override would keep it from running."""
    install = remedy_of("gfx-not-in-build", facts, compat)
    if install is None or OVERRIDE not in facts.environment or not _served(facts, compat):
        return install
    unset = remedy_of("hsa-override-wrong", facts, compat)
    return replace(install, commands=(*unset.commands, *install.commands)) if unset is not None else install


def _sibling(facts: Facts, compat: Compat, target: str | None) -> Remedy | None:
    """Run a sibling's code, where no build has the GPU's own; only on Linux, and not where that was tried."""
    value = compat.hsa_override(target) if target else None
    if value is None or facts.system.os not in (None, Os.LINUX) or OVERRIDE in facts.environment:
        return None
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    if remedy.reaches_gpu(facts, compat.catalog):
        return None
    text = text_of("gfx-not-in-build", "remedy-sibling")
    row = remedy.RemedyRow(kind=RemedyKind.SET, variables={OVERRIDE: value})
    return remedy.make(row, facts, compat.catalog, text)


def hsa_override_wrong(facts: Facts, compat: Compat) -> Found | None:
    """The override makes the GPU run another family's code, or is not needed: a build has the GPU's own."""
    value, target = facts.environment.get(OVERRIDE), _target(facts, compat)
    crashed, failed = facts.sign(*_CRASHED), facts.sign(*_CRASHED, *_NO_CODE)
    if value is None or failed is None or facts.torch.kernel_ran:
        return None
    native = _has_code(facts, compat, target)
    sibling = compat.hsa_override(target) if target else None
    needed = sibling is not None and value.strip("\"'") == sibling and not native and not _served(facts, compat)
    if needed or (crashed is None and not native):
        return None  # nothing found its code: that the build lacks it says more
    lines = [_override_line(facts), *quoted(facts, *_CRASHED, *_NO_CODE)]
    lines += [gpu_line(facts, Vendor.AMD)] if facts.of(Vendor.AMD) else []
    lines += [torch_line(facts)] if facts.torch.version else []
    return Found(
        summary=text_of("hsa-override-wrong", "summary"),
        evidence=tuple(lines),
        remedy=_without_override(facts, compat, native=native),
        certainty=Certainty.PROVEN if target else Certainty.SAID,
    )


def _served(facts: Facts, compat: Compat) -> bool:
    """Whether some build has the GPU's own code."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    return remedy.reaches_gpu(facts, compat.catalog)


def _without_override(facts: Facts, compat: Compat, *, native: bool) -> Remedy | None:
    """Unset it; and where the build does not list the GPU, install the one that does."""
    unset = remedy_of("hsa-override-wrong", facts, compat)
    if native or unset is None:
        return unset
    install = remedy_of("hsa-override-wrong", facts, compat, kind=RemedyKind.REINSTALL)
    return replace(install, commands=(*unset.commands, *install.commands)) if install is not None else unset


def rocm_version_mismatch(facts: Facts, compat: Compat) -> Found | None:
    """The ROCm on the system is not the one that torch or an extension was built for."""
    signs = facts.signs_of("rocm-version-mismatch")
    if not signs:
        return None
    lines = [*map(said, signs)]
    if facts.rocm:
        lines.append(message("doctor.rocm.system", "ROCm {version} on the system", version=redact(facts.rocm)))
    lines += [torch_line(facts)] if facts.torch.version else []
    right = RemedyKind.TEXT if is_planned(facts, compat) else None  # then the extension is the one to exchange
    return Found(
        summary=text_of("rocm-version-mismatch", "summary"),
        evidence=tuple(lines),
        remedy=remedy_of("rocm-version-mismatch", facts, compat, kind=right),
        certainty=Certainty.PROVEN,
    )


# ---------------------------------------------------------------- Intel


def is_usable_intel(gpu: Gpu, compat: Compat) -> bool:
    """Whether the XPU build runs on an Intel GPU: by detection, or by its name."""
    return compat.xpu(gpu) is True


def xpu_wheel_not_installed(facts: Facts, compat: Compat) -> Found | None:
    """An Intel GPU with a CPU build of torch."""
    sign = facts.sign("xpu.not-compiled")
    arc = [gpu for gpu in facts.of(Vendor.INTEL) if is_usable_intel(gpu, compat)]
    asked = not facts.live and facts.torch.xpu_built is False  # a user who looks at torch.xpu wants to use it
    not_built = asked and facts.torch.xpu_available is False
    other = facts.torch.variant not in (None, "xpu")
    if facts.works or facts.of(Vendor.NVIDIA) or not (sign or not_built or (arc and other)):
        return None
    lines: list[Message] = [said(sign)] if sign else []
    lines += [message("doctor.xpu-wheel.seen", "this torch was built without XPU support")] if not_built else []
    lines += [gpu_line(facts, Vendor.INTEL)] if arc else []
    lines += [torch_line(facts)] if facts.torch.version else []
    return Found(
        summary=text_of("xpu-wheel-not-installed", "summary"),
        evidence=tuple(lines),
        remedy=remedy_of("xpu-wheel-not-installed", facts, compat),
        certainty=Certainty.PROVEN if sign or not_built else Certainty.SEEN,
    )


def xpu_driver_missing(facts: Facts, compat: Compat) -> Found | None:
    """The XPU build without Intel's compute runtime or Level Zero driver, or with two releases of them."""
    torch = facts.torch
    build = torch.variant == "xpu" or bool(torch.xpu_built) or bool(facts.versions("intel-extension-for-pytorch"))
    intel = any(is_usable_intel(gpu, compat) for gpu in facts.of(Vendor.INTEL))
    crashed = ("xpu.crash",) if build or intel else ()
    signs = quoted(facts, "xpu.driver", "xpu.sycl-library", *crashed)
    seen = build and torch.xpu_available is False and intel
    if facts.works or not (signs or seen):
        return None
    lines = [*signs, *([message("doctor.xpu-driver.seen", "torch.xpu.is_available() is False")] if seen else [])]
    return Found(
        summary=text_of("xpu-driver-missing", "summary"),
        evidence=tuple(lines),
        remedy=remedy_of("xpu-driver-missing", facts, compat),
        certainty=Certainty.PROVEN if signs else Certainty.SEEN,
    )
