"""The shape of the TOML tables, validated by msgspec when they are read; `load` turns them into `types`."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # msgspec reads the annotation

from torchup.model import Value


class Table(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: a misspelt key is an error."""


class Release(Table, frozen=True, kw_only=True):
    """One torch release."""

    torch: str
    date: date
    python: str
    python_on: dict[str, str] = {}
    free_threaded: tuple[str, ...] = ()
    index_python: str = ""
    torchvision: str
    torchaudio: str
    linux_x86_64: str = ""
    linux_aarch64: str = ""
    linux_s390x: str = ""
    windows_x86_64: str = ""
    windows_arm64: str = ""
    macos_arm64: str = ""
    macos_x86_64: str = ""
    pypi: dict[str, str] = {}
    likely: str = ""
    unsure: str = ""
    source: str


class StableCompanion(Table, frozen=True, kw_only=True):
    """A companion of the stable ABI: builds of torch (platform -> variants) that it is asked for with, as a range."""

    name: str
    version: str
    since: str
    torch: str
    on: dict[str, str]
    source: str


class Releases(Table, frozen=True, kw_only=True):
    """releases.toml."""

    as_of: date
    sources: dict[str, str]
    release: tuple[Release, ...]
    stable: tuple[StableCompanion, ...] = ()


class CudaArch(Table, frozen=True, kw_only=True):
    """Code compiled into one CUDA variant over a range of releases."""

    variant: str
    torch: str
    platform: str
    sass: str
    ptx: str = ""
    basis: str
    source: str


class RocmArch(Table, frozen=True, kw_only=True):
    """Targets compiled into ROCm variants."""

    torch: str
    variant: str
    gfx: str
    basis: str
    source: str
    note: str | None = None


class OldRelease(Table, frozen=True, kw_only=True):
    """One release before those of releases.toml: what is known of it."""

    torch: str
    torchvision: str = ""
    torchaudio: str = ""
    linux_x86_64: str = ""
    linux_aarch64: str = ""
    windows_x86_64: str = ""
    macos_arm64: str = ""
    macos_x86_64: str = ""
    python: dict[str, str]
    pypi: dict[str, str]
    source: str


class OldReleases(Table, frozen=True, kw_only=True):
    """old.toml."""

    as_of: date
    needs: tuple[str, ...]
    sources: dict[str, str]
    release: tuple[OldRelease, ...]
    cuda: tuple[CudaArch, ...]


class FamilyRow(Table, frozen=True, kw_only=True):
    """An NVIDIA architecture."""

    name: str
    capabilities: str
    first_toolkit: str
    compiled_since: dict[str, str] = {}
    last_branch: int | None = None
    last_cuda: int | None = None
    source: str


class SassRow(Table, frozen=True, kw_only=True):
    """Exceptions of the same-major rule."""

    alone: str
    not_on: dict[str, str]
    renamed: dict[str, str]
    source: str


class Architectures(Table, frozen=True, kw_only=True):
    """architectures.toml; ``read``: source -> the releases that it was read for."""

    cuda: tuple[CudaArch, ...]
    rocm: tuple[RocmArch, ...]
    family: tuple[FamilyRow, ...]
    read: dict[str, str]
    sources: dict[str, str]
    sass_rule: SassRow


class MinorCompat(Table, frozen=True, kw_only=True):
    """Driver floor of a CUDA major."""

    cuda: int
    linux: str
    windows: str


class ToolkitRow(Table, frozen=True, kw_only=True):
    """A toolkit and the drivers it shipped with."""

    version: str
    branch: int | None = None  # where no number is known
    linux: str | None = None
    windows: str | None = None


class BranchRow(Table, frozen=True, kw_only=True):
    """A driver branch's end of maintenance."""

    until: str | None = None
    long_term: bool = False
    newest: str | None = None
    newest_windows: str | None = None


class ForwardCompat(Table, frozen=True, kw_only=True):
    """Product lines with forward compatibility."""

    names: tuple[str, ...]
    source: str


class Drivers(Table, frozen=True, kw_only=True):
    """drivers.toml."""

    as_of: date
    source: str
    minor_compat: tuple[MinorCompat, ...]
    toolkit: tuple[ToolkitRow, ...]
    runtime: dict[str, str]
    branch: dict[str, BranchRow]
    forward_compat: ForwardCompat


class PlainNames(Table, frozen=True, kw_only=True):
    """Torch ranges of a platform whose file names have no local part: of torch's CPU builds, and of the companions."""

    platform: str
    variant: str = ""  # how the variants begin that it is about
    torch: str
    companions: str
    source: str


class GlibcFloor(Table, frozen=True, kw_only=True):
    """glibc floor of Linux wheels; ``variants`` where it holds for some only."""

    torch: str
    platform: str
    variants: str = ""
    floor: str
    source: str


class MacFloor(Table, frozen=True, kw_only=True):
    """macOS floors of a range of releases."""

    torch: str
    platform: str
    floor: str
    mps: str | None = None
    source: str


class MacPython(Table, frozen=True, kw_only=True):
    """Python tags with a higher macOS floor."""

    torch: str
    python: str
    floor: str


class Size(Table, frozen=True, kw_only=True):
    """Download size of a variant, or of all variants whose name starts with it."""

    variant: str
    platform: str | None = None
    torch: str
    megabytes: int
    source: str


class Need(Table, frozen=True, kw_only=True):
    """A requirement that belongs with torch."""

    torch: str
    requirement: str
    source: str


class XpuRow(Table, frozen=True, kw_only=True):
    """Intel GPUs by name."""

    stable_from: str
    supported: tuple[str, ...]
    unsupported: tuple[str, ...]
    source: str


class AmdRow(Table, frozen=True, kw_only=True):
    """AMD graphics inside processors."""

    integrated: str
    sdk_since: str
    one_device: str
    device_extra: str
    one_device_megabytes: int
    source: str
    siblings: dict[str, str]
    siblings_source: str


class PythonRow(Table, frozen=True, kw_only=True):
    """Pythons that uv can fetch."""

    fetchable: str
    unfit: str = ""
    newest_by_default: str
    source: str


class HubRow(Table, frozen=True, kw_only=True):
    """JupyterHub's proxy."""

    proxy: str
    releases: dict[str, str]
    node: str
    registry: str
    source: str


class Placeholder(Table, frozen=True, kw_only=True):
    """A file that has torch's name on PyPI and is not a build."""

    torch: str
    source: str


class Platforms(Table, frozen=True, kw_only=True):
    """platforms.toml."""

    as_of: date
    glibc: tuple[GlibcFloor, ...]
    plain: tuple[PlainNames, ...]
    macos: tuple[MacFloor, ...]
    macos_python: tuple[MacPython, ...]
    size: tuple[Size, ...]
    needs: tuple[Need, ...]
    xpu: XpuRow
    amd: AmdRow
    python: PythonRow
    placeholder: Placeholder
    profiles: dict[str, str]
    bundles: dict[str, str]
    not_on: dict[str, str]
    with_language: dict[str, dict[str, str]]
    not_in_conda: dict[str, str]
    hub: HubRow


class Vendor(Table, frozen=True, kw_only=True):
    """A build published by a hardware vendor."""

    name: str
    torch: str
    variant: str
    platforms: str
    python: str
    url: str
    file: str | None = None
    extra: str | None = None
    jetson: str | None = None
    system: str = ""
    local: bool = False
    glibc: str | None = None
    megabytes: int
    needs: str = ""
    gfx: str = ""
    sass: str = ""
    torchvision: str = ""
    torchaudio: str = ""
    certainty: str = "listed"
    basis: str = "inferred"
    source: str


class CondaRow(Table, frozen=True, kw_only=True):
    """Builds of one release on conda-forge."""

    torch: str
    platforms: str
    builds: str
    glibc: dict[str, str] = {}
    jetson: str | None = None
    sass: str = ""
    python: str
    torchvision: str
    source: str


class CondaArch(Table, frozen=True, kw_only=True):
    """Code compiled into a conda-forge build."""

    sass: str
    ptx: str = ""


class Urls(Table, frozen=True, kw_only=True):
    """The PyTorch index by channel."""

    stable: str
    nightly: str
    test: str


class Url(Table, frozen=True, kw_only=True):
    """One address."""

    url: str


class EndedChannel(Table, frozen=True, kw_only=True):
    """A channel that gets no more releases."""

    last_torch: str
    ended: str
    source: str


class ChannelsFile(Table, frozen=True, kw_only=True):
    """channels.toml."""

    pytorch: Urls
    pypi: Url
    conda_forge: Url
    pytorch_conda: EndedChannel
    vendor: tuple[Vendor, ...]
    conda: tuple[CondaRow, ...]
    conda_arch: dict[str, CondaArch]
