"""The questions that people ask before any installation; every number in the answers is the catalogue's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import variant_named, version_key
from torchup.model import Message, message

if TYPE_CHECKING:
    from torchup.catalog.types import Family, Row
    from torchup.compat.questions import Compat

Answer = tuple[Message, ...]
USUAL = "linux_x86_64"  # the platform whose builds the answers name


def questions(compat: Compat) -> dict[str, Answer]:
    """Slug -> title and paragraphs."""
    return {
        "conda-or-pip": _conda_or_pip(compat),
        "old-hardware": _old_hardware(compat),
        "driver-or-toolkit": _driver_or_toolkit(compat),
        "version-mismatch": _version_mismatch(compat),
    }


def _conda_or_pip(compat: Compat) -> Answer:
    last, ended = compat.catalog.channels.ended_conda
    oldest = min((row.glibc for row in compat.catalog.conda if row.glibc), key=version_key)
    return (
        message("plan.question.conda-or-pip", "conda or pip?"),
        message(
            "plan.question.conda-or-pip.short",
            "Use pip wheels (installed by uv) unless you need something that only conda-forge has. Both include "
            "their own CUDA libraries; neither uses a CUDA toolkit on the machine.",
        ),
        message(
            "plan.question.conda-or-pip.ended",
            "PyTorch's own conda channel (-c pytorch) ended with torch {torch} ({month}). Old install commands "
            "still work, but they install that version; mirrors of the channel are frozen, too. Current conda "
            "builds come from conda-forge (pytorch-gpu).",
            torch=last,
            month=ended,
        ),
        message(
            "plan.question.conda-or-pip.when",
            "Choose conda-forge if you need one build for GPUs from Maxwell to Blackwell, if you want a current "
            "torch on an old glibc ({glibc} or newer) or an Intel Mac, or if your other packages come from "
            "conda. Run `torchup up --installer conda` to install from it. conda-forge has no ROCm and no XPU "
            "builds.",
            glibc=oldest,
        ),
        message(
            "plan.question.conda-or-pip.mix",
            "Do not mix conda and pip in one environment: a torch from pip installed over one from conda leaves "
            "two sets of conflicting libraries. Use conda-forge, not Anaconda's defaults, which require a "
            "licence in organisations with 200 or more people.",
        ),
    )


def _old_hardware(compat: Compat) -> Answer:
    rows = [row for row in compat.catalog.by_platform[USUAL] if row.kind == "cuda"]
    gone = [line for family in compat.catalog.families if (line := _left_out(compat, family, rows)) is not None]
    return (
        message("plan.question.old-hardware", "My GPU is old: what can it still run?"),
        message(
            "plan.question.old-hardware.rule",
            "A CUDA build runs on a GPU if it contains code for that GPU: native code for the same major compute "
            "capability and the same or a lower minor, or PTX that the driver can compile.",
        ),
        *gone,
        message(
            "plan.question.old-hardware.amd",
            "AMD: many GPUs since Vega have ROCm builds, but Polaris (RX 400 and 500) has none. Intel: Arc and "
            "Core Ultra graphics have XPU builds, but Iris Xe and UHD have none. Apple: each release of torch "
            "needs a minimum macOS to use the GPU.",
        ),
        message(
            "plan.question.old-hardware.check",
            "Run `torchup plan --why-not {torch}` to see why a release does not fit this machine.",
            torch=compat.catalog.newest_torch,
        ),
    )


def _left_out(compat: Compat, family: Family, rows: list[Row]) -> Message | None:
    """What an architecture can still use that the newest release left out; ``None``: it is served, or never was."""
    found = {gpu: compat.last_build(gpu, rows) for gpu in family.capabilities}
    covered = {gpu: row for gpu, row in found.items() if row is not None}
    if not covered or family.last_branch is None:
        return None
    last = max(covered.values(), key=lambda row: version_key(row.torch))
    conda = compat.last_build(max(covered), compat.catalog.conda)
    values = {
        "family": family.name,
        "gpus": ", ".join(map(str, covered)),
        "build": last.label,
        "branch": family.last_branch,
    }
    if conda is None:
        return message(
            "plan.question.old-hardware.family",
            "{family} ({gpus}): {build} is the last x86_64 build with code for these GPUs, and driver branch "
            "{branch} is the last that supports them. Do not update past that branch.",
            **values,
        )
    return message(
        "plan.question.old-hardware.family-conda",
        "{family} ({gpus}): {build} is the last x86_64 build on PyTorch's own index with code for these GPUs; on "
        "conda-forge, the last one is {conda}. Driver branch {branch} is the last that supports these GPUs. Do "
        "not update past that branch.",
        conda=conda.label,
        **values,
    )


def _driver_or_toolkit(compat: Compat) -> Answer:
    new, old = _majors(compat)
    return (
        message("plan.question.driver-or-toolkit", "Do I need the driver, the CUDA toolkit, or both?"),
        message(
            "plan.question.driver-or-toolkit.short",
            "Only the driver. A CUDA build of torch includes its own CUDA runtime and cuDNN, and on Linux also "
            "NCCL. You need the toolkit (nvcc) only to compile CUDA extensions: your own, or those of a package "
            "without a wheel.",
        ),
        message(
            "plan.question.driver-or-toolkit.versions",
            'Three different numbers are called "the CUDA version": the newest CUDA that the driver supports '
            "(nvidia-smi shows it in its top right corner), the CUDA runtime inside torch (torch.version.cuda), "
            "and the version of an installed toolkit (nvcc --version). Only the first two matter to torch: the "
            "driver must support the major version of the runtime.",
        ),
        message(
            "plan.question.driver-or-toolkit.floor",
            "Thanks to minor-version compatibility, driver {old_floor} or newer (Windows: {old_windows}) runs "
            "every CUDA {old} build, and driver {new_floor} or newer runs every CUDA {new} build. A newer driver "
            "also runs older builds.",
            old=old,
            new=new,
            old_floor=compat.driver_floor(old, windows=False),
            old_windows=compat.driver_floor(old, windows=True),
            new_floor=compat.driver_floor(new, windows=False),
        ),
        message(
            "plan.question.driver-or-toolkit.where",
            "In WSL, torch uses the Windows driver; never install a Linux driver inside WSL. In a container, "
            "torch uses the host's driver.",
        ),
    )


def _version_mismatch(compat: Compat) -> Answer:
    new, old = _majors(compat)
    runtimes = [floor.cuda for floor in compat.catalog.floors.values() if floor.cuda.split(".")[0] == old]
    last = next(row for row in compat.catalog.by_platform[USUAL] if row.driver and row.driver.cuda in runtimes)
    return (
        message(
            "plan.question.version-mismatch",
            "nvidia-smi shows CUDA {one}, but torch shows {other}: is that wrong?",
            one=runtimes[0],
            other=runtimes[-1],
        ),
        message(
            "plan.question.version-mismatch.short",
            "No. The first number is what the driver supports, and the second is what torch includes. Within one "
            "CUDA major version, any combination works, in both directions.",
        ),
        message(
            "plan.question.version-mismatch.wrong",
            "It is wrong only if torch's CUDA major version is higher than the driver's, for example if a CUDA "
            "{new} build runs with a driver below {floor}. Then update the driver, or use a {variant} build (the "
            "last one is torch {torch}).",
            new=new,
            floor=compat.driver_floor(new, windows=False),
            variant=variant_named(last.driver.cuda) if last.driver else "",
            torch=last.torch,
        ),
        message(
            "plan.question.version-mismatch.ptx",
            "One exception: a GPU that is newer than the build uses PTX, and PTX works only if the first number "
            "is at least as high as the second.",
        ),
        message(
            "plan.question.version-mismatch.toolkit",
            "An installed toolkit of another version does not affect torch; it matters only if you compile CUDA "
            "extensions.",
        ),
    )


def _majors(compat: Compat) -> tuple[str, str]:
    """The two newest CUDA majors that torch is built with."""
    majors = dict.fromkeys(row.driver.cuda.split(".")[0] for row in compat.catalog.rows if row.driver)
    newest = sorted(majors, key=int, reverse=True)
    return newest[0], newest[1]
