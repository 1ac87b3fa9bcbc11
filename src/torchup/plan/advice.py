"""What a careful expert would add to a plan. One function a topic, all asked in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.types import LISTED, is_vendor
from torchup.catalog.versions import at_least, variant_key, version_key
from torchup.compat.laws import glibc_against
from torchup.model import UNKNOWN, InstallerName, Notice, Os, Plan, Reason, message
from torchup.plan import driver_advice, gpu_advice
from torchup.plan.notices import tell, warn
from torchup.plan.whatif import best_row, rows_of, with_conda

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.types import Row
    from torchup.model import Message
    from torchup.plan.judge import Fit, Question


def advise(plan: Plan, best: Fit, question: Question) -> tuple[Notice, ...]:
    """Every piece of advice for a plan."""
    return tuple(notice for topic in _TOPICS for notice in topic(plan, best, question))


def _macos_unlocks(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    newest = next(iter(question.catalog.by_platform.get("macos_arm64", ())), None)
    here = question.target.machine.os_version
    by_conda = question.request.installer == InstallerName.CONDA  # whose releases are not those of this list
    if best.candidate.row.platform != "macos_arm64" or newest is None or not plan.uses_gpu or by_conda:
        return
    if newest.mps and at_least(here, newest.mps) is not False:
        return  # this macOS is new enough: something else stands in the way
    if version_key(newest.torch) > version_key(plan.build.torch) and newest.mps and not question.request.torch:
        yield tell(
            message(
                "plan.advice.macos",
                "torch {torch} needs macOS {floor} or newer to use the Apple GPU",
                floor=newest.mps,
                torch=newest.torch,
            )
        )


def _intel_mac(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del plan
    if best.candidate.row.platform == "macos_x86_64" and best.candidate.source.name != "conda-forge":
        newest = next((row for row in question.catalog.conda if row.platform == "macos_x86_64"), None)
        yield tell(
            message(
                "plan.advice.intel-mac",
                "torch {last} is the last release with wheels for Intel Macs; conda-forge still builds torch "
                "{torch}: use --installer conda",
                last=question.catalog.by_platform["macos_x86_64"][0].torch,
                torch=newest.torch if newest else UNKNOWN,
            )
        )


def _glibc(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del best
    newest = next((row for row in rows_of(question) if row.glibc), None)
    refused = any(r.reason == Reason.GLIBC for r in plan.rejected)
    if not refused or newest is None or version_key(plan.build.torch) >= version_key(newest.torch):
        return
    floor, glibc = newest.glibc, question.target.machine.glibc
    other = _newer_by_conda(plan, question)
    if other is None:
        text = message(
            "plan.advice.glibc",
            "newer builds need glibc {floor} or newer; this machine has {glibc}. Upgrade the operating system to "
            "use them",
            floor=floor,
            glibc=glibc,
        )
    else:
        text = message(
            "plan.advice.glibc-conda",
            "newer wheels need glibc {floor} or newer; this machine has {glibc}. Upgrade the operating system to "
            "use them, or use --installer conda: conda-forge has {build}",
            floor=floor,
            glibc=glibc,
            build=other.label,
        )
    yield Notice(code="plan.advice.glibc", level="info", text=text)


def _newer_by_conda(plan: Plan, question: Question) -> Row | None:
    """A build of conda-forge that runs here, newer than the planned one and as good for the GPU."""
    machine, request = question.target.machine, question.request
    if request.installer == InstallerName.CONDA:
        return None
    found = best_row(machine, with_conda(request), question.catalog) if plan.uses_gpu else next(
        (row for row in question.catalog.conda
         if row.platform == question.target.platform and row.kind == "cpu"
         and glibc_against(row.glibc, machine.glibc) is None),
        None,
    )  # fmt: skip
    return found if found is not None and version_key(found.torch) > version_key(plan.build.torch) else None


def _translated(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del plan, best
    if question.target.machine.translated:
        yield warn(
            message(
                "plan.advice.rosetta",
                "the Python in use is an x86_64 build that runs under Rosetta; the plan uses a native arm64 "
                "Python instead",
            )
        )


def _python(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del best
    fetched = plan.installer != InstallerName.PIP  # pip takes a Python that is there
    if fetched and plan.python not in question.pythons.installed and question.pythons.known:
        yield tell(
            message(
                "plan.advice.python-fetched",
                "torchup found no Python {python}; the installer downloads it",
                python=plan.python,
            )
        )


def _certainty(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del question
    if best.candidate.row.certainty == LISTED or best.candidate.row.file:
        return
    if is_vendor(best.candidate.row):  # a refresh reads no pages of vendors
        text = message(
            "plan.advice.not-seen-vendor",
            "{build} was announced, but torchup has not seen it on its index; open {index} to check whether it was "
            "published",
            build=plan.build.label,
            index=plan.build.index_url or best.candidate.source.url,
        )
        yield Notice(code="plan.advice.not-seen", level="info", text=text)
    else:
        yield tell(
            message(
                "plan.advice.not-seen",
                "{build} was announced, but torchup has not seen it on an index; run `torchup catalog refresh "
                "--write` to check whether it was published and to save the answer",
                build=plan.build.label,
            )
        )


def _rocm_sdk(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    row = best.candidate.row
    if row.kind != "rocm" or variant_key(row.variant) < version_key(question.catalog.rocm_sdk.since):
        return
    yield tell(
        message(
            "plan.advice.rocm-sdk",
            "this build takes ROCm from Python packages. The installer builds one of them, `rocm`, for the GPU "
            "that it finds; on a machine without a GPU, set ROCM_SDK_TARGET_FAMILY to the family of the target "
            "GPU. The packages of the same names on PyPI are placeholders, so install only from {index}",
            index=plan.build.index_url,
        )
    )
    if plan.overrides:
        yield Notice(code="plan.advice.one-device", level="info", text=_one_device(plan, row))


def _one_device(plan: Plan, row: Row) -> Message:
    if row.size_bytes is None:
        return message(
            "plan.advice.one-device-unsized",
            "torch requires the ROCm libraries for every AMD GPU. The plan takes only those for the GPUs that it "
            "covers: it replaces that requirement with {requirement}. Other GPU models need their own plan",
            requirement=plan.overrides[0],
        )
    return message(
        "plan.advice.one-device",
        "torch requires the ROCm libraries for every AMD GPU ({all} in all). The plan takes only those "
        "for the GPUs that it covers: it replaces that requirement with {requirement}. Other GPU models "
        "need their own plan",
        all=f"{row.size_bytes / 1e9:.1f} GB",
        requirement=plan.overrides[0],
    )


def _system_packages(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del plan, question
    if packages := best.candidate.row.system:
        yield tell(
            message(
                "plan.advice.system-packages",
                "this build uses JetPack's CUDA and cuDNN, and also needs system packages: run `{command}` to "
                "install them",
                command=f"sudo apt-get install {packages}",
            )
        )


def _newer_unknown(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del question
    unknown = [r for r in plan.rejected if r.detail.code == "plan.reject.unknown"]
    newer = [r for r in unknown if version_key(r.torch) > version_key(best.candidate.row.torch)]
    if newer:
        yield tell(
            message(
                "plan.advice.newer-unknown",
                "your sources also have {build}, which is newer than the catalogue; torchup does not know which "
                "GPUs that build has code for. Use --torch {torch} to install it; the verification shows whether "
                "it works",
                build=f"{newer[0].torch}+{newer[0].variant}",
                torch=newer[0].torch,
            )
        )


def _companions(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del best, question
    if plan.missing_companions:
        yield tell(
            message(
                "plan.advice.missing-companions",
                "torchup leaves out {packages}: it knows no {variant} build for torch {torch} and Python "
                "{python} on this platform; use `--require PACKAGE` to choose only a torch that has the package",
                packages=", ".join(plan.missing_companions),
                variant=plan.build.variant,
                torch=plan.build.torch,
                python=plan.python,
            )
        )


def _disk(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del best
    free, size = question.target.machine.disk_free_bytes, plan.build.size_bytes
    unpacked = 3  # wheel in the cache, and two to three times its size unpacked
    if free is not None and size and free < size * unpacked:
        yield warn(
            message(
                "plan.advice.disk",
                "the disk of torchup's data folder has {free} GB free; the installation needs about {needed} GB",
                free=f"{free / 1e9:.1f}",
                needed=f"{size * unpacked / 1e9:.1f}",
            )
        )


def _windows_arm(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del plan
    row = best.candidate.row
    if row.platform == "windows_arm64" and row.kind == "cpu" and question.target.machine.os == Os.WINDOWS:
        yield tell(
            message(
                "plan.advice.windows-arm",
                "PyTorch publishes its own ARM64 wheels for Windows only as CPU builds, for Python {pythons}",
                pythons=row.python_range,
            )
        )


_TOPICS = (
    gpu_advice.cpu_only,
    gpu_advice.uncovered,
    gpu_advice.conda_serves_all,
    driver_advice.last_branch,
    driver_advice.driver_unlocks,
    driver_advice.driver_may_stay,
    _macos_unlocks,
    _intel_mac,
    _glibc,
    _translated,
    _python,
    _companions,
    _certainty,
    gpu_advice.inferred,
    driver_advice.assumed_driver,
    _rocm_sdk,
    _system_packages,
    gpu_advice.unsure_names,
    _newer_unknown,
    gpu_advice.devices,
    driver_advice.forward_compat,
    _disk,
    _windows_arm,
)
