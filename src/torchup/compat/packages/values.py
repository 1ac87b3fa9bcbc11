"""What is asked of the package tables, and what they answer."""

from __future__ import annotations

from enum import StrEnum

from torchup.catalog.wheel_rows import Wheel  # noqa: TC001  # msgspec reads the annotation
from torchup.model import Value


class Axis(StrEnum):
    """What a wheel can fail on, in the order in which it is looked at."""

    PLATFORM = "platform"
    GLIBC = "glibc"
    CAPABILITY = "compute capability"
    DRIVER = "driver"
    CUDA = "cuda"
    PYTHON = "python"
    TORCH = "torch"
    ABI = "abi"


class Status(StrEnum):
    """How a package goes with a torch. ``unknown``: no listing that was read says, which is not ``none``."""

    EXACT = "exact"
    REUSE = "reuse"
    PINNED = "pinned"
    COMPATIBLE = "compatible"
    BUILD = "build"
    NONE = "none"
    UNKNOWN = "unknown"


class By(StrEnum):
    """Why a wheel may be taken for a torch that its name does not say."""

    NAME = "name"
    METADATA = "metadata"
    STABLE_ABI = "stable ABI"
    MEASURED_REUSE = "measured reuse"


class Wish(Value, frozen=True, kw_only=True):
    """What the torch is to be, and what has been learned of addresses."""

    torch: str | None = None  # "2.14", "2.14.1", ">=2.12"
    variant: str | None = None  # "cu130"; "cu13": any of that major
    python: str | None = None  # "3.12", "3.13t"
    version: str | None = None  # of the package
    trusted: tuple[str, ...] | None = None  # publishers besides the project itself; None: all
    checked: dict[str, bool] = {}  # address -> whether it answered
    versions: dict[str, str] = {}  # package -> span
    silent: tuple[str, ...] = ()  # addresses of indexes that do not answer
    any_gpu: bool = False  # a machine without a GPU stands for any that has one


class Failed(Value, frozen=True, kw_only=True):
    """One axis on which nothing fits."""

    axis: Axis
    want: str
    have: str


class Nearest(Value, frozen=True, kw_only=True):
    """A torch for which there is a wheel, and what is different from the wish."""

    torch: str
    cuda: str
    python: str | None = None
    changes: tuple[Axis, ...] = ()


class TorchBuild(Value, frozen=True, kw_only=True):
    """One published build of torch, as far as a package looks at it."""

    torch: str
    variant: str
    pythons: tuple[str, ...] = ()
    companions: dict[str, str] = {}
    on_pypi: bool = False  # what `pip install torch` gives there


class Fit(Value, frozen=True, kw_only=True):
    """A wheel for one build of torch."""

    wheel: Wheel
    build: TorchBuild
    python: str | None
    label: str  # of the wheel's CUDA labels the one that is taken
    by: By
    built: str  # the release that it was built for


class Match(Value, frozen=True, kw_only=True):
    """The answer for one package."""

    package: str
    kind: str | None
    status: Status
    version: str | None = None
    torch: str | None = None
    variant: str | None = None
    cuda: str | None = None  # label without cu
    python: str | None = None
    platform: str | None = None
    requirement: str | None = None
    url: str | None = None
    index: str | None = None
    find_links: str | None = None
    file: str | None = None
    tag: str | None = None
    publisher: str | None = None  # None: the project itself
    install: tuple[tuple[str, ...], ...] = ()
    evidence: str | None = None
    checked: bool | None = None  # whether the address answered; None: not asked
    as_of: str
    source: str | None = None
    by: By | None = None
    built: str | None = None
    reuse: str | None = None  # how a re-use was measured
    environment: dict[str, str] = {}
    companions: dict[str, str] = {}
    needs: tuple[Match, ...] = ()
    others: tuple[str, ...] = ()  # further addresses and requirements that fit the same torch
    failed: tuple[Failed, ...] = ()
    nearest: tuple[Nearest, ...] = ()
    alternative: str | None = None
    build_needs: str | None = None
    system: str | None = None
    note: str | None = None
    no_gpu: bool = False  # the machine has no GPU that this needs: it is for another one

    @property
    def found(self) -> bool:
        """Whether there is something to install."""
        return self.status in {Status.EXACT, Status.REUSE, Status.PINNED, Status.COMPATIBLE}
