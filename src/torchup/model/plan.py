"""What is asked for, what sources offer, what is chosen and why."""

from __future__ import annotations

from torchup.model.secret import Secret
from torchup.model.sets import InstallerName, Reason
from torchup.model.text import Message, Notice, Value


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
    mirror: Secret | None = None  # a name, or an address, which may hold a login or a token
    installer: InstallerName | None = None
    offline: bool = False
    purpose: str | None = None  # what torch is wanted for: "vllm", "comfyui"
    build: bool = False  # compile what has no wheel
    trust: tuple[str, ...] = ()  # publishers besides the projects themselves
    language: str = "en"  # what packages that have a translation bring with them


class Build(Value, frozen=True, kw_only=True):
    """The chosen build and where it comes from."""

    torch: str  # "2.13.0"
    variant: str  # "cu126", "cpu", "rocm6.4", "xpu"
    index_url: str | None = None
    source: str | None = None  # pytorch-index, mirror:nju, find-links, pypi, conda-forge...
    companions: dict[str, str | None] = {}  # torchvision, torchaudio -> version, or None: not available
    size_bytes: int | None = None
    size_estimated: bool = False  # the size was neither measured nor listed

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
    kind: str = "index"  # index (PEP 503/691) | find-links | conda (a channel) | file (one wheel, by its address)
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
    uploaded: str | None = None  # ISO 8601, where the page says it (PEP 700)
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
    checked: dict[str, bool] = {}  # address of a wheel that no index listed -> whether it answered
    notices: tuple[Notice, ...] = ()


class Step(Value, frozen=True, kw_only=True):
    """One command of an installation; pure data, run only by `install.engine`."""

    argv: tuple[str, ...]
    summary: Message
    environment: dict[str, str | None] = {}  # None removes the variable from the child
    timeout: float = 3600.0
    required: bool = True  # False: its failure is reported and the installation continues
    files: dict[str, str] = {}  # path -> text, written before the command runs


class CondaOrder(Value, frozen=True, kw_only=True):
    """What conda's solver is asked for; only in a plan whose installer is conda."""

    subdir: str  # linux-64, osx-arm64, win-64...
    channels: tuple[str, ...]  # canonical URLs, first has priority; mirrors never show here
    specs: tuple[str, ...]  # match specs
    virtual_packages: tuple[str, ...] = ()  # "__cuda=12.4=0": what the planned machine offers
    mirrors: dict[str, tuple[str, ...]] = {}  # canonical channel URL -> where its bytes are fetched instead


class PackageWheel(Value, frozen=True, kw_only=True):
    """A package that is bound to this torch, installed after it and without touching it."""

    package: str
    version: str | None = None
    requirement: str
    url: str | None = None  # None: the requirement is had from ``index``, ``find_links`` or PyPI
    index: str | None = None
    find_links: str | None = None
    publisher: str | None = None  # None: the project itself
    evidence: str = ""
    status: str = ""
    requires: tuple[str, ...] = ()  # what its metadata does not say
    alone: bool = True  # without its dependencies first; False: it decides about a whole environment
    environment: dict[str, str] = {}
    sha256: str | None = None
    compiled: bool = False  # from its source, beside the torch that is installed
    build_requires: tuple[str, ...] = ()  # what its source needs to be compiled without isolation

    @property
    def by_version(self) -> str:
        """The package by name and version: where it came from does not matter."""
        if "==" in self.requirement and "@" not in self.requirement:
            return self.requirement
        return f"{self.package}=={self.version}" if self.version else self.package


class Plan(Value, frozen=True, kw_only=True):
    """Which build goes on this machine, from where, by which steps, and why not the others."""

    build: Build
    python: str
    python_path: str | None = None  # an interpreter found on the machine; None: the installer fetches one
    installer: InstallerName = InstallerName.UV
    packages: tuple[str, ...] = ()  # exact requirement strings, torch first
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()  # requirements in place of those that packages name; uv alone knows such
    hashes: dict[str, str] = {}  # wheel -> SHA-256; where there are any, these files are installed and no others
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
    wheels: tuple[PackageWheel, ...] = ()  # after torch, each by itself

    @property
    def requirements(self) -> tuple[str, ...]:
        """Everything that is installed as a file, as requirements for other tools."""
        return (*self.packages, *(wheel.requirement for wheel in self.wheels if not wheel.compiled))

    @property
    def compiled(self) -> tuple[PackageWheel, ...]:
        """What is compiled once torch is there."""
        return tuple(wheel for wheel in self.wheels if wheel.compiled)
