"""What the doctor's rules know of one environment, whether it was probed live or pasted by a stranger.

Unknown is ``None`` or empty, never a guess: a rule that needs a fact which is not there stays silent.
"""

from __future__ import annotations

from functools import cached_property

from torchup.model import Gpu, Manager, Message, Os, Readiness, Shell, Value, Vendor

# Signs that a kernel did not run on the device, whatever `is_available()` says.
KERNEL_FAILED = ("arch.no-kernel", "arch.invalid-function", "hip.no-binary", "hip.fault", "hip.isa", "xpu.crash")


class Sign(Value, frozen=True, kw_only=True):
    """A message of a program that names a cause (a row of ``data/signatures.toml`` that was found).

    ``line`` is the text it was found in, one line, shortened; ``values`` are the named groups of the row's pattern.
    """

    code: str
    cause: str
    line: str
    values: dict[str, str] = {}


class Package(Value, frozen=True, kw_only=True):
    """One installed distribution. ``origin`` is the tool that lists it: pip or conda."""

    name: str  # normalised: lower case, hyphens
    version: str
    origin: str = "pip"
    build: str | None = None
    channel: str | None = None
    location: str | None = None

    @property
    def from_conda(self) -> bool:
        """Whether conda installed it; conda also lists what pip installed, under the channel ``pypi``."""
        return self.origin == "conda" and self.channel not in ("pypi", "<pip>") and "pypi" not in (self.build or "")


class Damaged(Value, frozen=True, kw_only=True):
    """A file of torch, or of what it loads, that is not as it was installed; ``line`` says how it differs."""

    package: str
    line: Message
    conda: str | None = None  # conda's package that it belongs to: "pytorch==2.13.0"


class Torch(Value, frozen=True, kw_only=True):
    """What is known of torch. ``variant`` is ``cpu``, ``cu126``, ``rocm6.3``, ``xpu`` or ``None``: unknown."""

    installed: bool | None = None
    version: str | None = None  # public part: 2.6.0, 2.9.0.dev20250702
    local: str | None = None  # after the plus sign
    variant: str | None = None
    cuda: str | None = None  # runtime it was built for
    hip: str | None = None
    arch_list: tuple[str, ...] = ()
    cuda_available: bool | None = None
    device_count: int | None = None
    kernel_ran: bool | None = None  # an operation on the device gave the right result
    mps_built: bool | None = None
    mps_available: bool | None = None
    xpu_built: bool | None = None
    xpu_available: bool | None = None
    import_error: str | None = None
    locations: tuple[str, ...] = ()


class Nvidia(Value, frozen=True, kw_only=True):
    """Three versions that are never mixed up: the driver, the CUDA API it serves, and a toolkit (not needed)."""

    driver: str | None = None
    cuda_api: str | None = None
    module: str | None = None  # the loaded kernel module, where it was read apart
    library: str | None = None  # the user-space packages, where they were read apart
    toolkit: str | None = None
    problem: str | None = None  # not-loaded, library-version-mismatch, no-permission, unknown-error, no-devices
    smi_worked: bool = False
    tools_found_none: bool = False  # the tools ran and saw neither GPU nor driver


class Python(Value, frozen=True, kw_only=True):
    """The interpreter that torch is, or should be, installed in."""

    version: str | None = None
    bits: int | None = None
    arch: str | None = None
    platform: str | None = None
    free_threaded: bool = False
    conda: bool = False
    path: str | None = None


class System(Value, frozen=True, kw_only=True):
    """The machine around it."""

    os: Os | None = None
    os_version: str | None = None
    distribution: str | None = None
    arch: str | None = None  # of the machine: x86_64, aarch64, arm64
    kernel: str | None = None
    glibc: str | None = None
    wsl: bool = False
    container: bool = False
    container_gpu_flag: bool | None = None  # whether --gpus, --device or a runtime was given
    jetson: str | None = None  # L4T release ("36.4.3"), or "unknown": a Jetson of an unknown release
    jetpack: str | None = None  # as the report names it: "6.2"
    apple_silicon: bool | None = None
    virtual_machine: bool = False
    cpu: str | None = None
    container_kind: str | None = None  # a row of reports/places.toml: docker, docker-desktop, podman, lxc...
    scheduler: str | None = None  # a row of reports/places.toml: slurm, pbs...; "cluster": it is not said which


class Node(Value, frozen=True, kw_only=True):
    """A device node and whether this user may open it."""

    path: str
    accessible: bool  # for a user outside of its group
    mode: str | None = None
    group: str | None = None  # the group that may open it too


class Replaced(Value, frozen=True, kw_only=True):
    """A torch that is not the one that an environment was verified with; who wanted and wrote it, where it is known."""

    before: str
    after: str | None
    installer: str | None = None
    when: str | None = None
    wanted_by: tuple[str, ...] = ()


class Compiled(Value, frozen=True, kw_only=True):
    """What the libraries of an installed package around torch say of the torch and CUDA that they are for."""

    package: str  # normalised
    version: str
    cuda_majors: tuple[int, ...] = ()
    releases: tuple[str, ...] = ()  # minors of torch that have every known symbol that it needs; empty: none is known


class Facts(Value, frozen=True, kw_only=True, dict=True):
    """Everything the rules may ask."""

    live: bool = False
    system: System = System()
    python: Python = Python()
    torch: Torch = Torch()
    nvidia: Nvidia = Nvidia()
    gpus: tuple[Gpu, ...] = ()
    rocm: str | None = None  # ROCm of the system
    packages: tuple[Package, ...] = ()
    environment: dict[str, str] = {}
    nodes: tuple[Node, ...] = ()
    groups: tuple[str, ...] = ()  # of the user
    commands: tuple[str, ...] = ()  # what the user ran
    manager: Manager | None = None  # what made the environment
    restorable: str | None = None  # live only: the name of torchup's environment, which `env repair` recreates
    shell: Shell | None = None
    interpreter: str | None = None  # the Python that failed, as the user calls it: python_embeded\\python.exe
    other_pythons: tuple[Python, ...] = ()  # further interpreters in the same report
    requested: tuple[str, ...] = ()  # requirements that the user asked an installer for: torch==2.0.0+cu113
    index_urls: tuple[str, ...] = ()  # indexes that the user asked for, without credentials
    signs: tuple[Sign, ...] = ()
    damage: tuple[Damaged, ...] = ()  # live only: files were compared with their records
    modules: tuple[str, ...] = ()  # third-party packages named in tracebacks
    libraries: dict[str, str] = {}  # library -> path that the loader picked
    replaced: Replaced | None = None  # live only
    compiled: tuple[Compiled, ...] = ()  # live only
    readiness: tuple[Readiness, ...] = ()  # live only: what torch.compile needs
    companion_errors: dict[str, str] = {}  # torchvision -> why its import failed
    extension_problem: str | None = None  # file name of torch's extension module, built for another Python
    text: str = ""  # the cleaned report; evidence is quoted from it, rules do not search it
    unread: dict[str, str] = {}  # reader of reports that failed on it -> its error

    def sign(self, *codes: str) -> Sign | None:
        """The first sign with one of these codes."""
        return next((sign for sign in self.signs if sign.code in codes), None)

    def signs_of(self, cause: str) -> tuple[Sign, ...]:
        """All signs that name a cause."""
        return tuple(sign for sign in self.signs if sign.cause == cause)

    def of(self, vendor: Vendor) -> tuple[Gpu, ...]:
        """The GPUs of one vendor."""
        return tuple(gpu for gpu in self.gpus if gpu.vendor == vendor)

    def versions(self, name: str, *, origin: str | None = None) -> tuple[str, ...]:
        """The distinct versions that are listed of a package."""
        found = [p.version for p in self.packages if p.name == name and origin in (None, p.origin)]
        return tuple(dict.fromkeys(found))

    @cached_property
    def works(self) -> bool:
        """Whether torch was seen to use a GPU: a kernel ran, or `is_available()` said so and no kernel failed."""
        available = bool(self.torch.cuda_available or self.torch.xpu_available)
        return bool(self.torch.kernel_ran) or (available and self.sign(*KERNEL_FAILED) is None)

    @property
    def on_mac(self) -> bool:
        """Whether this is macOS."""
        return self.system.os is Os.MACOS
