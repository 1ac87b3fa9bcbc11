"""The GPU itself: modes that refuse programs, memory that others hold, none at all, Triton beside an old driver."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.cause import text_of
from torchup.doctor.conditions import holds
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.amd_intel import is_usable_intel
from torchup.doctor.rules.common import driver_line, gpu_line, made, said
from torchup.model import Os, Remedy, Severity, Vendor, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message


_REFUSED = ("cuda.no-gpus", "driver.no-device", "driver.initialization", "vllm.no-platform")


def mig_or_exclusive_mode(facts: Facts, compat: Compat) -> Found | None:
    """MIG without instances, or compute mode exclusive or prohibited."""
    busy = facts.sign("mode.busy")
    closed = [gpu for gpu in facts.gpus if gpu.compute_mode in ("exclusive-process", "prohibited")]
    empty = [gpu for gpu in facts.gpus if gpu.mig_mode == "enabled" and gpu.mig_instances == 0]
    if facts.works and busy is None:
        return None
    failed = facts.torch.cuda_available is False or facts.sign(*_REFUSED) is not None
    useless = bool(empty) and len(empty) == len(facts.gpus)  # without an instance no program runs on such a GPU
    if busy is None and not useless and not ((closed or empty) and failed):
        return None
    lines = [said(busy)] if busy else []
    lines += [message("doctor.mode.compute", "compute mode: {mode}", mode=gpu.compute_mode) for gpu in closed[:1]]
    lines += [message("doctor.mode.mig", "MIG is enabled on a GPU that has no MIG instance")] if empty else []
    return Found(
        summary=text_of("mig-or-exclusive-mode", "summary"),
        evidence=tuple(lines),
        remedy=_mode_remedy(facts, compat, closed=bool(closed), empty=bool(empty)),
        certainty=Certainty.PROVEN if closed or empty else Certainty.SAID,
    )


def _mode_remedy(facts: Facts, compat: Compat, *, closed: bool, empty: bool) -> Remedy:
    """For what is known of the mode; a GPU that is only busy is left as it is."""
    if closed:
        text = text_of("mig-or-exclusive-mode", "remedy-mode")
        return made(facts, compat, text, ("sudo", "nvidia-smi", "-c", "0"), needs_root=True)
    if empty:
        text = text_of("mig-or-exclusive-mode", "remedy-mig")
        return made(facts, compat, text, ("sudo", "nvidia-smi", "mig", "-cgi", "0", "-C"), needs_root=True)
    text = text_of("mig-or-exclusive-mode", "remedy-busy")
    return made(facts, compat, text, ("nvidia-smi", "-q", "-d", "COMPUTE,PIDS"))


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
_OF_TORCH = rf"({_SIZE})isallocatedbyPyTorch,and({_SIZE})isreservedbyPyTorch"
_OTHERS = rf"Process\d+has({_SIZE})memoryinuse"
_SHARE_OF_OTHERS = 0.25  # of the GPU's memory; a desktop takes less
_CONTEXT = 2**29  # bytes of the program's own CUDA context, which torch's older message counts for no process


def _size(text: str | None) -> float | None:
    match = re.match(r"([\d.]+)(\w+)", text or "")
    return float(match[1].strip(".") or 0) * _UNITS.get(match[2], 2**20) if match else None


def memory_held_by_others(facts: Facts, compat: Compat) -> Found | None:
    """The GPU's memory is held by other processes, not by this program."""
    sign = facts.sign("memory.oom")
    if sign is None:
        return None
    held, total = _held(sign.values.get("message", sign.line))
    if total is None or held is None or held < _SHARE_OF_OTHERS * total:
        return None
    text = text_of("memory-held-by-other-process", "remedy")
    tool = "rocm-smi" if facts.torch.hip or holds("amd-gpu", facts) else "nvidia-smi"
    return Found(
        summary=text_of("memory-held-by-other-process", "summary"),
        evidence=(said(sign), _held_line(held, total)),
        remedy=made(facts, compat, text, (tool,)),
        certainty=Certainty.PROVEN,
    )


def _held_line(held: float, total: float) -> Message:
    gib = 2**30
    return message(
        "doctor.memory.held",
        "other processes use {held} of {total} GiB of GPU memory",
        held=f"{held / gib:.1f}",
        total=f"{total / gib:.1f}",
    )


def _held(text: str) -> tuple[float | None, float | None]:
    """Bytes held by others and bytes in all, from torch's message."""
    text = "".join(text.split())
    if (old := re.search(_OOM, text)) is not None:
        total, free = _size(old["total"]), _size(old["free"])
        mine = _size(old["reserved"]) or _size(old["allocated"])
        return (max(0.0, total - free - mine - _CONTEXT), total) if None not in (total, free, mine) else (None, None)  # type: ignore[operator]  # none is None here
    if (new := re.search(_OOM_NEW, text)) is not None:
        return _held_new(text, new)
    return None, None


def _held_new(text: str, found: re.Match[str]) -> tuple[float | None, float | None]:
    total, free, mine = _size(found["total"]), _size(found["free"]), _size(found["mine"])
    processes = [size for size in map(_size, re.findall(_OTHERS, text)) if size is not None]
    if mine is None:  # inside a container the program does not know its own number, and counts itself as another
        processes = _without_own(processes, text)
    others = sum(processes)
    if total is not None and free is not None and mine is not None:
        return max(others, total - free - mine), total
    return (others, total) if others else (None, total)


def _without_own(processes: list[float], text: str) -> list[float]:
    """Without the smallest process that holds all that PyTorch says it holds itself."""
    said = re.search(_OF_TORCH, text)
    torch = sum(size or 0 for size in map(_size, said.groups())) if said is not None else None
    own = min((size for size in processes if torch is not None and size >= torch), default=None)
    if own is None:
        return processes
    position = processes.index(own)
    return [*processes[:position], *processes[position + 1 :]]


def triton_newer_than_driver(facts: Facts, compat: Compat) -> Found | None:
    """Torch works, but Triton's ptxas emits code that the driver cannot load."""
    image, ptx = facts.sign("triton.image-invalid"), facts.sign("driver.ptx")
    if (image is None and ptx is None) or facts.torch.hip:
        return None
    triton = facts.versions("triton")
    lines = [said(sign) for sign in (image, ptx) if sign is not None]
    lines += [driver_line(facts)] if facts.nvidia.driver else []
    lines += [message("doctor.triton.version", "Triton {version}", version=triton[0])] if triton else []
    return Found(
        summary=text_of("triton-newer-than-driver", "summary"),
        evidence=tuple(lines),
        remedy=_triton_remedy(facts, compat),
        certainty=Certainty.PROVEN,
    )


def _triton_remedy(facts: Facts, compat: Compat) -> Remedy | None:
    from torchup.doctor.rules import driver_remedies  # noqa: PLC0415  # the planner comes with it

    return driver_remedies.for_triton(facts, compat)


def no_gpu_present(facts: Facts, compat: Compat) -> Found | None:
    """No GPU that torch can use is in the machine; the CPU build is right."""
    usable = [gpu for gpu in facts.gpus if gpu.vendor is not Vendor.INTEL or is_usable_intel(gpu, compat)]
    if facts.on_mac or facts.works or usable or facts.nvidia.driver or facts.torch.installed is False:
        return None
    if any(holds(build, facts) for build in ("xpu-build", "hip-build")):
        return None  # who has such a build has such a GPU
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
        [gpu_line(facts)]
        if facts.gpus
        else [message("doctor.no-gpu.tools", "the system's tools found neither a GPU nor a driver")]
    )
    return Found(
        summary=text_of("no-gpu-present", "summary"),
        evidence=tuple(lines),
        remedy=None,
        severity=Severity.INFO,
        certainty=Certainty.TABLE,
        # who posts a report expected a GPU; an environment here that runs on its CPU is healthy
        primary=not facts.live and facts.torch.variant in ("cpu", None) and facts.system.os in (Os.LINUX, Os.WINDOWS),
    )
