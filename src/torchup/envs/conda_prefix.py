"""What a conda environment says of itself in ``conda-meta``, whoever made it; no conda is started."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.encoding import UNREADABLE
from torchup.envs.paths import join
from torchup.model import Value

if TYPE_CHECKING:
    from torchup.host import Host

# conda-forge's packages, and the name that Anaconda's and PyTorch's channels used
_TORCH = ("pytorch", "libtorch")
_RECORD_LIMIT = 64 * 1024 * 1024  # bytes; the record of a package of 30,000 files has 12 MB
_CUDA = re.compile(r"cuda(\d{2})\.?(\d)")


class CondaFile(Value, frozen=True, kw_only=True):
    """One file as linking left it. ``size`` (bytes): ``None`` where the prefix was written in; ``holds``: not empty."""

    path: str  # below the environment, with slashes
    sha256: str | None = None
    size: int | None = None
    holds: bool = True


class CondaRecord(Value, frozen=True, kw_only=True):
    """What conda keeps of one package. ``files``: ``None`` where its record cannot be read."""

    package: str
    version: str
    file: str
    files: tuple[CondaFile, ...] | None


class _Path(Value, frozen=True, kw_only=True):
    path: str = msgspec.field(name="_path")
    path_type: str | None = None
    sha256: str | None = None
    sha256_in_prefix: str | None = None
    size_in_bytes: int | None = None
    prefix_placeholder: str | None = None


class _Paths(Value, frozen=True, kw_only=True):
    paths: tuple[_Path, ...] = ()


class _Said(Value, frozen=True, kw_only=True):
    paths_data: _Paths = _Paths()


class CondaPrefix(Value, frozen=True, kw_only=True):
    """One conda environment."""

    packages: dict[str, str]  # conda's names -> versions
    torch: str | None = None
    variant: str | None = None  # cu129, cpu
    channel: str | None = None  # last part of the channel's address: conda-forge, pytorch, main


def read_prefix(host: Host, path: str) -> CondaPrefix | None:
    """Read the environment at ``path``; ``None`` where conda has made none.

    Versions come from the records' file names (``name-version-build.json``): those of large packages are megabytes.
    """
    folder = join(path, "conda-meta")
    names = [name for name in host.list_dir(folder) or () if name.endswith(".json") and name.count("-") > 1]
    if host.list_dir(folder) is None:
        return None
    records = {name.rsplit("-", 2)[0]: name.removesuffix(".json").rsplit("-", 2)[1:] for name in names}
    found = next((name for name in _TORCH if name in records), None)
    packages = {name: version for name, (version, _) in records.items()}
    if found is None:
        return CondaPrefix(packages=packages)
    version, build = records[found]
    record = _record(host, join(folder, f"{found}-{version}-{build}.json"))
    channel = str(record.get("channel") or "").rstrip("/")
    return CondaPrefix(
        packages=packages,
        torch=version,
        variant=variant_of(build),
        channel=re.sub(r"/(?:noarch|(?:linux|osx|win)-[a-z0-9]+)$", "", channel).rpartition("/")[2] or None,
    )


def variant_of(build: str) -> str | None:
    """The flavour that a build string names.

    ``cuda129_generic_py312_h…_202`` and ``py3.12_cuda12.4_cudnn9.1.0_0`` -> cu129, cu124; ``cpu_…`` -> cpu.
    """
    if match := _CUDA.search(build):
        return f"cu{match[1]}{match[2]}"
    return "cpu" if re.search(r"(?:^|_)(?:cpu|mps)(?:_|$)", build) or build.startswith("py") else None


def _record(host: Host, path: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(host.read_bytes(path) or b"{}", type=dict[str, Any])
    except UNREADABLE:
        return {}


def recorded_files(host: Host, path: str) -> tuple[CondaRecord, ...] | None:
    """What linking put into the environment, package by package; ``None`` where conda made no environment."""
    folder = join(path, "conda-meta")
    names = host.list_dir(folder)
    if names is None:
        return None
    found = (name for name in names if name.endswith(".json") and name.count("-") > 1)
    return tuple(_recorded(host, folder, name) for name in found)


def _recorded(host: Host, folder: str, name: str) -> CondaRecord:
    file, (package, version, _) = join(folder, name), name.rsplit("-", 2)
    try:
        said = msgspec.json.decode(host.read_bytes(file, _RECORD_LIMIT) or b"", type=_Said)
    except UNREADABLE:
        return CondaRecord(package=package, version=version, file=file, files=None)
    files = (_linked(entry) for entry in said.paths_data.paths if _is_inside(entry))
    return CondaRecord(package=package, version=version, file=file, files=tuple(files))


def _linked(entry: _Path) -> CondaFile:
    """A text that the prefix was written into has another size than its package says; linking took its hash again."""
    rewritten = entry.prefix_placeholder is not None
    digest = entry.sha256_in_prefix or (None if rewritten else entry.sha256)
    size = entry.size_in_bytes
    return CondaFile(path=entry.path, sha256=digest, size=None if rewritten else size, holds=size != 0)


def _is_inside(entry: _Path) -> bool:
    """Links and folders have no content of their own, byte code is made anew; a path that leads out is none."""
    is_content = entry.path_type not in {"softlink", "directory"} and not entry.path.endswith(".pyc")
    return is_content and ".." not in entry.path.split("/") and not entry.path.startswith("/") and bool(entry.path)
