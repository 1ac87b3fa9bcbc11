"""The compatibility laws as pure predicates; each cites its rule. ``None`` means "nothing against it".

The doctor asks the same questions of an installed torch, so the arguments are plain facts, not plans.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.model import ComputeCapability, Gpu, Message, Vendor, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.types import Catalog, DriverFloor, Family, Row, SassRule
    from torchup.compat.target import Target

_NAME = lazy_pattern(r"(?P<kind>sm|compute)_\d+(?P<suffix>[af]?)")
VENDOR_OF_KIND = {"cuda": Vendor.NVIDIA, "rocm": Vendor.AMD, "xpu": Vendor.INTEL}


# ---------------------------------------------------------------- architecture


def sass_runs(code: ComputeCapability, gpu: ComputeCapability, rule: SassRule) -> bool:
    """Whether native code of one capability runs on a GPU.

    Rule (CUDA C programming guide, "binary compatibility"; DEVICE_REQUIREMENT in torch/cuda/__init__.py): same major
    and the code's minor not above the GPU's. Jetson's 5.3, 6.2, 7.2 and 8.7 run only their own code; sm_100 code does
    not run on 10.1; 10.1 was renamed 11.0.
    """
    if code == gpu or rule.renamed.get(code) == gpu:
        return True
    if code.major != gpu.major or code.minor > gpu.minor:
        return False
    return gpu not in rule.alone and code not in rule.alone and rule.not_on.get(gpu) != code


def ptx_runs(
    code: ComputeCapability, gpu: ComputeCapability, *, built_with: str | None, driver_cuda: str | None
) -> bool:
    """Whether PTX of one capability can be compiled for a GPU by the driver.

    Rule: any GPU at or above the PTX's capability, if the driver serves at least the CUDA version whose compiler
    made the PTX (minor-version compatibility does not cover PTX; NVIDIA CUDA compatibility guide).
    """
    if gpu < code:
        return False
    return not built_with or (driver_cuda is not None and version_key(driver_cuda) >= version_key(built_with))


def name_runs(
    name: str,
    gpu: ComputeCapability,
    rule: SassRule,
    *,
    built_with: str | None = None,
    driver_cuda: str | None = None,
) -> bool:
    """Whether code named as in ``get_arch_list()`` (``sm_80``, ``compute_120``) runs on a GPU.

    Suffix ``a``: that capability only. Suffix ``f``: the family, that is the same major from that minor on
    (PTX ISA guide, "architecture-specific and family-specific features").
    """
    code, kind, suffix = _parsed(name)
    if code is None or (suffix == "a" and code != gpu):
        return False
    if kind == "sm":
        return sass_runs(code, gpu, rule)
    if suffix == "f" and code.major != gpu.major:
        return False
    return ptx_runs(code, gpu, built_with=built_with, driver_cuda=driver_cuda)


@cache
def _parsed(name: str) -> tuple[ComputeCapability | None, str, str]:
    """``sm_90a`` -> (9.0, "sm", "a"); no capability for what names no code of NVIDIA's."""
    match = _NAME.fullmatch(name)
    return (ComputeCapability.parse(name), match["kind"], match["suffix"]) if match else (None, "", "")


def code_named(
    names: Iterable[str],
    gpu: ComputeCapability,
    *,
    rule: SassRule,
    built_with: str | None = None,
    driver_cuda: str | None = None,
) -> str | None:
    """The code of an arch list that a GPU would run: native code before PTX, the newest of it; ``None``: none."""
    runs = [name for name in names if name_runs(name, gpu, rule, built_with=built_with, driver_cuda=driver_cuda)]
    return max(runs, key=lambda name: (name.startswith("sm"), _parsed(name)[0]), default=None)


def xpu_supports(gpu: Gpu, catalog: Catalog) -> bool:
    """Whether the XPU builds run on an Intel GPU, as detection found or by its name."""
    if gpu.xpu is not None or not gpu.name:
        return bool(gpu.xpu)
    return bool(xpu_by_name(gpu.name, catalog))


def xpu_by_name(name: str, catalog: Catalog) -> bool | None:
    """Whether the XPU builds run on what a name means (docs.pytorch.org, get_start_xpu); ``None``: not listed."""
    plain = name.replace("(R)", "").replace("(TM)", "").lower()
    if any(word.lower() in plain for word in catalog.xpu.unsupported):
        return False
    return True if any(word.lower() in plain for word in catalog.xpu.supported) else None


def code_on_gpu(row: Row, index: int, target: Target, catalog: Catalog) -> str | None:
    """The code that a build would run on a GPU (by its index) of the right vendor; ``"unknown"`` if it is not known.

    Looks at what is compiled in, not at drivers.
    """
    gpu = target.machine.gpus[index]
    if VENDOR_OF_KIND.get(row.kind) != gpu.vendor:
        return None
    if not row.arch_known:
        return "unknown"
    if row.kind == "xpu":
        return "xpu" if xpu_supports(gpu, catalog) else None
    if row.kind == "rocm":
        return gpu.gfx if row.arch and gpu.gfx in row.arch.gfx else None
    return _cuda_code(row, index, target, catalog)


def _cuda_code(row: Row, index: int, target: Target, catalog: Catalog) -> str | None:
    if row.arch is None:
        return None
    capability = target.capabilities[index]
    if capability is None:
        return "unknown"
    built_with = row.driver.cuda if row.driver else None
    return code_named(
        row.arch.names,
        capability,
        rule=catalog.sass_rule,
        built_with=built_with,
        driver_cuda=target.cuda or built_with,
    )


# ---------------------------------------------------------------- driver


def driver_serves(floor: DriverFloor, version: str | None, *, windows: bool, cuda: str | None = None) -> bool:
    """Whether a driver runs a CUDA runtime.

    Rule: from CUDA 11 on any driver of at least the major's floor (CUDA compatibility guide, "minor version
    compatibility"); newer drivers always run older runtimes. With forward compatibility ``cuda`` is the version that
    the newer libcuda serves, and its major decides.
    """
    if version and version_key(version) >= version_key(floor.floor(windows=windows)):
        return True
    if cuda is None:
        return False
    served, wanted = version_key(cuda), version_key(floor.cuda)
    return served >= wanted or (floor.whole_major and served[:1] == wanted[:1])


def driver_fits_gpu(family: Family | None, version: str | None, *, windows: bool) -> Message | None:
    """What is wrong between a driver and a card, whatever torch is.

    Rule: a card needs a driver of the branch that introduced its architecture (the driver shipped with the first
    toolkit that knows it), and not one of a branch after support ended (580 is the last for Maxwell, Pascal, Volta).
    """
    if family is None or not version:
        return None
    branch = version_key(version)[0]
    first = family.first_windows if windows else family.first_linux
    if first and branch < version_key(first)[0]:
        return message(
            "plan.reject.driver-before-gpu",
            "driver {driver} is older than the GPU: {family} GPUs need branch {branch} or newer",
            driver=version,
            family=family.name,
            branch=version_key(first)[0],
        )
    if family.last_branch and branch > _branch_end(family.last_branch):
        return message(
            "plan.reject.driver-after-gpu",
            "driver {driver} no longer supports {family} GPUs; branch {branch} is the last that supports them",
            driver=version,
            family=family.name,
            branch=family.last_branch,
        )
    return None


def _branch_end(branch: int) -> int:
    """The last driver major counted to a branch: Windows numbers 580's drivers up to 58x, 470's up to 47x."""
    return branch + 9


def driver_against(row: Row, target: Target) -> Message | None:
    """Whether the NVIDIA driver keeps a CUDA build from running (see `driver_serves`)."""
    if row.driver is None:
        return None
    driver = target.nvidia
    floor = row.driver.floor(windows=target.windows_driver)
    if driver is None or (driver.version is None and target.cuda is None):
        return message(
            "plan.reject.no-driver",
            "no NVIDIA driver is loaded; CUDA {cuda} needs driver {floor} or newer",
            cuda=row.driver.cuda,
            floor=floor,
        )
    trusted = target.cuda if driver.version is None or target.forward_compat or target.machine.jetson else None
    if driver_serves(row.driver, driver.version, windows=target.windows_driver, cuda=trusted):
        return None
    if not driver.version:
        return message(
            "plan.reject.driver-cuda",
            "the driver supports CUDA {served}; CUDA {cuda} needs driver {floor} or newer",
            served=target.cuda,
            cuda=row.driver.cuda,
            floor=floor,
        )
    return message(
        "plan.reject.driver",
        "driver {driver} is older than {floor}, which CUDA {cuda} needs",
        driver=driver.version,
        floor=floor,
        cuda=row.driver.cuda,
    )


# ---------------------------------------------------------------- system


def glibc_against(floor: str | None, glibc: str | None) -> Message | None:
    """Whether the C library is too old (manylinux tags, PEP 600: the system's glibc must not be older)."""
    if not floor or not glibc or version_key(glibc) >= version_key(floor):
        return None
    return message(
        "plan.reject.glibc", "needs glibc {floor} or newer; this machine has {glibc}", floor=floor, glibc=glibc
    )


def macos_against(floor: str | None, macos: str | None) -> Message | None:
    """Whether macOS is too old to install the wheel (its ``macosx_X_Y`` tag is a minimum)."""
    if not floor or not macos or version_key(macos) >= version_key(floor):
        return None
    return message(
        "plan.reject.macos", "needs macOS {floor} or newer; this machine has {macos}", floor=floor, macos=macos
    )


def mps_against(row: Row, macos: str | None) -> Message | None:
    """Whether macOS is too old for this build to use the Apple GPU, though it installs."""
    if row.mps is None or not macos or version_key(macos) >= version_key(row.mps):
        return None
    return message(
        "plan.reject.mps",
        "can be installed, but needs macOS {floor} or newer to use the Apple GPU; this machine has {macos}",
        floor=row.mps,
        macos=macos,
    )


def newest_python(pythons: Iterable[str]) -> str | None:
    """The newest of some Python versions, plain builds before free-threaded ones."""
    return max(pythons, key=lambda python: (not python.endswith("t"), version_key(python)), default=None)
