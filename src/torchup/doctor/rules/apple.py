"""Apple's MPS: is it there, is macOS new enough, does the operator exist?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import from_sign, pip_install, quoted, said, torch_line
from torchup.model import Os, Remedy, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts


def macos_too_old(facts: Facts, compat: Compat) -> Found | None:
    """The macOS is older than MPS or this wheel needs."""
    signs = quoted(facts, "mps.macos", "mps.built-for")
    floor = compat.macos_for_mps(facts.torch.version) if facts.torch.version else None
    has = facts.system.os_version
    older = facts.on_mac and floor is not None and has is not None and version_key(has) < version_key(floor)
    refused = facts.torch.mps_available is False and facts.torch.mps_built is not False
    if not signs and not (older and refused):
        return None
    if signs and has is not None and floor is not None and not older and facts.python.arch == "x86_64":
        return None
    lines = [*signs]
    if has:
        lines.append(message("doctor.macos.version", "macOS {version}", version=has))
    if floor:
        lines.append(
            message(
                "doctor.macos.floor", "MPS of torch {torch} needs macOS {floor}", torch=facts.torch.version, floor=floor
            )
        )
    text = message(
        "doctor.macos.remedy",
        "update macOS, or install an older torch: 2.4.1 runs MPS on macOS 12.3, 2.8.0 on macOS 13",
    )
    return Found(
        summary=message("doctor.macos.summary", "this macOS is older than MPS or this wheel needs"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(pip_install("torch==2.4.1", "numpy<2"),)),
        certainty=Certainty.PROVEN,
    )


def mps_not_built(facts: Facts, compat: Compat) -> Found | None:
    """This torch has no MPS compiled in, or MPS is asked for where it cannot exist."""
    del compat
    sign = facts.sign("mps.not-linked")
    elsewhere = facts.system.os in (Os.LINUX, Os.WINDOWS) and sign is not None
    if sign is None and not (
        facts.torch.mps_built is False and facts.system.apple_silicon is not False and facts.system.os is Os.MACOS
    ):
        return None
    text = message(
        "doctor.mps-built.remedy",
        "on Apple silicon: an arm64 Python and a current torch; elsewhere use cuda, xpu or cpu",
    )
    lines = [said(sign)] if sign else [message("doctor.mps-built.seen", "torch.backends.mps.is_built() is False")]
    lines += [torch_line(facts)] if facts.torch.version else []
    return Found(
        summary=message("doctor.mps-built.summary", "this torch has no MPS compiled in"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=() if elsewhere else (pip_install("--upgrade", "torch", "torchvision"),)),
        certainty=Certainty.PROVEN if sign else Certainty.SEEN,
    )


def mps_no_device(facts: Facts, compat: Compat) -> Found | None:
    """MPS is built but no Metal device answers: virtual machine, sandbox, remote session."""
    sign = facts.sign("mps.memory")
    nothing = sign is not None and {"".join(sign.values.get(name, "").split()) for name in ("allocated", "other")} == {
        "0bytes"
    }
    metal = facts.sign("mps.no-metal")
    floor = compat.macos_for_mps(facts.torch.version) if facts.torch.version else None
    new_enough = (
        floor is not None
        and facts.system.os_version is not None
        and version_key(facts.system.os_version) >= version_key(floor)
    )
    unanswered = facts.on_mac and facts.torch.mps_built and facts.torch.mps_available is False and new_enough
    if not nothing and metal is None and not unanswered:
        return None
    text = message(
        "doctor.mps-device.remedy", "run outside the virtual machine or sandbox, or use the CPU there: device='cpu'"
    )
    return Found(
        summary=message(
            "doctor.mps-device.summary",
            "MPS is compiled in, but no Metal device answers (virtual machine, sandbox or remote session)",
        ),
        evidence=(
            *quoted(facts, "mps.memory", "mps.no-metal"),
            *([message("doctor.mps-device.seen", "MPS is built and not available")] if unanswered else []),
        ),
        remedy=Remedy(text=text),
        certainty=Certainty.PROVEN,
    )


def mps_memory_limit(facts: Facts, compat: Compat) -> Found | None:
    """The MPS allocator stopped at its watermark."""
    del compat
    text = message(
        "doctor.mps-memory.remedy",
        "use smaller batches or models, close other programs; PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0"
        " lifts the limit and may stall the Mac",
    )
    summary = message("doctor.mps-memory.summary", "the MPS allocator reached its memory limit")
    command = ("export", "PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0")
    return from_sign(facts, "mps-memory-limit", summary, Remedy(text=text, commands=(command,)))


def mps_op_not_implemented(facts: Facts, compat: Compat) -> Found | None:
    """The operator has no MPS kernel: the fallback variable, or a newer torch."""
    del compat
    text = message(
        "doctor.mps-op.remedy", "set PYTORCH_ENABLE_MPS_FALLBACK=1 before Python starts, or install a newer torch"
    )
    summary = message("doctor.mps-op.summary", "this operator has no MPS kernel in this torch")
    commands = (("export", "PYTORCH_ENABLE_MPS_FALLBACK=1"), pip_install("--upgrade", "torch", "torchvision"))
    return from_sign(facts, "mps-op-not-implemented", summary, Remedy(text=text, commands=commands))


def mps_dtype_unsupported(facts: Facts, compat: Compat) -> Found | None:
    """float64 and the like do not exist on MPS."""
    del compat
    text = message(
        "doctor.mps-dtype.remedy", "use float32 (or float16; bfloat16 needs macOS 14) for tensors on the MPS device"
    )
    summary = message("doctor.mps-dtype.summary", "this data type does not exist on MPS")
    return from_sign(facts, "mps-dtype-unsupported", summary, Remedy(text=text))
