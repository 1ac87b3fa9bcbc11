"""The order of builds that fit, and what is said of those that are not first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import variant_key, version_key
from torchup.compat.target import gpu_name
from torchup.model import Message, Reason, Rejection, message
from torchup.plan.gpus import weight

if TYPE_CHECKING:
    from torchup.plan.judge import Fit, Question


def rank(fits: list[Fit], question: Question) -> list[Fit]:
    """Best first: uses the GPUs (all, else the largest memory), code known, newest torch, newest runtime, smallest."""
    return sorted(fits, key=lambda fit: _key(fit, question), reverse=True)


def _key(fit: Fit, question: Question) -> tuple[object, ...]:
    row, wanted = fit.candidate.row, set(question.graphics.usable)
    gpus = question.target.machine.gpus
    memory = sum(weight(gpus[index], question.catalog) for index in fit.covered)
    return (
        fit.uses_gpu,
        wanted <= set(fit.covered),
        memory,
        len(fit.covered),
        row.arch_known,
        version_key(row.torch),
        variant_key(row.variant),
        -(row.size_bytes or 0),
        -fit.candidate.position,
    )


def beaten(fit: Fit, best: Fit, question: Question) -> Rejection | None:
    """Why a build that fits was not chosen; ``None`` when it is the chosen one from a later source."""
    row, first = fit.candidate.row, best.candidate.row
    if (row.torch, row.variant) == (first.torch, first.variant):
        return None
    reason, detail = _beaten(fit, best, question)
    return Rejection(torch=row.torch, variant=row.variant, reason=reason, detail=detail)


def _beaten(fit: Fit, best: Fit, question: Question) -> tuple[Reason, Message]:
    row, first = fit.candidate.row, best.candidate.row
    if best.uses_gpu and not fit.uses_gpu:
        return Reason.CPU_ONLY, message("plan.reject.cpu-only", "would leave the GPU unused")
    left_out = sorted(set(best.covered) - set(fit.covered))
    if left_out:
        gpu = question.target.machine.gpus[left_out[0]]
        return Reason.ARCH, message("plan.reject.leaves-out", "does not run on the {gpu}", gpu=gpu_name(gpu))
    if not row.arch_known:
        return Reason.ARCH, message(
            "plan.reject.unknown", "may work, but torchup does not know which GPUs it has code for"
        )
    if version_key(row.torch) != version_key(first.torch):
        return Reason.OLDER, message("plan.reject.older", "works, but is older than {torch}", torch=first.torch)
    return Reason.OLDER, message("plan.reject.older-runtime", "works, but {variant} is newer", variant=first.variant)
