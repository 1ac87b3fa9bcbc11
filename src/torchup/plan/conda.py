"""What conda is asked for: subdir, channels, match specs, and virtual packages taken from the planned machine.

Pure. The virtual packages come from the `Machine`, never from the machine that happens to run torchup, so that a plan
for another machine is solved as that machine would solve it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from torchup.compat.target import is_musl
from torchup.errors import NoBuildError, UsageError
from torchup.model import CondaOrder, Os, Vendor, message
from torchup.package_names import normalise
from torchup.plan.failure import platform_problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchup.model import Build, Machine

CONDA_FORGE = "https://conda.anaconda.org/conda-forge"

# conda's names of platforms (conda/models/enums.py and CEP 26): (system, architecture) -> subdir
_SUBDIRS = {
    (Os.LINUX, "x86_64"): "linux-64",
    (Os.LINUX, "aarch64"): "linux-aarch64",
    (Os.WINDOWS, "x86_64"): "win-64",
    (Os.WINDOWS, "arm64"): "win-arm64",
    (Os.MACOS, "x86_64"): "osx-64",
    (Os.MACOS, "arm64"): "osx-arm64",
}
_ARCHITECTURES = {"amd64": "x86_64", "x64": "x86_64"}

# conda-forge's names where they differ from PyPI's (conda-forge's recipes)
_NAMES = {
    "torch": "pytorch",
    "tables": "pytables",
    "opencv-python": "opencv",
    "opencv-python-headless": "opencv",
    "msgpack": "msgpack-python",
    "build": "python-build",
}

# What proves an x86-64 level (psABI; archspec has the same names) among the features that detection looks for: every
# processor with AVX2, FMA and F16C also has BMI, MOVBE and LZCNT; VNNI came after AVX512 BW, CD, DQ and VL.
_LEVELS = (
    ("x86_64_v4", frozenset({"avx512f", "avx512_vnni"})),
    ("x86_64_v3", frozenset({"avx2", "fma", "f16c"})),
    ("x86_64_v2", frozenset({"sse4_2"})),
)


def order(
    machine: Machine,
    build: Build,
    python: str,
    packages: Sequence[str] = (),
    *,
    channels: Sequence[str] = (CONDA_FORGE,),
    mirrors: Mapping[str, Sequence[str]] | None = None,
    cuda: str | None = None,
) -> CondaOrder:
    """Write the order for one build.

    Args:
        machine: the planned machine; its driver, GPUs and C library become virtual packages.
        build: torch's version, variant (``cu129``, ``cpu``) and companions.
        python: ``3.12``, ``3.14t`` or a full version.
        packages: further requirement strings as pip spells them (``torch`` and companions among them are left out).
        channels: canonical channel URLs, first has priority.
        mirrors: canonical channel URL -> URLs that serve the same bytes. A folder (``file:``) cannot stand in for a
            URL in py-rattler: it takes the channel's place, and the records then name the folder.
        cuda: the newest CUDA that the driver serves, where only the driver's version says it.

    Raises:
        NoBuildError: conda has no packages for this kind of machine.
        UsageError: a requirement that conda cannot express.
    """
    served = {channel: tuple(urls) for channel, urls in (mirrors or {}).items()}
    folders = {channel: url for channel, urls in served.items() for url in urls[:1] if url.startswith("file:")}
    return CondaOrder(
        subdir=subdir(machine),
        channels=tuple(folders.get(channel, channel) for channel in channels),
        specs=(*python_specs(python), *torch_specs(build), *_arm_variant(machine, build), *_others(packages, build)),
        virtual_packages=virtual_packages(machine, cuda),
        mirrors={channel: urls for channel, urls in served.items() if channel not in folders},
    )


def subdir(machine: Machine) -> str:
    """Conda's name of the machine's platform. A Mac under Rosetta is asked for native packages."""
    architecture = _ARCHITECTURES.get(machine.arch.lower(), machine.arch.lower())
    if machine.os is Os.MACOS and machine.translated:
        architecture = "arm64"
    found = _SUBDIRS.get((machine.os, architecture))
    if found is None or is_musl(machine):
        raise _no_packages(machine)
    return found


def _no_packages(machine: Machine) -> NoBuildError:
    """Why there is no subdir. The hint names wheels only if torch has some for this platform."""
    text = message(
        "conda.no-subdir", "torchup knows no conda platform for {os} on {arch}", os=machine.os, arch=machine.arch
    )
    if is_musl(machine):
        text = message(
            "conda.musl", "conda-forge has no packages for musl (Alpine Linux); all its Linux packages need glibc"
        )
    problem = platform_problem(machine)
    wheels = message("conda.no-subdir.hint", "use `--installer uv`: torch has wheels for this platform")
    return NoBuildError(text, hint=wheels if problem is None else problem.hint)


# ---------------------------------------------------------------- virtual packages


def virtual_packages(machine: Machine, cuda: str | None = None) -> tuple[str, ...]:
    """The machine as conda's solver sees it: ``name=version=build`` (conda docs "Managing virtual packages").

    ``__cuda`` is the newest CUDA API that the driver serves, ``__cuda_arch`` the lowest compute capability of all
    NVIDIA GPUs (present only beside ``__cuda``): a package must run on every one of them. ``cuda`` stands in where the
    driver does not say what it serves.
    """
    return (*_system(machine), *_cuda(machine, cuda), _entry("__archspec", "1", microarchitecture(machine)))


def _system(machine: Machine) -> tuple[str, ...]:
    if machine.os is Os.MACOS:
        return (_entry("__unix"), _entry("__osx", _digits(machine.os_version)))
    if machine.os is Os.WINDOWS:
        return (_entry("__win", _digits(machine.os_version)),)
    libc = (_entry("__glibc", machine.glibc),) if machine.glibc else ()
    return (_entry("__unix"), _entry("__linux", _digits(machine.kernel)), *libc)


def _cuda(machine: Machine, by_version: str | None) -> tuple[str, ...]:
    driver = machine.driver(Vendor.NVIDIA)
    served = (driver.cuda_api or by_version) if driver else None
    if served is None:
        return ()
    capabilities = [gpu.capability for gpu in machine.gpus if gpu.vendor is Vendor.NVIDIA]
    known = [capability for capability in capabilities if capability is not None]
    lowest = (_entry("__cuda_arch", str(min(known))),) if known and len(known) == len(capabilities) else ()
    return (_entry("__cuda", served), *lowest)


def microarchitecture(machine: Machine) -> str:
    """Archspec's name for the processor, as far as its features prove it: ``x86_64_v3``, ``aarch64``, ``m1``."""
    name = subdir(machine).rpartition("-")[2]
    if name != "64":
        return "m1" if machine.os is Os.MACOS else "aarch64"
    features = {feature.lower().replace(".", "_") for feature in machine.cpu.features}
    proven = "x86_64"
    for level, needed in reversed(_LEVELS):
        if not needed <= features:
            break
        proven = level
    return proven


def _entry(name: str, version: str = "0", build: str = "0") -> str:
    return f"{name}={version}={build}"


def _digits(text: str | None) -> str:
    """The leading version number of ``6.8.0-45-generic``; "0" where there is none, as conda writes it."""
    match = re.match(r"\d+(?:\.\d+)*", text or "")
    return match[0] if match else "0"


# ---------------------------------------------------------------- match specs


def python_specs(python: str) -> tuple[str, ...]:
    """``3.12`` -> ``python=3.12``; ``3.14t`` asks for the free-threaded ABI. pip is for users of the environment."""
    if python.endswith("t"):
        version = python.removesuffix("t")
        short = "".join(version.split(".")[:2])
        return (f"python={version}=*_cp{short}t", "pip")
    return (f"python={python}", "pip")


def torch_specs(build: Build) -> tuple[str, ...]:
    """Torch and its companions by conda-forge's names; the build string pins the flavour (``cuda129*``, ``cpu*``).

    ``pytorch-gpu`` is conda-forge's own guard against a CPU build; ``cuda-version`` keeps every CUDA library of the
    environment at the same runtime.
    """
    runtime = cuda_runtime(build.variant)
    specs = [f"pytorch={build.torch}={'cuda' + runtime.replace('.', '') if runtime else 'cpu'}*"]
    if runtime:
        specs += [f"pytorch-gpu={build.torch}", f"cuda-version={runtime}"]
    return (*specs, *(f"{name}={version}" for name, version in build.companions.items() if version))


def _arm_variant(machine: Machine, build: Build) -> tuple[str, ...]:
    """Jetson has its own builds of CUDA 12; from 13 on those for ARM servers serve it (conda-forge's arm-variant)."""
    tegra = machine.jetson and (cuda_runtime(build.variant) or "").startswith("12.")
    return ("arm-variant=*=tegra",) if tegra else ()


def cuda_runtime(variant: str) -> str | None:
    """``cu129`` -> ``12.9``; a CPU build (on Apple silicon the one with MPS) has none.

    Raises:
        NoBuildError: a flavour that conda-forge does not build (ROCm, XPU).
    """
    if variant == "cpu":
        return None
    match = re.fullmatch(r"cu(\d{2})(\d)", variant)
    if match is None:
        raise NoBuildError(
            message(
                "conda.no-variant",
                "conda-forge builds torch for CUDA and for the CPU, not for {variant}",
                variant=variant,
            ),
            hint=message("conda.no-variant.hint", "use `--installer uv` for {variant}", variant=variant),
        )
    return f"{match[1]}.{match[2]}"


def conda_name(name: str) -> str:
    """A PyPI package's name on conda-forge."""
    plain = normalise(name)
    return _NAMES.get(plain, plain)


def _others(packages: Sequence[str], build: Build) -> tuple[str, ...]:
    own = {"torch", *(normalise(name) for name in build.companions)}
    requirements = [item for text in packages if normalise((item := _requirement(text)).name) not in own]
    # JupyterHub's proxy is not a Python package: pip's users need npm for it, conda-forge has it.
    proxy = ("configurable-http-proxy",) if any(item.name == "jupyterhub" for item in requirements) else ()
    return (*(match_spec(item) for item in requirements), *proxy)


def _requirement(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise UsageError(
            message("conda.requirement", "`{text}` is not a package requirement", text=text),
            hint=message("conda.requirement.hint", "write a package name, with a version if you need one: `pandas>=2`"),
        ) from error


def match_spec(requirement: Requirement) -> str:
    """A pip requirement as conda's match spec: ``jupyterlab>=4,<5`` -> ``jupyterlab >=4,<5``.

    Raises:
        UsageError: an address, an extra or a marker; conda has none of these.
    """
    if requirement.url or requirement.extras or requirement.marker:
        raise UsageError(
            message(
                "conda.requirement.form",
                "conda cannot install `{text}`: conda supports no URL, extra or marker",
                text=str(requirement),
            ),
            hint=message(
                "conda.requirement.form.hint",
                "use the plain package name, or install the package later with pip in the environment",
            ),
        )
    name = conda_name(requirement.name)
    versions = ",".join(sorted(str(item).replace("===", "==") for item in requirement.specifier))
    return f"{name} {versions}".strip()
