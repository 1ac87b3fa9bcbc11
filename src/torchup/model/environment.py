"""Environments on disk, and the proof that they work."""

from __future__ import annotations

from torchup.model.sets import InstallerName, RungStatus
from torchup.model.text import Message, Said, Value


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
    origins: dict[str, str] = {}  # package -> the source that it came from, or its file's address#sha256=...
    first_use: tuple[str, ...] = ()  # packages whose hash no one had promised: it is the first download's
    requested: tuple[str, ...] = ()


class Change(Value, frozen=True, kw_only=True):
    """One package that an installation added (``before`` is ``None``), removed (``after``) or changed."""

    name: str
    before: str | None = None
    after: str | None = None


class Rung(Value, frozen=True, kw_only=True):
    """One step of the verification ladder."""

    name: str  # files, start, import, version, devices, arch, matmul, conv, optimiser, jit, compile, dataloader...
    status: RungStatus
    seconds: float | None = None
    device: str | None = None
    package: str | None = None  # of a companion
    detail: Said | None = None


class Readiness(Value, frozen=True, kw_only=True):
    """One thing that torch.compile needs. ``ready`` is ``None`` if it is unknown."""

    name: str  # compiler, headers, triton, ptxas, python
    what: Message
    ready: bool | None
    found: str | None = None
    wanted: str | None = None


class Verification(Value, frozen=True, kw_only=True):
    """The ladder's result for one environment."""

    passed: bool
    torch: TorchInfo = TorchInfo()
    rungs: tuple[Rung, ...] = ()
    readiness: tuple[Readiness, ...] = ()  # for torch.compile; empty: not asked
