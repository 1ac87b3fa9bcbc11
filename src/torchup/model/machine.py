"""The machine: processor, GPUs, drivers, Pythons."""

from __future__ import annotations

import re

from torchup.model.sets import Os, Vendor
from torchup.model.text import Value


class ComputeCapability(Value, frozen=True, kw_only=True, order=True):
    """What an NVIDIA GPU can execute, 8.9 = ``sm_89``."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> ComputeCapability | None:
        """Read ``8.9``, ``sm_89``, ``sm_90a`` or ``compute_120``; anything else is ``None``."""
        match = re.fullmatch(r"(?:sm_|compute_)?(\d{1,2})\.?(\d)([af]?)", text.strip())
        return cls(major=int(match[1]), minor=int(match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def sm(self) -> str:
        """The name NVIDIA's compiler uses: ``sm_89``."""
        return f"sm_{self.major}{self.minor}"


class Cpu(Value, frozen=True, kw_only=True):
    """The processor; ``cores`` are physical, ``threads`` logical and usable by this process."""

    model: str | None = None
    cores: int | None = None
    threads: int | None = None
    features: tuple[str, ...] = ()


class Gpu(Value, frozen=True, kw_only=True):
    """One GPU. ``gfx`` is AMD's target (``gfx1100``), ``compute_capability`` NVIDIA's (``8.6``)."""

    vendor: Vendor
    name: str | None = None
    compute_capability: str | None = None
    gfx: str | None = None
    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    pci_id: str | None = None  # vendor:device, lower-case hex: "10de:2482"
    integrated: bool | None = None
    architecture: str | None = None  # "Ada Lovelace", "RDNA 3", "Battlemage"
    xpu: bool | None = None  # Intel: whether torch's XPU build runs on it; False: an old integrated GPU
    cores: int | None = None  # Apple GPU cores
    mig_mode: str | None = None  # enabled | disabled
    mig_instances: int | None = None
    compute_mode: str | None = None  # default | exclusive-process | prohibited
    virtual: str | None = None  # vGPU profile, "passthrough"...

    @property
    def capability(self) -> ComputeCapability | None:
        """``compute_capability`` parsed, or ``None``."""
        return ComputeCapability.parse(self.compute_capability) if self.compute_capability else None


class Driver(Value, frozen=True, kw_only=True):
    """A GPU driver: ``version`` is the kernel driver (on WSL: Windows'), ``cuda_api`` the newest CUDA it serves."""

    vendor: Vendor
    version: str | None = None
    cuda_api: str | None = None
    flavor: str | None = None  # proprietary | open | nouveau | amdgpu | i915 | xe
    loaded: bool | None = None
    problem: str | None = (
        None  # code: not-loaded, library-version-mismatch, no-permission, gpu-lost, no-devices, timeout...
    )
    detail: str | None = None  # the tool's own words


class PythonInterpreter(Value, frozen=True, kw_only=True):
    """One Python on the machine."""

    path: str
    version: str
    bits: int | None = None
    arch: str | None = None
    free_threaded: bool = False
    kind: str = "system"  # system | venv | conda | pyenv | uv
    implementation: str = "CPython"


class Tool(Value, frozen=True, kw_only=True):
    """An installed program that matters (conda, mamba, uv, pip, nvcc...)."""

    name: str
    version: str | None = None
    path: str | None = None


class DeviceNode(Value, frozen=True, kw_only=True):
    """A node below /dev and what this user may do with it."""

    path: str
    readable: bool
    writable: bool


class Problem(Value, frozen=True, kw_only=True):
    """A probe that failed; it is a fact, not a crash."""

    probe: str
    code: str  # timeout | missing | failed | unreadable
    detail: str | None = None


class Machine(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One machine as torchup sees it; also what ``--machine FILE`` reads. Only ``os`` and ``arch`` are required."""

    os: Os
    arch: str  # x86_64 | aarch64 | arm64 | i686 ...
    os_version: str | None = None
    distribution: str | None = None  # "ubuntu", "debian", ... (os-release ID)
    kernel: str | None = None
    libc: str | None = None  # glibc | musl
    glibc: str | None = None
    wsl: bool = False
    wsl_version: int | None = None
    container: str | None = None  # docker | podman | kubernetes | apptainer | lxc
    container_gpu: bool | None = None
    virtual_machine: str | None = None
    translated: bool = False  # x86_64 Python under Rosetta
    secure_boot: bool | None = None
    jetson: str | None = None  # L4T release, "36.4.0"
    python: str | None = None  # the Python that torchup runs on
    pythons: tuple[PythonInterpreter, ...] = ()
    cpu: Cpu = Cpu()
    memory_bytes: int | None = None
    memory_available_bytes: int | None = None  # free or freeable now
    memory_limit_bytes: int | None = None  # cgroup limit, where lower
    disk_free_bytes: int | None = None  # where environments live
    gpus: tuple[Gpu, ...] = ()
    drivers: tuple[Driver, ...] = ()
    rocm_version: str | None = None
    level_zero: bool | None = None
    device_nodes: tuple[DeviceNode, ...] = ()
    environment: dict[str, str] = {}  # only the variables that matter to GPUs and torch
    tools: tuple[Tool, ...] = ()
    problems: tuple[Problem, ...] = ()
    sources: dict[str, str] = {}  # "gpus.0.compute_capability" -> "nvml"

    def driver(self, vendor: Vendor) -> Driver | None:
        """The driver of one vendor, or ``None``."""
        return next((driver for driver in self.drivers if driver.vendor == vendor), None)
