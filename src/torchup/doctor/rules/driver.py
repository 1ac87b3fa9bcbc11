"""Does the driver answer, and is it new enough? NVIDIA's driver, its modes, WSL, stubs, memory of others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.amd_intel import is_usable_intel
from torchup.doctor.rules.common import (
    at_least,
    driver_commands,
    driver_line,
    from_sign,
    gpu_line,
    install_command,
    newest_driver,
    on_windows,
    quoted,
    said,
    torch_cuda,
    torch_line,
    wheel,
)
from torchup.model import Os, Remedy, Severity, Vendor, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message

_TOO_OLD = ("driver.too-old", "driver.insufficient", "driver.container-requires", "driver.container-release")
_BROKEN = (
    "smi.not-running",
    "smi.mismatch",
    "smi.not-loaded",
    "smi.lost",
    "smi.no-devices",
    "smi.cuda-error",
    "driver.container-cli",
    "driver.unknown-error",
    "driver.nouveau",
    "driver.module-missing",
    "driver.initialization",
    "driver.count-memory",
)
_NOT_REACHED = (  # inside WSL: the Windows driver does not get through
    "driver.none",
    "smi.not-running",
    "driver.libcuda-missing",
    "smi.mismatch",
    "driver.smi-missing",
    "smi.cuda-error",
    "driver.container-cli",
)
_ABSENT = ("driver.none", "driver.libcuda-missing", "driver.smi-missing", "driver.no-device")


def driver_too_old(facts: Facts, compat: Compat) -> Found | None:
    """The driver serves an older CUDA API than the build's runtime needs."""
    signs = quoted(facts, *_TOO_OLD)
    cuda, driver = torch_cuda(facts, compat), newest_driver(facts)
    floor = compat.driver_floor(cuda, windows=on_windows(facts)) if cuda else None
    enough = at_least(driver, floor) if floor else None
    insufficient = facts.sign("driver.insufficient")
    if insufficient is not None and (
        enough or facts.system.container_gpu_flag is False or (not driver and facts.system.container)
    ):
        return None  # a new enough driver that "is insufficient" is one that was never reached
    refused = (
        facts.torch.cuda_available is False
        or facts.sign("driver.unknown-error", "cuda.no-gpus", "driver.none") is not None
    )
    if not signs and not (enough is False and not facts.works and refused):
        return None
    lines: list[Message] = [*signs]
    lines += [driver_line(facts)] if facts.nvidia.driver else []
    lines += [torch_line(facts)] if facts.torch.version else []
    if floor:
        lines.append(
            message("doctor.driver-old.floor", "CUDA {cuda} needs driver {floor} or newer", cuda=cuda, floor=floor)
        )
    certainty = Certainty.PROVEN if signs else Certainty.SEEN
    return Found(
        summary=message("doctor.driver-old.summary", "the NVIDIA driver is older than this build of torch needs"),
        evidence=tuple(lines),
        remedy=_older_build_or_driver(facts, compat),
        certainty=certainty,
    )


def _older_build_or_driver(facts: Facts, compat: Compat) -> Remedy:
    build = wheel(facts, compat) if newest_driver(facts) else None
    if build is not None:
        text = message(
            "doctor.driver-old.remedy-build",
            "install a build that this driver runs (torch {torch} from {variant}), or update the driver",
            torch=build[1],
            variant=build[0],
        )
        return Remedy(text=text, commands=(install_command(build[0]),))
    text = message("doctor.driver-old.remedy", "update the NVIDIA driver; on WSL that is the Windows driver")
    return Remedy(text=text, commands=driver_commands(facts), needs_root=True, needs_reboot=True)


def driver_missing_or_broken(facts: Facts, compat: Compat) -> Found | None:
    """No loaded driver, module and library versions differ, device lost, nouveau, state lost after suspend."""
    if facts.torch.hip or facts.on_mac or (facts.torch.variant or "").startswith(("rocm", "xpu")):
        return None
    broken = quoted(facts, *_BROKEN)
    differ = _versions_differ(facts)
    absent = quoted(facts, *_ABSENT)
    unopened = _unopened(facts, compat)
    if facts.works and not facts.sign("smi.mismatch", "smi.lost"):
        return None
    if not broken and not differ and not unopened and not (absent and _absence_counts(facts)):
        return None
    certainty = Certainty.PROVEN if broken or differ else Certainty.SAID if absent else Certainty.SEEN
    return Found(
        summary=_driver_summary(facts, differ=bool(differ)),
        evidence=(*broken, *absent, *differ, *unopened, *([gpu_line(facts)] if facts.gpus else [])),
        remedy=_driver_remedy(facts, differ=bool(differ) or facts.sign("smi.mismatch") is not None),
        certainty=certainty,
    )


def _unopened(facts: Facts, compat: Compat) -> tuple[Message, ...]:
    """A CUDA build, a driver that is new enough, a GPU in sight, and torch cannot open it."""
    cuda = facts.torch.cuda
    floor = compat.driver_floor(cuda, windows=on_windows(facts)) if cuda else None
    enough = at_least(facts.nvidia.driver, floor) if floor else None
    if not enough or facts.torch.cuda_available is not False or not facts.of(Vendor.NVIDIA):
        return ()
    return (
        driver_line(facts),
        message("doctor.driver-broken.unopened", "torch.cuda.is_available() is False although driver and build fit"),
    )


def _absence_counts(facts: Facts) -> bool:
    """A missing driver is a finding where there is, or may be, a GPU for it."""
    said_none = facts.sign("driver.none", "driver.no-device", "driver.libcuda-missing") is not None
    if facts.of(Vendor.AMD) or facts.of(Vendor.INTEL):
        return False
    if facts.live and not facts.of(Vendor.NVIDIA):
        return False  # a CUDA build on a machine without an NVIDIA GPU: nothing is missing
    return (said_none or bool(facts.of(Vendor.NVIDIA))) and facts.torch.variant != "cpu"


def _versions_differ(facts: Facts) -> tuple[Message, ...]:
    module, library = facts.nvidia.module, facts.nvidia.library
    if module is None or library is None or version_key(module)[:3] == version_key(library)[:3]:
        return ()
    return (
        message(
            "doctor.driver-broken.differ",
            "kernel module {module}, user-space library {library}",
            module=module,
            library=library,
        ),
    )


def _driver_summary(facts: Facts, *, differ: bool) -> Message:
    if differ or facts.sign("smi.mismatch"):
        return message(
            "doctor.driver-broken.mismatch", "the NVIDIA kernel module and its libraries are of different versions"
        )
    if facts.sign("driver.unknown-error", "driver.initialization"):
        return message(
            "doctor.driver-broken.unknown",
            "the NVIDIA driver lost its state (after suspend or an update) or its modules do not load",
        )
    if facts.sign("smi.lost"):
        return message("doctor.driver-broken.lost", "the GPU was lost: it no longer answers on the bus")
    return message("doctor.driver-broken.summary", "no working NVIDIA driver answers on this machine")


def _driver_remedy(facts: Facts, *, differ: bool) -> Remedy:
    if differ:
        text = message(
            "doctor.driver-broken.remedy-reboot", "reboot, so that the kernel module of the updated driver is loaded"
        )
        return Remedy(text=text, commands=(("sudo", "reboot"),), needs_root=True, needs_reboot=True)
    if facts.sign("driver.unknown-error", "driver.initialization"):
        text = message("doctor.driver-broken.remedy-reload", "reload the nvidia_uvm module, or reboot")
        commands = (
            (("sudo", "rmmod", "nvidia_uvm"), ("sudo", "modprobe", "nvidia_uvm")) if not on_windows(facts) else ()
        )
        return Remedy(text=text, commands=commands, needs_root=True)
    text = message(
        "doctor.driver-broken.remedy", "install NVIDIA's driver for this system and reboot; on WSL, on Windows only"
    )
    return Remedy(text=text, commands=driver_commands(facts), needs_root=True, needs_reboot=True)


def wsl_driver_problem(facts: Facts, compat: Compat) -> Found | None:
    """A Linux driver inside WSL, no /usr/lib/wsl/lib, a Windows driver too old for WSL."""
    signs = quoted(facts, "wsl.blocked", "wsl.no-adapters", "wsl.installed-driver", "wsl.named-symbol")
    if facts.works and not signs:
        return None
    inside: object = facts.system.wsl and facts.sign(*_NOT_REACHED)
    if facts.system.wsl and signs and facts.sign("wsl.installed-driver") and facts.works:
        return None
    loaded = facts.libraries.get("libcuda.so.1", "/usr/lib/wsl/lib/")
    inside = bool(inside) or (facts.system.wsl and "/wsl/" not in loaded)
    unseen = facts.system.wsl and bool(facts.torch.cuda) and facts.torch.cuda_available is False
    unseen = unseen and facts.nvidia.driver is None
    if not signs and not inside and not unseen:
        return None
    cuda = torch_cuda(facts, compat)
    lines = [
        *signs,
        *quoted(facts, *_NOT_REACHED),
    ]
    lines += [driver_line(facts)] if facts.nvidia.driver else []
    lines += [torch_line(facts)] if cuda and facts.torch.version else []
    text = message(
        "doctor.wsl.remedy",
        "remove any NVIDIA driver installed inside WSL, install the current driver on Windows, then restart WSL",
    )
    commands = (
        ("sudo", "apt", "purge", "nvidia-*", "libnvidia-*", "cuda-drivers"),
        ("wsl.exe", "--update"),
        ("wsl.exe", "--shutdown"),
    )
    return Found(
        summary=message("doctor.wsl.summary", "WSL does not reach the Windows driver of the GPU"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=commands, needs_root=True),
        certainty=Certainty.PROVEN if signs or inside else Certainty.SEEN,
    )


def fabric_manager_needed(facts: Facts, compat: Compat) -> Found | None:
    """An NVSwitch machine without a running, matching Fabric Manager (error 802)."""
    del compat
    if facts.works:
        return None
    text = message(
        "doctor.fabric.remedy", "install the Fabric Manager of exactly the driver's version and start its service"
    )
    branch = (facts.nvidia.driver or "580").split(".")[0]
    commands = (
        ("sudo", "apt", "install", f"nvidia-fabricmanager-{branch}"),
        ("sudo", "systemctl", "enable", "--now", "nvidia-fabricmanager"),
    )
    summary = message("doctor.fabric.summary", "the machine's NVSwitch needs a running Fabric Manager (error 802)")
    return from_sign(facts, "fabric-manager-needed", summary, Remedy(text=text, commands=commands, needs_root=True))


def mig_or_exclusive_mode(facts: Facts, compat: Compat) -> Found | None:
    """MIG without instances, or compute mode exclusive or prohibited."""
    del compat
    busy = facts.sign("mode.busy")
    closed = [gpu for gpu in facts.gpus if gpu.compute_mode in ("exclusive-process", "prohibited")]
    empty = [gpu for gpu in facts.gpus if gpu.mig_mode == "enabled" and gpu.mig_instances == 0]
    failed = (
        busy is not None
        or facts.torch.cuda_available is False
        or facts.sign("cuda.no-gpus", "driver.no-device") is not None
    )
    if facts.works and busy is None:
        return None
    if busy is None and not ((closed or empty) and failed):
        return None
    lines = [said(busy)] if busy else []
    lines += [message("doctor.mode.compute", "compute mode: {mode}", mode=gpu.compute_mode) for gpu in closed[:1]]
    lines += [message("doctor.mode.mig", "MIG is enabled and has no instance")] if empty else []
    text = message(
        "doctor.mode.remedy",
        "set the compute mode back to default, or create MIG instances, or end the program that holds the GPU",
    )
    commands = (
        (("sudo", "nvidia-smi", "-c", "0"),)
        if closed or not empty
        else (("sudo", "nvidia-smi", "mig", "-cgi", "0", "-C"),)
    )
    return Found(
        summary=message(
            "doctor.mode.summary",
            "the GPU accepts no new program: exclusive or prohibited compute mode, or MIG without instances",
        ),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=commands, needs_root=True),
        certainty=Certainty.PROVEN if closed or empty else Certainty.SAID,
    )


_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "bytes": 1}
_SIZE = r"\d+(?:\.\d+)?(?:[KMGT]iB|bytes)"
# Searched in the message without white space, which a console may have put anywhere.
_OOM = (
    rf"(?P<total>{_SIZE})totalcapacity;(?P<allocated>{_SIZE})alreadyallocated;(?P<free>{_SIZE})free"
    rf"(?:;(?P<reserved>{_SIZE})(?:reservedintotal|cached))?"
)
_OOM_NEW = (
    rf"hasatotalcapac\w+of(?P<total>{_SIZE})ofwhich(?P<free>{_SIZE})isfree"
    rf"(?:.*?thisprocesshas(?P<mine>{_SIZE})memoryinuse)?"
)
_OTHERS = rf"Process\d+has({_SIZE})memoryinuse"
_SHARE_OF_OTHERS = 0.25  # of the GPU's memory; a desktop takes less


def _size(text: str | None) -> float | None:
    match = re.match(r"([\d.]+)(\w+)", text or "")
    return float(match[1].strip(".") or 0) * _UNITS.get(match[2], 2**20) if match else None


def memory_held_by_others(facts: Facts, compat: Compat) -> Found | None:
    """The GPU's memory is held by other processes, not by this program."""
    del compat
    sign = facts.sign("memory.oom")
    if sign is None:
        return None
    held, total = _held(sign.values.get("message", sign.line))
    if total is None or held is None or held < _SHARE_OF_OTHERS * total:
        return None
    text = message(
        "doctor.memory.remedy", "end the other programs on the GPU (or wait for them), or choose another GPU"
    )
    gib = 2**30
    return Found(
        summary=message("doctor.memory.summary", "other processes hold the GPU's memory"),
        evidence=(
            said(sign),
            message(
                "doctor.memory.held",
                "{held} of {total} GiB are held by others",
                held=f"{held / gib:.1f}",
                total=f"{total / gib:.1f}",
            ),
        ),
        remedy=Remedy(text=text, commands=(("nvidia-smi",),)),
        certainty=Certainty.PROVEN,
    )


def _held(text: str) -> tuple[float | None, float | None]:
    """Bytes held by others and bytes in all, from torch's message."""
    text = "".join(text.split())
    if (old := re.search(_OOM, text)) is not None:
        total, free = _size(old["total"]), _size(old["free"])
        mine = _size(old["reserved"]) or _size(old["allocated"])
        return (total - free - mine, total) if None not in (total, free, mine) else (None, None)  # type: ignore[operator]  # none is None here
    if (new := re.search(_OOM_NEW, text)) is not None:
        total, free, mine = _size(new["total"]), _size(new["free"]), _size(new["mine"])
        others = sum(filter(None, map(_size, re.findall(_OTHERS, text))))
        if total is not None and free is not None and mine is not None:
            return max(others, total - free - mine), total
        return (others, total) if others else (None, total)
    return None, None


def libcuda_stub_or_compat(facts: Facts, compat: Compat) -> Found | None:
    """A stub or a forward-compatibility libcuda that this GPU or driver cannot use (errors 803, 804)."""
    del compat
    signs = facts.signs_of("libcuda-stub-or-compat")
    if not signs:
        return None
    text = message(
        "doctor.libcuda.remedy",
        "take the stub or cuda-compat folder out of LD_LIBRARY_PATH, or update the driver so that no"
        " compatibility library is needed;"
        " after a driver update, reboot",
    )
    return Found(
        summary=message("doctor.libcuda.summary", "the libcuda that is loaded does not belong to the driver that runs"),
        evidence=(
            *map(said, signs),
            *([driver_line(facts)] if facts.nvidia.driver else []),
            *([gpu_line(facts)] if facts.gpus else []),
        ),
        remedy=Remedy(text=text, commands=(("ldconfig", "-p"), ("unset", "LD_LIBRARY_PATH"))),
        certainty=Certainty.PROVEN,
    )


def triton_newer_than_driver(facts: Facts, compat: Compat) -> Found | None:
    """Torch works, but Triton's ptxas emits code that the driver cannot load."""
    del compat
    image, ptx = facts.sign("triton.image-invalid"), facts.sign("driver.ptx")
    if (image is None and ptx is None) or facts.torch.hip:
        return None
    text = message(
        "doctor.triton.remedy",
        "update the driver, or let Triton use an older ptxas (TRITON_PTXAS_PATH), or install an older torch",
    )
    triton = facts.versions("triton")
    lines = [said(sign) for sign in (image, ptx) if sign is not None]
    lines += [driver_line(facts)] if facts.nvidia.driver else []
    lines += [message("doctor.triton.version", "Triton {version}", version=triton[0])] if triton else []
    return Found(
        summary=message(
            "doctor.triton.summary", "Triton compiles code that is newer than the driver can load; torch itself works"
        ),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=driver_commands(facts), needs_root=True, needs_reboot=True),
        certainty=Certainty.PROVEN,
    )


def no_gpu_present(facts: Facts, compat: Compat) -> Found | None:
    """No GPU that torch can use is in the machine; the CPU build is right."""
    usable = [gpu for gpu in facts.gpus if gpu.vendor is not Vendor.INTEL or is_usable_intel(gpu, compat)]
    if facts.on_mac or facts.works or usable or facts.nvidia.driver or facts.torch.installed is False:
        return None
    if not facts.live and (
        facts.system.wsl
        or facts.system.container
        or facts.system.jetson
        or facts.rocm
        or facts.signs_of("driver-missing-or-broken")
    ):
        return None
    said_none = facts.nvidia.tools_found_none and facts.torch.cuda_available is False
    if not said_none and not (facts.gpus and facts.torch.cuda_available is False):
        return None
    lines = (
        [gpu_line(facts)] if facts.gpus else [message("doctor.no-gpu.tools", "the tools found no GPU and no driver")]
    )
    return Found(
        summary=message("doctor.no-gpu.summary", "there is no GPU that torch can use; the CPU build is the right one"),
        evidence=tuple(lines),
        remedy=None,
        severity=Severity.INFO,
        certainty=Certainty.TABLE,
        # who posts a report expected a GPU; an environment here that runs on its CPU is healthy
        primary=not facts.live and facts.torch.variant in ("cpu", None) and facts.system.os in (Os.LINUX, Os.WINDOWS),
    )
