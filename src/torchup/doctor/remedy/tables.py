"""The rows of ``doctor/data/remedies.toml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from torchup.data_files import read_data
from torchup.model import Value, Vendor


class JetPack(Value, frozen=True, kw_only=True):
    """One JetPack and what a report of it shows."""

    jetpack: int
    l4t: int
    cuda: str
    kernel: str
    python: str
    capability: str | None = None
    usual: bool = False


class Bundled(Value, frozen=True, kw_only=True):
    """An interpreter that a program includes."""

    folder: str
    flags: tuple[str, ...]
    source: str


class CudaNeed(Value, frozen=True, kw_only=True):
    """Releases of a package that need one CUDA major."""

    package: str
    versions: str
    major: int
    source: str


class CudaNamed(Value, frozen=True, kw_only=True):
    """Patterns of names that say a CUDA major, in their only group."""

    patterns: tuple[str, ...]
    source: str


class ContainerRow(Value, frozen=True, kw_only=True):
    """How a GPU gets into one kind of container: ``run`` + ``options`` + ``rest``."""

    kinds: tuple[str, ...]
    vendor: Vendor
    run: tuple[str, ...]
    options: tuple[str, ...]
    rest: tuple[str, ...]
    source: str


class EngineRow(Value, frozen=True, kw_only=True):
    """What is typed for one kind of container, on the host: so that it learns of NVIDIA's runtime, or to restart it."""

    kinds: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]
    source: str


class SchedulerRow(Value, frozen=True, kw_only=True):
    """How a job asks one scheduler for a GPU."""

    name: str
    argv: tuple[str, ...]
    source: str


class LibraryWheel(Value, frozen=True, kw_only=True):
    """Which package brings one of the libraries that torch loads.

    ``name``: how its symbols and its file begin, in lower case. ``plain_from``: the first CUDA major whose wheel has no
    label any more. ``system``: how the distribution's package begins. ``conda``: requirements that mend it in conda.
    """

    name: str
    wheel: str | None = None
    plain_from: int | None = None
    system: str | None = None
    conda: tuple[str, ...] = ()
    source: str


class Tables(Value, frozen=True, kw_only=True):
    """The whole file."""

    jetpack: tuple[JetPack, ...]
    bundled: tuple[Bundled, ...]
    cuda_need: tuple[CudaNeed, ...]
    cuda_named: CudaNamed
    library_wheel: tuple[LibraryWheel, ...]
    container: tuple[ContainerRow, ...]
    engine: tuple[EngineRow, ...]
    restart: tuple[EngineRow, ...]
    scheduler: tuple[SchedulerRow, ...]


@cache
def tables() -> Tables:
    """Read the file once."""
    return read_data(Path(__file__).parent.parent / "data" / "remedies.toml", Tables)
