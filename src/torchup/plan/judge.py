"""One candidate against one target: it fits, with the GPUs it would use, or the first reason against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.types import UNSURE
from torchup.catalog.versions import version_key
from torchup.compat.laws import (
    VENDOR_OF_KIND,
    code_on_gpu,
    driver_against,
    driver_fits_gpu,
    glibc_against,
    macos_against,
    mps_against,
)
from torchup.compat.target import Target, gpu_name
from torchup.model import Machine, Message, Os, Reason, Rejection, Request, Value, Vendor, message
from torchup.plan.pythons import Pythons, choose_python

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog, Row
    from torchup.plan.candidates import Candidate
    from torchup.plan.gpus import Graphics


Running = dict[int, str]  # GPU index -> the code that it runs
Against = tuple[Reason, Message]


class Fit(Value, frozen=True, kw_only=True):
    """A candidate that works on the target."""

    candidate: Candidate
    python: str
    python_path: str | None = None
    covered: tuple[int, ...] = ()
    code: dict[int, str] = {}  # GPU index -> the code it runs
    uses_gpu: bool = False


class Question(Value, frozen=True, kw_only=True):
    """What every candidate is judged against."""

    target: Target
    request: Request
    catalog: Catalog
    pythons: Pythons
    graphics: Graphics
    accept_cpu: bool  # the CPU build was asked for, or there is no GPU to leave unused
    memo: dict[tuple[str, ...], tuple[str, str | None] | Message] = {}  # the Python chosen for a set of wheels
    codes: dict[tuple[int, str, bool], Running | Against] = {}  # the GPUs that a variant with an arch list runs on


def judge(candidate: Candidate, question: Question) -> Fit | Rejection:
    """Apply the laws in the order in which a person would want to hear of them."""
    row, machine = candidate.row, question.target.machine
    if row.certainty == UNSURE and question.request.variant != row.variant:
        return _reject(row, Reason.MISSING_PAIR, _UNSURE)
    against = _system_against(row, machine)
    if against is not None:
        return _reject(row, *against)
    graphics = _graphics(row, question)
    if isinstance(graphics, tuple):
        return _reject(row, *graphics)
    python = _python(row, question)
    if isinstance(python, Message):
        return _reject(row, Reason.PYTHON, python)
    missing = [name for name in question.request.require if not companion_of(candidate, name, python[0])]
    if missing:
        return _reject(
            row,
            Reason.COMPANION,
            message(
                "plan.reject.companion",
                "{package} is not available for this build and Python {python}",
                package=missing[0],
                python=python[0],
            ),
        )
    unnamed_apple = row.mps is not None and not question.target.machine.gpus  # every Apple silicon has a GPU
    uses_gpu = bool(graphics) or (
        unnamed_apple and not question.request.cpu and mps_against(row, machine.os_version) is None
    )
    return Fit(
        candidate=candidate,
        python=python[0],
        python_path=python[1],
        covered=tuple(graphics),
        code=graphics,
        uses_gpu=uses_gpu,
    )


def _python(row: Row, question: Question) -> tuple[str, str | None] | Message:
    key = row.pythons
    if row.macos_for:
        return choose_python(row, question.pythons, question.target.machine)
    if key not in question.memo:
        question.memo[key] = choose_python(row, question.pythons, question.target.machine)
    return question.memo[key]


def companion_of(candidate: Candidate, name: str, python: str) -> str | None:
    """The requirement version of a companion for a Python; packages that do not depend on the build always fit."""
    if name not in {"torchvision", "torchaudio"}:
        return "any"
    found = candidate.companions.get(name)
    return found.version if found and (found.pythons is None or python in found.pythons) else None


def _reject(row: Row, reason: Reason, detail: Message) -> Rejection:
    return Rejection(torch=row.torch, variant=row.variant, reason=reason, detail=detail)


def _system_against(row: Row, machine: Machine) -> Against | None:
    if row.jetson and not _jetson_fits(row.jetson, machine.jetson):
        return Reason.PLATFORM, message(
            "plan.reject.jetson", "is built for Jetson with L4T {release}", release=row.jetson
        )
    if glibc := glibc_against(row.glibc, machine.glibc):
        return Reason.GLIBC, glibc
    if machine.os == Os.MACOS and (macos := macos_against(row.macos, machine.os_version)):
        return Reason.OS, macos
    return None


def _jetson_fits(release: str, installed: str | None) -> bool:
    """Whether a build's L4T is the installed one: same major, not older; an unknown minor is taken for new enough."""
    needs, has = version_key(release), version_key(installed or "")
    return needs[:1] == has[:1] and (len(has) == 1 or has >= needs)


def _graphics(row: Row, question: Question) -> Running | Against:
    """The GPUs a build would use, index -> code; empty for a build that rightly runs on the CPU."""
    if row.kind != "cpu":
        key = (id(row.arch), row.variant, row.arch_known)  # rows of many releases share an arch list
        if key not in question.codes:
            question.codes[key] = _gpu_code(row, question)
        return question.codes[key]
    if row.mps is not None and not question.request.cpu:
        against = mps_against(row, question.target.machine.os_version)
        if against is None:
            return dict.fromkeys(question.graphics.usable, "mps")
        if not question.accept_cpu:
            return Reason.OS, against
    if question.accept_cpu:
        return {}
    return Reason.CPU_ONLY, _LEAVES_GPU


def _gpu_code(row: Row, question: Question) -> Running | Against:
    target = question.target
    gpus = target.machine.gpus
    vendor = VENDOR_OF_KIND[row.kind]
    mine = [index for index in target.gpus if gpus[index].vendor == vendor]
    if not mine:
        return Reason.ARCH, _NO_VENDOR[vendor]
    code = {index: found for index in mine if (found := code_on_gpu(row, index, target, question.catalog))}
    if not code:
        return Reason.ARCH, no_code(row, target, mine)
    return _driven(row, code, question) if vendor == Vendor.NVIDIA else code


def _driven(row: Row, code: Running, question: Question) -> Running | Against:
    """Of the GPUs with code those that the driver serves. JetPack's own is that of its L4T and numbered like it."""
    target = question.target
    version = target.nvidia.version if target.nvidia else None
    if row.jetson and target.nvidia is not None:
        return code
    if target.machine.jetson:
        version = None
    problems = {}
    for index in code:
        capability = target.capabilities[index]
        family = question.catalog.family(capability) if capability else None
        problems[index] = driver_fits_gpu(family, version, windows=target.windows_driver)
    running = {index: found for index, found in code.items() if problems[index] is None}
    against = driver_against(row, target) if running else next(filter(None, problems.values()))
    return (Reason.DRIVER, against) if against else running


def no_code(row: Row, target: Target, indexes: list[int]) -> Message:
    """Says which GPU a build has no code for, and what it has instead."""
    gpu = target.machine.gpus[indexes[0]]
    if row.arch is None:
        return message("plan.reject.gpu-unsupported", "does not support the {gpu}", gpu=gpu_name(gpu))
    return message(
        "plan.reject.arch", "has no code for the {gpu}; it has code for {arch}", gpu=gpu_name(gpu), arch=row.arch.text
    )


_UNSURE = message("plan.reject.unsure", "it is unknown whether this build was published")
_LEAVES_GPU = message("plan.reject.cpu-only", "would leave the GPU unused")
_NO_VENDOR = {
    Vendor.NVIDIA: message("plan.reject.no-nvidia", "needs an NVIDIA GPU; this machine has none"),
    Vendor.AMD: message("plan.reject.no-amd", "needs an AMD GPU; this machine has none"),
    Vendor.INTEL: message("plan.reject.no-intel", "needs an Intel GPU; this machine has none"),
}
