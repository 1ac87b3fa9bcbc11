"""Torch does not get through to a GPU: clusters without an allocation, and what nothing explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.doctor.ask import commands_to_ask
from torchup.doctor.cause import text_of
from torchup.doctor.conditions import holds
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.amd_intel import is_usable_intel
from torchup.doctor.rules.common import driver_line, gpu_line, quoted, remedy_of, torch_line
from torchup.model import Remedy, Vendor, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts

_NO_GPU = ("driver.none", "cuda.no-gpus", "driver.no-device", "driver.libcuda-missing", "driver.smi-missing")

_OF_NODE = ("smi.not-running", "smi.no-devices", "vllm.no-platform")


def gpu_not_reached(facts: Facts, compat: Compat) -> Found | None:
    """A usable GPU, a build for its vendor, `is_available()` False, and nothing says why."""
    answer = None if facts.works else _refused(facts, compat)
    unseen = quoted(facts, "hip.no-device") if facts.of(Vendor.AMD) and not facts.works else ()
    if answer is None and not unseen:
        return None
    lines = [*unseen]
    lines += [message("doctor.seen.false", "{expression} is False", expression=answer)] if answer else []
    lines += [gpu_line(facts)] if facts.gpus else []
    lines += [torch_line(facts)] if facts.torch.version else []
    lines += [driver_line(facts)] if facts.nvidia.driver else []
    return Found(
        summary=text_of("gpu-not-reached", "summary"),
        evidence=tuple(lines),
        remedy=_asking(facts, compat),
        certainty=Certainty.SEEN,
    )


def _asking(facts: Facts, compat: Compat) -> Remedy | None:
    """What to run and paste."""
    words = remedy_of("gpu-not-reached", facts, compat)
    return replace(words, commands=commands_to_ask(facts)) if words is not None else None


def _refused(facts: Facts, compat: Compat) -> str | None:
    """The question that torch answers with False although the build is for the GPU that is there."""
    torch = facts.torch
    unnamed = not facts.live and not facts.gpus and facts.nvidia.driver is None  # who takes such a build has the GPU
    nvidia = holds("cuda-build", facts) and (holds("nvidia-gpu", facts) or facts.nvidia.driver is not None)
    amd = holds("hip-build", facts) and (holds("amd-gpu", facts) or unnamed)
    if torch.cuda_available is False and (nvidia or amd):
        return "torch.cuda.is_available()"
    intel = any(is_usable_intel(gpu, compat) for gpu in facts.of(Vendor.INTEL)) or unnamed
    if torch.xpu_available is False and holds("xpu-build", facts) and intel:
        return "torch.xpu.is_available()"
    if torch.mps_available is False and torch.mps_built and holds("apple-silicon", facts):
        return "torch.backends.mps.is_available()"
    return None


def job_without_gpu(facts: Facts, compat: Compat) -> Found | None:
    """A cluster job, login node or notebook server without an allocated GPU."""
    silent = facts.sign(*_NO_GPU, *_OF_NODE) is not None
    unseen = silent or facts.torch.cuda_available is False or facts.nvidia.tools_found_none
    driver = facts.nvidia.driver if facts.sign("smi.no-devices") is None else None  # a driver that shows this job none
    if facts.works or not holds("cluster", facts) or facts.gpus or driver or not unseen:
        return None
    scheduler = message("doctor.job.scheduler", "scheduler: {name}", name=facts.system.scheduler)
    return Found(
        summary=text_of("job-without-gpu", "summary"),
        evidence=(scheduler, *quoted(facts, *_NO_GPU, *_OF_NODE)),
        remedy=remedy_of("job-without-gpu", facts, compat),
        certainty=Certainty.PROVEN,
    )
