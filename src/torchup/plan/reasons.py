"""Why the chosen build: the sentences under "Why" in a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.types import is_vendor
from torchup.catalog.versions import version_key
from torchup.compat.target import gpu_name, variant_name
from torchup.model import InstallerName, Message, Plan, Reason, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.types import Row
    from torchup.plan.judge import Fit, Question


def why(plan: Plan, best: Fit, question: Question) -> tuple[Message, ...]:
    """The reasons for a choice, the most important first."""
    parts = (
        _newer(plan, best, question),
        _vendor(best),
        _runtime(best, question),
        _code(best, question),
        _apple(best),
        _cpu(plan, question),
    )
    texts: list[Message] = []
    for text in (text for part in parts for text in part):
        if text not in texts:  # four cards of a kind have one reason
            texts.append(text)
    return tuple(texts)


def _newer(plan: Plan, best: Fit, question: Question) -> Iterator[Message]:
    """What is newer than the choice and why it was not taken; nothing when the choice is the newest."""
    row = best.candidate.row
    newer = [r for r in plan.rejected if version_key(r.torch) > version_key(row.torch) and r.detail.code != _UNSURE]
    telling = [r for r in newer if r.reason != Reason.CPU_ONLY and _same_kind(r.variant, row.variant)]
    if newer and not telling:
        newest = newer[0].torch
        yield message(
            "plan.why.no-kind",
            "no {kind} build of torch {torch} is known for this platform",
            kind=_KINDS[row.kind],
            torch=newest,
        )
    if telling:
        first = telling[-1] if telling[-1].reason == Reason.PYTHON else telling[0]
        yield message(
            "plan.why.newer",
            "{torch}+{variant} was not chosen: {detail}",
            torch=first.torch,
            variant=variant_name(first.variant, question.target.machine),
            detail=first.detail,
        )
    if not newer:
        yield _newest(row, question)


def _newest(row: Row, question: Question) -> Message:
    request = question.request
    if request.channel != "stable":
        return message("plan.why.channel", "you asked for the {channel} channel", channel=request.channel)
    if request.torch:
        return message(
            "plan.why.asked",
            "you asked for torch {wanted}; the plan takes the newest release that matches",
            wanted=request.torch,
        )
    if request.variant and row.kind != "cpu":
        return message(
            "plan.why.variant",
            "you asked for {variant}; {torch} is the newest release that has it for this platform",
            variant=row.variant,
            torch=row.torch,
        )
    if row.torch == question.catalog.newest_torch:
        return message("plan.why.newest", "{torch} is the newest release", torch=row.torch)
    if request.installer == InstallerName.CONDA:
        return message(
            "plan.why.newest-conda",
            "{torch} is the newest release on conda-forge for {platform}",
            torch=row.torch,
            platform=row.platform,
        )
    return message(
        "plan.why.newest-here",
        "{torch} is the newest release for {platform} in the sources of this plan",
        torch=row.torch,
        platform=row.platform,
    )


def _vendor(best: Fit) -> Iterator[Message]:
    """Builds that come from a hardware vendor."""
    if is_vendor(best.candidate.row) and best.candidate.source.name != "conda-forge":
        yield message(
            "plan.why.vendor",
            "this build comes from {vendor}, not from PyTorch's own index",
            vendor=best.candidate.source.name,
        )


_UNSURE = "plan.reject.unsure"
_MINOR_COMPAT_SINCE = 11  # the first CUDA major whose minors share a floor (NVIDIA CUDA compatibility guide)
_KINDS = {"cuda": "CUDA", "rocm": "ROCm", "xpu": "XPU", "cpu": "CPU"}


def _same_kind(one: str, other: str) -> bool:
    return one[:2] == other[:2]


def _runtime(best: Fit, question: Question) -> Iterator[Message]:
    floor, target = best.candidate.row.driver, question.target
    if floor is None or target.nvidia is None:
        return
    if target.machine.jetson and (target.cuda is None or target.machine.sources.get("drivers") == "unsaid"):
        return
    needed = floor.floor(windows=target.windows_driver)
    major = version_key(floor.cuda)[0]
    if target.forward_compat or target.machine.jetson:
        yield message(
            "plan.why.cuda-api",
            "the driver libraries here support CUDA {served}; the build needs CUDA {major}",
            served=target.cuda,
            major=major,
        )
    elif target.nvidia.version:
        yield message(
            "plan.why.driver",
            "CUDA {major} builds run on driver {floor} and newer; yours is {driver}",
            major=major if major >= _MINOR_COMPAT_SINCE else floor.cuda,
            floor=needed,
            driver=target.nvidia.version,
        )


def _code(best: Fit, question: Question) -> Iterator[Message]:
    row = best.candidate.row
    for index in best.covered:
        code = best.code.get(index)
        if code in {None, "mps"}:
            continue
        name = gpu_name(question.target.machine.gpus[index])
        if code == "xpu":
            yield message("plan.why.xpu", "the XPU build supports the {gpu}", gpu=name)
            continue
        if code == "unknown":
            yield message(
                "plan.why.code-unknown",
                "it is unknown whether {variant} has code for the {gpu}; the verification shows whether it works",
                variant=row.variant,
                gpu=name,
            )
        else:
            yield message(
                "plan.why.code", "{variant} has code for the {gpu}: {code}", variant=row.variant, gpu=name, code=code
            )


def _apple(best: Fit) -> Iterator[Message]:
    row = best.candidate.row
    if best.uses_gpu and row.mps:
        yield message(
            "plan.why.mps",
            "the macOS build contains MPS; MPS in torch {torch} needs macOS {floor} or newer",
            floor=row.mps,
            torch=row.torch,
        )


def _cpu(plan: Plan, question: Question) -> Iterator[Message]:
    if plan.uses_gpu:
        return
    if question.request.cpu or question.request.variant == "cpu":
        yield message("plan.why.cpu-asked", "you asked for the CPU build")
    else:
        yield message("plan.why.no-gpu", "this machine has no GPU that torch can use")
