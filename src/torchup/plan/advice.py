"""What a careful expert would add to a plan. One function a topic, all asked in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.gpus import NAMED, load_gpu_table
from torchup.catalog.types import LISTED, is_vendor
from torchup.catalog.versions import at_least, variant_key, version_key
from torchup.compat.laws import code_on_gpu, glibc_against
from torchup.compat.target import forward_compat_possible, gpu_name
from torchup.model import UNKNOWN, InstallerName, Notice, Os, Plan, Reason, Vendor, message
from torchup.plan.drivers import DriverAction, DriverOrder, driver_text, keep_text, place_of
from torchup.plan.gpus import is_integrated
from torchup.plan.whatif import best_row, families, newer_driver_gives, rows_of, with_conda, without_conda

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.types import Row
    from torchup.model import Machine, Message
    from torchup.plan.judge import Fit, Question

_HIDE = {
    Vendor.NVIDIA: "CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES",  # else CUDA counts the fastest card first
    Vendor.AMD: "HIP_VISIBLE_DEVICES",
    Vendor.INTEL: "ONEAPI_DEVICE_SELECTOR",
    Vendor.APPLE: "",
}


def advise(plan: Plan, best: Fit, question: Question) -> tuple[Notice, ...]:
    """Every piece of advice for a plan."""
    return tuple(notice for topic in _TOPICS for notice in topic(plan, best, question))


def _warn(text: object) -> Notice:
    return Notice(code=text.code, level="warning", text=text)  # type: ignore[attr-defined,arg-type]  # a Message


def _tell(text: object) -> Notice:
    return Notice(code=text.code, level="info", text=text)  # type: ignore[attr-defined,arg-type]  # a Message


def _cpu_only(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del best
    if plan.uses_gpu or question.request.cpu or question.request.variant == "cpu":
        return
    names = ", ".join(gpu_name(question.target.machine.gpus[i]) for i in question.graphics.ignored)
    other = _elsewhere(question) if names else None
    if other is not None:
        yield _warn(
            message(
                "plan.advice.cpu-only-conda",
                "cpu-only: conda-forge has no build for the {gpu}, but {build} works with --installer uv",
                gpu=names,
                build=other.label,
            )
        )
    elif names:
        yield _warn(
            message(
                "plan.advice.cpu-only-ignored",
                "cpu-only: no known torch build for this platform supports the {gpu}",
                gpu=names,
            )
        )
    else:
        yield _warn(message("plan.advice.cpu-only", "cpu-only: no GPU was found in this machine"))


def _elsewhere(question: Question) -> Row | None:
    """The build that another installer than conda would give this machine's GPU."""
    if question.request.installer != InstallerName.CONDA:
        return None
    return best_row(question.target.machine, without_conda(question.request), question.catalog)


def _uncovered(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    gpus = question.target.machine.gpus
    for index in plan.uncovered_gpus:
        gpu = gpus[index]
        hide = _HIDE[gpu.vendor]
        seen = [i for i, other in enumerate(gpus) if other.vendor == gpu.vendor]
        keep = ",".join(str(seen.index(i)) for i in best.covered if i in seen)
        if keep and hide:
            yield _warn(
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
            yield _warn(
                message(
                    "plan.advice.unused",
                    "the {gpu} stays unused: a build supports GPUs of only one vendor",
                    gpu=gpu_name(gpu),
                )
            )


def _conda_serves_all(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
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
        yield _tell(
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


def _last_branch(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del best
    ended = [family for family in families(question) if family.last_branch]
    if not ended or not plan.uses_gpu or question.target.machine.jetson:  # JetPack brings its driver
        return
    yield _warn(
        keep_text(
            place_of(question.target.machine),
            branch=min(family.last_branch or 0 for family in ended),
            family=", ".join(dict.fromkeys(family.name for family in ended)),
        )
    )


def _driver_unlocks(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    if not plan.uses_gpu or best.candidate.row.kind != "cuda" or question.target.machine.jetson:
        return
    if question.request.torch or question.request.variant:
        return
    if not any(r.reason == Reason.DRIVER for r in plan.rejected):
        return
    gives = newer_driver_gives(question)
    if gives is None or version_key(gives[1].torch) <= version_key(plan.build.torch):
        return
    order = DriverOrder(
        action=DriverAction.UPDATE,
        place=place_of(question.target.machine),
        branch=gives[0],
        exact=any(family.last_branch for family in families(question)),
        gives=gives[1].label,
    )
    text = driver_text(order)
    yield _tell(message("plan.advice.unlock", "to use a newer build, {driver}", driver=text))


def _driver_may_stay(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """Administrators of servers often cannot change the driver; their GPUs have another way."""
    target = question.target
    if target.forward_compat or not forward_compat_possible(target.machine, question.catalog):
        return
    if not any(_driver_unlocks(plan, best, question)):
        return
    gives = newer_driver_gives(question)
    if gives is not None and gives[1].driver is not None:
        yield _tell(
            message(
                "plan.advice.compat-package",
                "to keep the driver, try NVIDIA's package cuda-compat-{cuda}: it can make newer builds run on "
                "this GPU if NVIDIA's forward-compatibility table lists the driver's branch",
                cuda=gives[1].driver.cuda.replace(".", "-"),
            )
        )


def _macos_unlocks(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    newest = next(iter(question.catalog.by_platform.get("macos_arm64", ())), None)
    here = question.target.machine.os_version
    by_conda = question.request.installer == InstallerName.CONDA  # whose releases are not those of this list
    if best.candidate.row.platform != "macos_arm64" or newest is None or not plan.uses_gpu or by_conda:
        return
    if newest.mps and at_least(here, newest.mps) is not False:
        return  # this macOS is new enough: something else stands in the way
    if version_key(newest.torch) > version_key(plan.build.torch) and newest.mps and not question.request.torch:
        yield _tell(
            message(
                "plan.advice.macos", "macOS {floor} would allow torch {torch}", floor=newest.mps, torch=newest.torch
            )
        )


def _intel_mac(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del plan
    if best.candidate.row.platform == "macos_x86_64" and best.candidate.source.name != "conda-forge":
        newest = next((row for row in question.catalog.conda if row.platform == "macos_x86_64"), None)
        yield _tell(
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
            "newer builds need glibc {floor}; this machine has {glibc}. A newer system offers newer builds",
            floor=floor,
            glibc=glibc,
        )
    else:
        text = message(
            "plan.advice.glibc-conda",
            "newer wheels need glibc {floor}; this machine has {glibc}. A newer system offers newer builds, and "
            "conda-forge has {build}: use --installer conda",
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
        yield _warn(
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
        yield _tell(
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
        yield _tell(
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
    yield _tell(
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
        yield _tell(
            message(
                "plan.advice.system-packages",
                "this build uses JetPack's CUDA and cuDNN, and also needs system packages: run `{command}` to "
                "install them",
                command=f"sudo apt-get install {packages}",
            )
        )


def _unsure_names(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """GPUs whose target has no source in the table: what the driver says wins."""
    machine = question.target.machine
    for index in best.covered if plan.uses_gpu else ():
        gpu = machine.gpus[index]
        by_name = [machine.sources.get(f"gpus.{index}.{field}") for field in ("compute_capability", "gfx")]
        row = load_gpu_table().by_name(gpu.name, gpu.vendor) if gpu.name and NAMED in by_name else None
        if row is not None and row.source == "own":
            yield _tell(
                message(
                    "plan.advice.unsure-name",
                    "torchup assumes the architecture of the {gpu}, because no published source states it; run "
                    "`torchup detect` on the machine that has this GPU to see what the driver reports",
                    gpu=gpu_name(gpu),
                )
            )


def _assumed_driver(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del plan
    driver = question.target.nvidia
    if question.target.machine.jetson:
        return
    if question.target.machine.sources.get("drivers") == "unsaid" and best.candidate.row.kind == "cuda" and driver:
        yield _tell(
            message(
                "plan.advice.assumed-driver",
                "no NVIDIA driver was given, so the plan assumes one of branch {branch}; use --assume "
                "driver=VERSION to plan for another driver",
                branch=driver.version,
            )
        )


def _inferred(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
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


def _newer_unknown(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del question
    unknown = [r for r in plan.rejected if r.detail.code == "plan.reject.unknown"]
    newer = [r for r in unknown if version_key(r.torch) > version_key(best.candidate.row.torch)]
    if newer:
        yield _tell(
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
        yield _tell(
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


def _devices(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    machine = question.target.machine
    kind = best.candidate.row.kind
    closed = [node.path for node in machine.device_nodes if not node.writable]
    if kind == "rocm" and "/dev/kfd" in closed:
        yield _warn(
            message(
                "plan.advice.kfd",
                "you cannot write to /dev/kfd: join the groups render and video, then log in again",
            )
        )
    if kind == "rocm" and machine.wsl:
        yield _tell(message("plan.advice.rocm-wsl", "ROCm in WSL needs librocdxg and a recent Windows driver"))
    if kind == "xpu" and machine.level_zero is False:
        yield _warn(
            message(
                "plan.advice.level-zero",
                "Intel's compute runtime (Level Zero) is not installed; the XPU build needs it",
            )
        )
    driver = question.target.nvidia
    if plan.uses_gpu and driver is not None and driver.problem in {"library-version-mismatch", "not-loaded"}:
        yield _warn(
            message(
                "plan.advice.reboot",
                "before you use the GPU: {driver}",
                driver=driver_text(_reboot(question.target.machine)),
            )
        )
    if plan.uses_gpu and any(one.problem == "not-in-container" for one in machine.drivers):
        options = "--device=/dev/kfd --device=/dev/dri" if kind == "rocm" else "--gpus all"
        yield _warn(
            message(
                "plan.advice.container",
                "the GPU was not passed into this container: start a new container with {options}",
                options=options,
            )
        )


def _reboot(machine: Machine) -> DriverOrder:
    return DriverOrder(action=DriverAction.REBOOT, place=place_of(machine))


def _forward_compat(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del plan
    driver = question.target.nvidia
    if question.target.forward_compat and best.candidate.row.kind == "cuda" and driver:
        yield _tell(
            message(
                "plan.advice.forward-compat",
                "this plan counts on the forward-compatibility libcuda (CUDA {cuda} with driver {driver}); "
                "without it, builds that need a newer driver do not work",
                cuda=question.target.cuda,
                driver=driver.version,
            )
        )


def _disk(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del best
    free, size = question.target.machine.disk_free_bytes, plan.build.size_bytes
    unpacked = 3  # wheel in the cache, and two to three times its size unpacked
    if free is not None and size and free < size * unpacked:
        yield _warn(
            message(
                "plan.advice.disk",
                "{free} GB are free; the installation needs about {needed} GB",
                free=f"{free / 1e9:.1f}",
                needed=f"{size * unpacked / 1e9:.1f}",
            )
        )


def _windows_arm(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    del plan
    row = best.candidate.row
    if row.platform == "windows_arm64" and row.kind == "cpu" and question.target.machine.os == Os.WINDOWS:
        yield _tell(
            message(
                "plan.advice.windows-arm",
                "PyTorch publishes its own ARM64 wheels for Windows only as CPU builds, for Python {pythons}",
                pythons=row.python_range,
            )
        )


_TOPICS = (
    _cpu_only,
    _uncovered,
    _conda_serves_all,
    _last_branch,
    _driver_unlocks,
    _driver_may_stay,
    _macos_unlocks,
    _intel_mac,
    _glibc,
    _translated,
    _python,
    _companions,
    _certainty,
    _inferred,
    _assumed_driver,
    _rocm_sdk,
    _system_packages,
    _unsure_names,
    _newer_unknown,
    _devices,
    _forward_compat,
    _disk,
    _windows_arm,
)
