"""Advice on the GPUs of a machine: which the build leaves out, and what else would use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.gpus import NAMED, load_gpu_table
from torchup.catalog.types import is_vendor
from torchup.compat.laws import code_on_gpu
from torchup.compat.target import gpu_name
from torchup.model import InstallerName, Notice, Plan, Vendor, message
from torchup.plan.drivers import DriverAction, DriverOrder, driver_text, place_of
from torchup.plan.gpus import is_integrated
from torchup.plan.notices import tell, warn
from torchup.plan.whatif import best_row, with_conda, without_conda

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.types import Row
    from torchup.model import Machine
    from torchup.plan.judge import Fit, Question


_HIDE = {
    Vendor.NVIDIA: "CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES",  # else CUDA counts the fastest card first
    Vendor.AMD: "HIP_VISIBLE_DEVICES",
    Vendor.INTEL: "ONEAPI_DEVICE_SELECTOR",
    Vendor.APPLE: "",
}


def cpu_only(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """Why a machine with a GPU gets a build that does not use it."""
    del best
    if plan.uses_gpu or question.request.cpu or question.request.variant == "cpu":
        return
    names = ", ".join(gpu_name(question.target.machine.gpus[i]) for i in question.graphics.ignored)
    other = _elsewhere(question) if names else None
    if other is not None:
        yield warn(
            message(
                "plan.advice.cpu-only-conda",
                "cpu-only: conda-forge has no build for the {gpu}, but {build} works with --installer uv",
                gpu=names,
                build=other.label,
            )
        )
    elif names:
        yield warn(
            message(
                "plan.advice.cpu-only-ignored",
                "cpu-only: no known torch build for this platform supports the {gpu}",
                gpu=names,
            )
        )
    else:
        yield warn(message("plan.advice.cpu-only", "cpu-only: no GPU was found in this machine"))


def _elsewhere(question: Question) -> Row | None:
    """The build that another installer than conda would give this machine's GPU."""
    if question.request.installer != InstallerName.CONDA:
        return None
    return best_row(question.target.machine, without_conda(question.request), question.catalog)


def uncovered(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """Which GPUs the chosen build leaves out."""
    gpus = question.target.machine.gpus
    for index in plan.uncovered_gpus:
        gpu = gpus[index]
        hide = _HIDE[gpu.vendor]
        seen = [i for i, other in enumerate(gpus) if other.vendor == gpu.vendor]
        keep = ",".join(str(seen.index(i)) for i in best.covered if i in seen)
        if keep and hide:
            yield warn(
                message(
                    "plan.advice.left-out",
                    "the {gpu} is left out, because the chosen build cannot use it; set {variable}={keep} to "
                    "hide this GPU from torch",
                    gpu=gpu_name(gpu),
                    variable=hide,
                    keep=keep,
                )
            )
        elif not is_integrated(gpu, question.catalog):
            yield warn(
                message(
                    "plan.advice.unused",
                    "the {gpu} stays unused: a build supports GPUs of only one vendor",
                    gpu=gpu_name(gpu),
                )
            )


def conda_serves_all(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """That conda-forge's build would use the GPUs that are left out."""
    gpus = question.target.machine.gpus
    left = [index for index in plan.uncovered_gpus if gpus[index].vendor == Vendor.NVIDIA]
    if not left or best.candidate.row.kind != "cuda" or best.candidate.source.name == "conda-forge":
        return
    row = best_row(question.target.machine, with_conda(question.request), question.catalog)
    if (
        row is not None
        and row.arch is not None
        and all(code_on_gpu(row, i, question.target, question.catalog) for i in left)
    ):
        yield tell(
            message(
                "plan.advice.conda-all",
                "conda-forge's torch {torch} ({variant}) has code for GPUs of compute capability {oldest} to "
                "{newest}: use --installer conda",
                torch=row.torch,
                variant=row.variant,
                oldest=row.arch.sass[0],
                newest=row.arch.sass[-1],
            )
        )


def unsure_names(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """GPUs whose target has no source in the table: what the driver says wins."""
    machine = question.target.machine
    for index in best.covered if plan.uses_gpu else ():
        gpu = machine.gpus[index]
        by_name = [machine.sources.get(f"gpus.{index}.{field}") for field in ("compute_capability", "gfx")]
        row = load_gpu_table().by_name(gpu.name, gpu.vendor) if gpu.name and NAMED in by_name else None
        if row is not None and row.source == "own":
            yield tell(
                message(
                    "plan.advice.unsure-name",
                    "torchup assumes the architecture of the {gpu}, because no published source states it; run "
                    "`torchup detect` on the machine that has this GPU to see what the driver reports",
                    gpu=gpu_name(gpu),
                )
            )


def inferred(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """That the code for GPUs of the build is inferred and not read."""
    del question
    row = best.candidate.row
    if not plan.uses_gpu or row.arch is None or row.arch.basis != "inferred":
        return
    if is_vendor(row) and not row.file:  # a vendor's channel is not among the sources that `catalog measure` asks
        text = message(
            "plan.advice.inferred-vendor",
            "unsure: the GPU code of {build} is inferred, because its wheel was not read. The verification shows "
            "whether the build works",
            build=plan.build.label,
        )
    else:
        text = message(
            "plan.advice.inferred",
            "unsure: the GPU code of {build} is inferred, because its wheel was not read; run `torchup "
            "catalog measure {wheel}` to read it. The verification shows whether the build works",
            build=plan.build.label,
            wheel=row.file or f"torch=={plan.build.label}",
        )
    yield Notice(code="plan.advice.inferred", level="info", text=text)


def devices(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """How to keep a program off the GPUs that the build cannot use."""
    machine = question.target.machine
    kind = best.candidate.row.kind
    closed = [node.path for node in machine.device_nodes if not node.writable]
    if kind == "rocm" and "/dev/kfd" in closed:
        yield warn(
            message(
                "plan.advice.kfd",
                "you cannot write to /dev/kfd: join the groups render and video, then log in again",
            )
        )
    if kind == "rocm" and machine.wsl:
        yield tell(message("plan.advice.rocm-wsl", "ROCm in WSL needs librocdxg and a recent Windows driver"))
    if kind == "xpu" and machine.level_zero is False:
        yield warn(
            message(
                "plan.advice.level-zero",
                "Intel's compute runtime (Level Zero) is not installed; the XPU build needs it",
            )
        )
    driver = question.target.nvidia
    if plan.uses_gpu and driver is not None and driver.problem in {"library-version-mismatch", "not-loaded"}:
        yield warn(
            message(
                "plan.advice.reboot",
                "before you use the GPU: {driver}",
                driver=driver_text(_reboot(question.target.machine)),
            )
        )
    if plan.uses_gpu and any(one.problem == "not-in-container" for one in machine.drivers):
        options = "--device=/dev/kfd --device=/dev/dri" if kind == "rocm" else "--gpus all"
        yield warn(
            message(
                "plan.advice.container",
                "the GPU was not passed into this container: start a new container with {options}",
                options=options,
            )
        )


def _reboot(machine: Machine) -> DriverOrder:
    return DriverOrder(action=DriverAction.REBOOT, place=place_of(machine))
