"""What the catalogue holds, as values. `Row` is one published build: (torch, variant, platform, Python range)."""

from __future__ import annotations

from functools import cache, cached_property

import msgspec

from torchup.catalog.versions import variant_key, version_key
from torchup.model import ComputeCapability, Value

LISTED, LIKELY, UNSURE = "listed", "likely", "unsure"


class Arch(Value, frozen=True, kw_only=True, dict=True):
    """What is compiled into a GPU build: native code, PTX, AMD targets; ``basis`` says how it is known."""

    sass: tuple[ComputeCapability, ...] = ()
    ptx: tuple[ComputeCapability, ...] = ()
    gfx: tuple[str, ...] = ()
    basis: str = "script"  # script | measured | inferred
    source: str = ""
    note: str | None = None

    @cached_property
    def text(self) -> str:
        """For people: ``5.0 6.0 7.0`` or ``gfx1030 gfx1100``."""
        ptx = tuple(f"{code}+PTX" for code in self.ptx)
        return " ".join((*map(str, self.sass), *ptx, *self.gfx))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """As ``torch.cuda.get_arch_list()`` prints them: ``sm_80``, ``compute_120``, ``gfx1100``."""
        ptx = tuple(code.sm.replace("sm_", "compute_") for code in self.ptx)
        return (*(code.sm for code in self.sass), *ptx, *self.gfx)


class DriverFloor(Value, frozen=True, kw_only=True):
    """The oldest NVIDIA driver for a runtime.

    ``linux``, ``windows``: by minor-version compatibility (from CUDA 11 on); the ``_exact`` ones: the driver that
    shipped with the runtime's toolkit, which PTX and newest features need; ``None`` where NVIDIA bundles none.
    """

    cuda: str  # the runtime, "12.6"
    linux: str
    windows: str
    linux_exact: str | None = None
    windows_exact: str | None = None
    whole_major: bool = True  # minor-version compatibility: the floor is that of every runtime of this CUDA major

    def floor(self, *, windows: bool) -> str:
        """The floor on one side; WSL counts as Windows, whose driver it uses."""
        return self.windows if windows else self.linux


class Companion(Value, frozen=True, kw_only=True):
    """A package that belongs to a torch release; ``pythons`` limits it where torch itself goes further.

    ``plain``: its file name has no local part though torch's may have one (ARM servers until 2.9).
    ``since``: the oldest torch that it runs on, where it uses the stable ABI and so fits every later one too.
    ``open``: asked for as a range from ``version`` on; one wheel on PyPI serves every build, and a newer one may too.
    """

    version: str
    pythons: tuple[str, ...] | None = None
    plain: bool = False
    since: str | None = None
    open: bool = False

    @property
    def operator(self) -> str:
        """What stands between name and version in a requirement."""
        return ">=" if self.open else "=="


class Publication(Value, frozen=True, kw_only=True):
    """One place where a build is published; ``local`` when its file name carries ``+variant``."""

    name: str  # pytorch-index | pypi | conda-forge | amd | jetson-ai-lab | learned
    url: str
    local: bool = False


class RocmSdk(Value, frozen=True, kw_only=True):
    """ROCm as Python packages, and how to make torch require those of one device instead of all."""

    since: str  # the first ROCm that comes so
    requirement: str  # in place of torch's own; {devices}, {rocm}
    extra: str  # of one device; {gfx}
    size_bytes: int  # of a build with one device


class Row(Value, frozen=True, kw_only=True):
    """One published build on one platform.

    ``arch`` is ``None`` for builds without GPU code and for rows that are known only from an index page
    (``arch_known`` tells the two apart). ``glibc``, ``macos``: floors to install;
    ``mps``: macOS that the Apple GPU needs.
    """

    torch: str
    variant: str
    platform: str  # linux_x86_64, windows_x86_64, macos_arm64...
    pythons: tuple[str, ...]  # ascending: "3.10", "3.13", "3.13t"
    arch: Arch | None = None
    arch_known: bool = True
    driver: DriverFloor | None = None
    glibc: str | None = None
    macos: str | None = None
    macos_for: dict[str, str] = {}  # Python -> a higher floor than `macos`
    mps: str | None = None
    size_bytes: int | None = None
    size_estimated: bool = False  # neither measured nor listed
    companions: dict[str, Companion] = {}
    needs: tuple[str, ...] = ()  # "numpy<2"
    extra: str | None = None  # "device-{gfx}": an extra that the requirement must name
    file: str | None = None  # address of its one wheel, where no index has it
    system: str = ""  # packages of the operating system that it loads and does not bring
    jetson: str | None = None  # L4T that the build is for: "36" all of its major, "35.2" from there on
    publications: tuple[Publication, ...] = ()
    certainty: str = LISTED  # listed | likely | unsure
    released: str | None = None
    source: str = ""

    @property
    def label(self) -> str:
        """``2.14.1+cu126``."""
        return f"{self.torch}+{self.variant}"

    @property
    def kind(self) -> str:
        """``cpu``, ``cuda``, ``rocm`` or ``xpu``."""
        return kind_of(self.variant)

    @property
    def python_range(self) -> str:
        """``3.10-3.14``, free-threaded ones left out."""
        plain = [python for python in self.pythons if not python.endswith("t")] or list(self.pythons)
        return plain[0] if len(plain) == 1 else f"{plain[0]}-{plain[-1]}"


@cache
def kind_of(variant: str) -> str:
    """The kind of a variant: ``cu126`` is ``cuda``, ``rocm7.2`` is ``rocm``; anything else is itself."""
    if variant.startswith("cu"):
        return "cuda"
    return "rocm" if variant.startswith("rocm") else variant


class Family(Value, frozen=True, kw_only=True):
    """An NVIDIA architecture: the driver branch it starts with, the last branch and CUDA major that still serve it.

    ``compiled_since``: members that the compiler and the libraries learned later than `first_toolkit`.
    """

    name: str
    capabilities: tuple[ComputeCapability, ...]
    first_toolkit: str
    compiled_since: dict[ComputeCapability, str] = {}
    first_linux: str | None = None
    first_windows: str | None = None
    last_branch: int | None = None
    last_cuda: int | None = None
    source: str = ""

    def toolkit_of(self, gpu: ComputeCapability) -> str:
        """The first toolkit that compiles for one of the members."""
        return self.compiled_since.get(gpu, self.first_toolkit)


class SassRule(Value, frozen=True, kw_only=True):
    """Exceptions from "native code runs on the same major and a minor that is not lower"."""

    alone: frozenset[ComputeCapability]
    not_on: dict[ComputeCapability, ComputeCapability]  # gpu -> code that does not run on it
    renamed: dict[ComputeCapability, ComputeCapability]  # code -> gpu that it also runs on
    source: str


class Toolkit(Value, frozen=True, kw_only=True):
    """A CUDA toolkit, the driver branch it belongs to, and the drivers that shipped with it."""

    version: str
    branch: int
    linux: str | None = None
    windows: str | None = None


class Support(Value, frozen=True, kw_only=True):
    """How long NVIDIA maintains a driver branch."""

    until: str | None = None
    long_term: bool = False
    newest: str | None = None  # driver for Linux
    newest_windows: str | None = None


class XpuTable(Value, frozen=True, kw_only=True):
    """Names of Intel GPUs that the XPU builds run on, and of those they do not."""

    stable_from: str
    supported: tuple[str, ...]
    unsupported: tuple[str, ...]
    source: str


class HubProxy(Value, frozen=True, kw_only=True):
    """The program of Node.js that JupyterHub needs beside itself."""

    name: str  # on npm
    releases: tuple[tuple[int, str], ...]  # oldest major version of Node.js -> npm's range of releases, newest first
    node: str  # PyPI's package that brings Node.js and npm
    registry: str

    def release(self, node: int) -> str | None:
        """The releases that run on a major version of Node.js; ``None`` where none does."""
        return next((wanted for oldest, wanted in self.releases if node >= oldest), None)


class Channels(Value, frozen=True, kw_only=True):
    """Address templates of the places that publish torch."""

    stable: str
    nightly: str
    test: str
    pypi: str
    conda_forge: str
    ended_conda: tuple[str, str]  # PyTorch's own conda channel: its last torch, and the month in which it ended

    def index(self, variant: str, channel: str = "stable") -> str:
        """The PyTorch index of a variant in a channel."""
        template: str = {"nightly": self.nightly, "test": self.test}.get(channel, self.stable)
        return template.format(variant=variant)


class Catalog(Value, frozen=True, kw_only=True, dict=True):
    """Everything known about published builds and what they need."""

    as_of: str
    rows: tuple[Row, ...]  # newest torch first, then newest runtime
    conda: tuple[Row, ...] = ()
    families: tuple[Family, ...]
    sass_rule: SassRule
    toolkits: tuple[Toolkit, ...]  # newest first
    floors: dict[str, DriverFloor]  # variant -> floor
    branches: dict[str, Support]
    forward_compat: tuple[str, ...]
    xpu: XpuTable
    amd_integrated: frozenset[str]
    rocm_sdk: RocmSdk
    amd_siblings: dict[str, str]  # gfx -> value of HSA_OVERRIDE_GFX_VERSION that makes it run a sibling's code
    fetchable_pythons: tuple[str, ...]
    newest_default_python: str
    unfit_pythons: frozenset[str] = frozenset()  # releases of Python that torch's companions exclude: "3.14.1"
    placeholder: str  # the version under which PyPI has torch's name and no wheel
    profiles: dict[str, tuple[str, ...]]
    bundles: dict[str, tuple[str, ...]]
    not_on: dict[str, str]  # package -> the operating system that cannot run it
    with_language: dict[str, dict[str, str]]  # language -> package -> what comes with it
    not_in_conda: frozenset[str]
    hub: HubProxy
    channels: Channels
    sources: dict[str, str] = {}

    @cached_property
    def memo(self) -> dict[object, object]:
        """Where pure functions of this catalogue keep what they worked out before."""
        return {}

    @cached_property
    def by_platform(self) -> dict[str, tuple[Row, ...]]:
        """Rows of each platform, newest first."""
        table: dict[str, list[Row]] = {}
        for row in self.rows:
            table.setdefault(row.platform, []).append(row)
        return {platform: tuple(rows) for platform, rows in table.items()}

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """Every variant that any row has, newest first within a kind."""
        names = {row.variant for row in self.rows}
        return tuple(sorted(names, key=lambda name: (kind_of(name), variant_key(name)), reverse=True))

    @cached_property
    def by_key(self) -> dict[tuple[str, str, str], Row]:
        """(torch, variant, platform) -> row of the PyTorch index or PyPI (vendor channels are not in it)."""
        vendor_free = (row for row in self.rows if not is_vendor(row))
        return {(row.torch, row.variant, row.platform): row for row in vendor_free}

    def family(self, capability: ComputeCapability) -> Family | None:
        """The architecture that a compute capability belongs to."""
        return next((family for family in self.families if capability in family.capabilities), None)

    @cached_property
    def newest_torch(self) -> str:
        """The newest release that any row has."""
        return self.rows[0].torch

    def long_term_branch(self) -> int:
        """The oldest branch with long-term support that serves every runtime: all that a build needs, for longest."""
        wanted = max(version_key(floor.linux)[0] for floor in self.floors.values())
        return min(int(name) for name, support in self.branches.items() if support.long_term and int(name) >= wanted)


def is_vendor(row: Row) -> bool:
    """Whether a build comes from neither the PyTorch index nor PyPI."""
    return all(place.name not in {"pytorch-index", "pypi", "learned"} for place in row.publications)


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """A build seen on an index page by ``catalog refresh``; its arch list is not known."""

    torch: str
    variant: str
    platform: str
    pythons: tuple[str, ...]
    source: str
    url: str
    local: bool = True
    glibc: str | None = None
    macos: str | None = None
    size_bytes: int | None = None
    released: str | None = None  # day of its first file, where the index says it


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    """What the user's refreshes learned, kept beside the built-in catalogue."""

    schema: str = "torchup-catalog/1"
    as_of: str
    learned: tuple[Learned, ...] = ()
