"""The values that flow through torchup: frozen, keyword-only, typed. No I/O; imports nothing of the package.

Unknown is ``None``, never 0 or "". Sizes are bytes, times are seconds. Texts for people are
`Message` values (a stable code, an English template, the values to fill in); JSON always carries the English.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Generic, Self, TypeVar

import msgspec

T = TypeVar("T")


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every value type: immutable, compared by content."""


class Fact(Value, Generic[T], frozen=True, kw_only=True):
    """A value read from the machine and the place it was read from (`nvml`, `/proc/driver/nvidia/version`)."""

    value: T
    source: str


# ---------------------------------------------------------------- texts


class Message:
    """A text for people, not yet in a language: stable code, English template, values.

    A plain class on purpose: msgspec hands it to the hooks of `torchup.encoding`, which write the English text.
    """

    __slots__ = ("code", "template", "values")

    code: str
    template: str
    values: tuple[tuple[str, object], ...]

    def __init__(self, code: str, template: str, values: tuple[tuple[str, object], ...] = ()) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "values", values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Message is immutable: {name}={value!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return (self.code, self.template, self.values) == (other.code, other.template, other.values)

    def __hash__(self) -> int:
        return hash((self.code, self.template, self.values))

    def __repr__(self) -> str:
        return f"Message({self.code!r}, {str(self)!r})"

    def __str__(self) -> str:
        return self.template.format(**{name: str(value) for name, value in self.values})

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, tuple[tuple[str, object], ...]]]:
        return type(self), (self.code, self.template, self.values)


def message(code: str, template: str, /, **values: object) -> Message:
    """Make a `Message`; call it with two literals, so that babel extracts code (context) and English text.

    A value may itself be a `Message` (it is translated too) or anything with a useful ``str``.
    """
    return Message(code, template, tuple(values.items()))


def verbatim(text: str) -> Message:
    """Wrap text that is not translated: tool output, file content, a name."""
    return Message("", "{text}", (("text", text),))


class Notice(Value, frozen=True, kw_only=True):
    """One entry of the envelope's ``messages`` or a plan's ``advice``."""

    code: str
    level: str = "info"  # info | warning | error
    text: Message


# ---------------------------------------------------------------- closed sets


class Os(StrEnum):
    """Operating system, as the Machine document spells it."""

    LINUX = "linux"
    WINDOWS = "windows"
    MACOS = "macos"


class Vendor(StrEnum):
    """GPU vendor."""

    NVIDIA = "nvidia"
    AMD = "amd"
    INTEL = "intel"
    APPLE = "apple"


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Reason(StrEnum):
    """Why a build was not chosen."""

    DRIVER = "driver"
    ARCH = "arch"
    PYTHON = "python"
    GLIBC = "glibc"
    OS = "os"
    PLATFORM = "platform"
    MISSING_PAIR = "missing-pair"
    COMPANION = "companion"
    UNREACHABLE = "unreachable"
    OLDER = "older"
    CPU_ONLY = "cpu-only"


class InstallerName(StrEnum):
    """What installs packages into an environment."""

    UV = "uv"
    PIP = "pip"
    CONDA = "conda"


# ---------------------------------------------------------------- the machine

_CAPABILITY = re.compile(r"(?:sm_|compute_)?(\d{1,2})\.?(\d)([af]?)")


class ComputeCapability(Value, frozen=True, kw_only=True, order=True):
    """What an NVIDIA GPU can execute, 8.9 = ``sm_89``."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> ComputeCapability | None:
        """Read ``8.9``, ``sm_89``, ``sm_90a`` or ``compute_120``; anything else is ``None``."""
        match = _CAPABILITY.fullmatch(text.strip())
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


# ---------------------------------------------------------------- plan


class Request(Value, frozen=True, kw_only=True):
    """What the user asked for; everything optional."""

    torch: str | None = None  # "2.14", "2.14.1", ">=2.12"
    variant: str | None = None  # "cu126"
    python: str | None = None  # "3.12", "3.14t"
    packages: tuple[str, ...] = ()  # further packages, or a profile's
    profile: str = "core"
    require: tuple[str, ...] = ()  # companions that must be there
    cpu: bool = False
    channel: str = "stable"  # stable | nightly | test
    mirror: str | None = None
    installer: InstallerName | None = None
    offline: bool = False


class Build(Value, frozen=True, kw_only=True):
    """The chosen build and where it comes from."""

    torch: str  # "2.13.0"
    variant: str  # "cu126", "cpu", "rocm6.4", "xpu"
    index_url: str | None = None
    source: str | None = None  # pytorch-index, mirror:nju, find-links, pypi, conda-forge...
    companions: dict[str, str | None] = {}  # torchvision, torchaudio -> version, or None: not to be had
    size_bytes: int | None = None

    @property
    def label(self) -> str:
        """``2.13.0+cu126``, as the wheel's local version says it."""
        return f"{self.torch}+{self.variant}"


class Rejection(Value, frozen=True, kw_only=True):
    """A build that was not chosen, and why."""

    torch: str
    variant: str
    reason: Reason
    detail: Message


class Source(Value, frozen=True, kw_only=True):
    """A place that packages come from, as pip and uv understand it."""

    name: str  # unique: pytorch-index:cu126, mirror:nju:cu126, index-url, extra-index-url, find-links, pypi, wheelhouse
    url: str  # index URL or folder, without credentials
    kind: str = "index"  # index (PEP 503/691) | find-links | conda (a channel)
    origin: str | None = None  # file or variable that names it: "/etc/pip.conf", "PIP_FIND_LINKS"
    variant: str | None = None  # the one variant that its address is for: pytorch-index:cu126
    general: bool = False  # serves any package, not torch and its companions only
    reachable: bool | None = None  # None: not asked
    detail: Message | None = None  # why it was skipped


class Offer(Value, frozen=True, kw_only=True):
    """One wheel that a source really has (read from an index page or a folder)."""

    package: str  # normalised: "torch"
    version: str  # public part: "2.13.0"
    variant: str | None = None  # local part: "cpu", "cu126"; None: the file name has none (PyPI)
    python_tag: str  # "cp311"
    abi_tag: str  # "cp311", "cp313t", "abi3", "none"
    platform_tags: tuple[str, ...]  # ("manylinux_2_28_x86_64",)
    filename: str
    url: str
    sha256: str | None = None
    size_bytes: int | None = None
    yanked: bool = False
    requires_python: str | None = None
    source: str  # name of its Source


class Survey(Value, frozen=True, kw_only=True):
    """What the sources of this machine answered. Pure input of the planner; empty when nothing was asked."""

    sources: tuple[Source, ...] = ()  # in the order they are tried; unreachable ones say why
    offers: tuple[Offer, ...] = ()
    constraints: tuple[str, ...] = ()  # requirement lines of the user's constraint files
    constraint_files: tuple[str, ...] = ()  # where they are
    certificate: str | None = None
    conda_mirrors: dict[str, tuple[str, ...]] = {}  # canonical channel URL -> where its bytes come from instead
    notices: tuple[Notice, ...] = ()


class Step(Value, frozen=True, kw_only=True):
    """One command of an installation; pure data, run only by `install.engine`."""

    argv: tuple[str, ...]
    summary: Message
    environment: dict[str, str | None] = {}  # None removes the variable from the child
    timeout: float = 3600.0
    required: bool = True  # False: its failure is told and the installation goes on
    files: dict[str, str] = {}  # path -> text, written before the command runs


class CondaOrder(Value, frozen=True, kw_only=True):
    """What conda's solver is asked for; only in a plan whose installer is conda."""

    subdir: str  # linux-64, osx-arm64, win-64...
    channels: tuple[str, ...]  # canonical URLs, first has priority; mirrors never show here
    specs: tuple[str, ...]  # match specs
    virtual_packages: tuple[str, ...] = ()  # "__cuda=12.4=0": what the planned machine offers
    mirrors: dict[str, tuple[str, ...]] = {}  # canonical channel URL -> where its bytes are fetched instead


class Plan(Value, frozen=True, kw_only=True):
    """Which build goes on this machine, from where, by which steps, and why not the others."""

    build: Build
    python: str
    python_path: str | None = None  # an interpreter found on the machine; None: the installer fetches one
    installer: InstallerName = InstallerName.UV
    packages: tuple[str, ...] = ()  # exact requirement strings, torch first
    constraints: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    steps: tuple[Step, ...] = ()
    uses_gpu: bool = False
    covered_gpus: tuple[int, ...] = ()
    uncovered_gpus: tuple[int, ...] = ()
    why: tuple[Message, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    advice: tuple[Notice, ...] = ()
    missing_companions: tuple[str, ...] = ()
    conda: CondaOrder | None = None


# ---------------------------------------------------------------- environments and verification


class TorchInfo(Value, frozen=True, kw_only=True):
    """What torch says of itself inside an environment."""

    version: str | None = None
    variant: str | None = None
    cuda: str | None = None  # torch.version.cuda, the bundled runtime
    hip: str | None = None
    arch_list: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()  # "cuda:0", "mps", "cpu"
    device_names: tuple[str, ...] = ()


class Environment(Value, frozen=True, kw_only=True):
    """An environment on disk that torchup made or adopted."""

    name: str
    path: str
    python: str | None = None  # its interpreter's version
    torch: str | None = None
    variant: str | None = None
    installer: InstallerName | None = None
    source: str | None = None
    adopted: bool = False
    created_at: str | None = None  # ISO 8601, UTC
    verified_at: str | None = None
    packages: dict[str, str] = {}
    requested: tuple[str, ...] = ()


class Change(Value, frozen=True, kw_only=True):
    """One package that an installation added (``before`` is ``None``), removed (``after``) or changed."""

    name: str
    before: str | None = None
    after: str | None = None


class Rung(Value, frozen=True, kw_only=True):
    """One step of the verification ladder."""

    name: str  # import, version, devices, arch, matmul, conv, optimiser, jit, compile, dataloader, companions, kernel
    status: str  # pass | fail | warn | skip
    seconds: float | None = None
    device: str | None = None
    proves: str | None = None
    detail: str | None = None


class Verification(Value, frozen=True, kw_only=True):
    """The ladder's result for one environment."""

    passed: bool
    torch: TorchInfo = TorchInfo()
    rungs: tuple[Rung, ...] = ()


# ---------------------------------------------------------------- doctor


class Remedy(Value, frozen=True, kw_only=True):
    """What to do: a text and the exact commands."""

    text: Message
    commands: tuple[tuple[str, ...], ...] = ()
    needs_root: bool = False
    needs_reboot: bool = False


class Finding(Value, frozen=True, kw_only=True):
    """What a rule found. ``rule`` is a slug of the causes table (docs/reference/causes.md)."""

    rule: str
    severity: Severity
    summary: Message
    evidence: tuple[Message, ...] = ()
    remedy: Remedy | None = None


class RuleOutcome(Value, frozen=True, kw_only=True):
    """What became of one rule: pass, finding, skip or crash."""

    rule: str
    status: str
    seconds: float
    detail: str | None = None


class Diagnosis(Value, frozen=True, kw_only=True):
    """The doctor's answer: at most one primary cause, and what follows from it."""

    primary: str | None
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[RuleOutcome, ...] = ()


# ---------------------------------------------------------------- measurements


class Breakdown(Value, frozen=True, kw_only=True):
    """Where a run's time went, in seconds; a part that could not be told apart is ``None``."""

    input: float | None = None
    transfer: float | None = None
    launch: float | None = None
    compute: float | None = None
    other: float | None = None


class Limit(Value, frozen=True, kw_only=True):
    """The device's limit for a run's work. Work is that of the whole measured time; unknown peaks stay ``None``."""

    flops: float | None = None  # model FLOPs done (2 x MAC, no recompute)
    bytes: float | None = None  # bytes that have to move at least
    peak_flops: float | None = None  # a second, dense, for the result's precision
    peak_bandwidth: float | None = None  # bytes a second
    launch_seconds: float | None = None  # what the dependent kernel launches alone take
    seconds: float | None = None  # no run can be faster: the largest of the bounds
    bound: str | None = None  # flops | bytes | launch
    share: float | None = None  # seconds / measured seconds; above 1 is a measuring error
    source: str | None = None  # the row of peaks.toml, or how the peak was measured


class Spread(Value, frozen=True, kw_only=True):
    """Samples of one quantity over a run."""

    minimum: float
    median: float
    maximum: float
    first: float
    last: float


class Telemetry(Value, frozen=True, kw_only=True):
    """What the machine did during a run. What could not be read is ``None`` and ``unavailable`` says why."""

    interval: float  # seconds between samples
    samples: int
    seconds: float  # watched
    gpu_clock_mhz: Spread | None = None
    memory_clock_mhz: Spread | None = None
    power_watts: Spread | None = None
    power_limit_watts: float | None = None
    energy_joules: float | None = None  # of the GPU, over the watched time
    temperature_celsius: Spread | None = None
    memory_used_bytes: Spread | None = None
    utilisation: Spread | None = None  # share of time a kernel ran, 0 to 1
    throttle: tuple[str, ...] = ()  # reasons seen: power, thermal, hardware-slowdown...
    other_processes: int | None = None  # on the GPU besides the measured one
    cpu_clock_mhz: Spread | None = None
    cpu_temperature_celsius: Spread | None = None
    cpu_energy_joules: float | None = None
    load_average: float | None = None  # of the minute before the run
    governor: str | None = None
    on_battery: bool | None = None
    sources: dict[str, str] = {}  # field -> nvml, /sys/class/...
    unavailable: dict[str, str] = {}  # field -> why it is None


class Result(Value, frozen=True, kw_only=True):
    """One measured run of one recipe of a workload on one device."""

    workload: str
    recipe: str
    device: str
    device_name: str | None = None
    precision: str = "fp32-default"
    torch: str | None = None
    seconds: float
    samples_per_second: float | None = None
    quality: dict[str, float] = {}
    repeats: tuple[float, ...] = ()
    median: float | None = None
    ci95: tuple[float, float] | None = None
    stable: bool | None = None
    breakdown: Breakdown | None = None
    machine: dict[str, Any] = {}  # what defines the machine: no user, host or path
    environment: dict[str, Any] = {}
    baseline_ratio: float | None = None
    parameters: dict[str, Any] = {}  # epochs asked, epochs measured, batch, threads, torchvision...
    notes: tuple[str, ...] = ()
    # What the numbers mean
    kind: str = "same-math"  # replica | same-math | speedrun (other training, accuracy-gated) | micro
    measured: bool = True  # False: a published number, not measured by torchup
    outliers: tuple[int, ...] = ()  # positions in ``repeats`` that are flagged; they stay in every statistic
    compile_seconds: float | None = None  # one-off, outside ``seconds``
    first_seconds: float | None = None  # the first timed unit (epoch), warm-up effects included
    peak_memory_bytes: int | None = None  # on the device; of the process on cpu
    first_minute_rate: float | None = None  # samples a second in the first minute...
    sustained_rate: float | None = None  # ...and after it; both None on short runs
    limit: Limit | None = None
    telemetry: Telemetry | None = None
    code_hash: str | None = None  # sha256 of the worker's files that measured it
    world_size: int = 1  # processes that measured together
    nodes: int = 1
    curves: dict[str, tuple[tuple[float, float], ...]] = {}  # name -> (x, y): size sweep, all-reduce, loss per epoch
