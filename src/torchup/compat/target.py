"""What the planner looks at in a machine, worked out once: platform, floors, driver, GPUs that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.model import ComputeCapability, Driver, Gpu, Machine, Os, Value, Vendor

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog

_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64", "s390x": "s390x"}
_BITS_32 = {"i386", "i486", "i586", "i686", "x86", "armv6l", "armv7l", "armhf", "arm"}


class Target(Value, frozen=True, kw_only=True):
    """A machine as the predicates see it."""

    machine: Machine
    platform: str | None  # key of the catalogue, or None: nothing is published for it
    windows_driver: bool  # compare drivers with the Windows column (Windows, WSL)
    nvidia: Driver | None
    cuda: str | None  # newest CUDA that the driver serves
    forward_compat: bool  # a newer libcuda lies over an older kernel driver, on a GPU that allows it
    capabilities: tuple[ComputeCapability | None, ...]  # of each GPU

    @property
    def gpus(self) -> range:
        """Indexes of the GPUs."""
        return range(len(self.capabilities))


def platform_of(machine: Machine) -> str | None:
    """The catalogue's name of a platform, ``None`` where no wheel can exist (32-bit, other processors)."""
    return platform_named(machine.os, machine.arch, translated=machine.translated)


def platform_named(system: Os, arch: str, *, translated: bool = False) -> str | None:
    """`platform_of` for an operating system and a processor; ``translated``: an x86_64 Python on Apple silicon."""
    arch = arch.lower()
    if system == Os.MACOS:
        native = arch in {"arm64", "aarch64"} or translated
        return "macos_arm64" if native else "macos_x86_64"
    name = _MACHINES.get(arch)
    if name is None:
        return None
    if system == Os.WINDOWS:
        return "windows_arm64" if name == "aarch64" else f"windows_{name}"
    return f"linux_{name}"


def is_32_bit(machine: Machine) -> bool:
    """Whether the processor (not just one Python) is a 32-bit one."""
    return machine.arch.lower() in _BITS_32


def is_musl(machine: Machine) -> bool:
    """Whether the C library is musl, which has no torch wheels."""
    return machine.os == Os.LINUX and (machine.libc == "musl" or (machine.distribution or "").lower() == "alpine")


def make_target(machine: Machine, catalog: Catalog) -> Target:
    """Work out the target of one machine."""
    windows_driver = machine.os == Os.WINDOWS or machine.wsl
    nvidia = machine.driver(Vendor.NVIDIA)
    by_version = served_by(nvidia.version, windows_driver, catalog) if nvidia and nvidia.version else None
    reported = nvidia.cuda_api if nvidia else None
    newer = bool(reported and by_version and version_key(reported)[:1] > version_key(by_version)[:1])
    allowed = newer and forward_compat_possible(machine, catalog)
    trusted = reported if reported and (allowed or not newer) else None
    return Target(
        machine=machine,
        platform=platform_of(machine),
        windows_driver=windows_driver,
        nvidia=nvidia,
        cuda=trusted or by_version,
        forward_compat=allowed,
        capabilities=tuple(gpu.capability for gpu in machine.gpus),
    )


def served_by(driver: str, windows: bool, catalog: Catalog) -> str | None:  # noqa: FBT001  # named at the calls
    """The newest CUDA that a driver serves: the newest toolkit whose own driver is not newer (NVIDIA's table 3).

    Where no driver shipped for this system (Windows from CUDA 13 on), the toolkit's branch decides.
    """
    key = version_key(driver)
    for toolkit in catalog.toolkits:
        shipped = toolkit.windows if windows else toolkit.linux
        branch_only = not shipped or len(key) == 1
        floor = (toolkit.branch,) if branch_only else version_key(shipped or "")
        if floor[0] and key >= floor:
            return ".".join(map(str, (*version_key(toolkit.version), 0)[:2]))
    return None


def forward_compat_possible(machine: Machine, catalog: Catalog) -> bool:
    """Whether NVIDIA supports a newer libcuda over an older driver here: Linux, and data-centre or Jetson GPUs only."""
    if machine.os != Os.LINUX or machine.wsl:
        return False
    names = [gpu.name or "" for gpu in machine.gpus if gpu.vendor == Vendor.NVIDIA]
    return bool(names) and all(_is_data_centre(name, catalog) for name in names)


def _is_data_centre(name: str, catalog: Catalog) -> bool:
    words = name.replace("-", " ").split()
    consumer = {"GeForce", "RTX", "GTX", "TITAN", "Quadro"} & set(words)
    return not consumer and any(word in catalog.forward_compat for word in words)


def variant_name(variant: str, machine: Machine) -> str:
    """A variant for people: the one macOS build of Apple silicon is listed as ``cpu`` and contains MPS."""
    return "mps" if variant == "cpu" and platform_of(machine) == "macos_arm64" else variant


def gpu_name(gpu: Gpu) -> str:
    """A GPU's name for people, with its capability or target."""
    name = gpu.name or f"{gpu.vendor.value.upper() if gpu.vendor != Vendor.APPLE else 'Apple'} GPU"
    detail = gpu.compute_capability or gpu.gfx
    return f"{name} ({detail})" if detail else name
