"""What a conda environment says of itself in ``conda-meta``, whoever made it; no conda is started."""

from __future__ import annotations

import hashlib
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
_CUDA = re.compile(r"cuda(\d{2})\.?(\d)")


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


def damaged(host: Host, path: str, size_limit: int, limit: int = 5) -> tuple[str, ...] | None:
    """Files that are not as conda's records say, at most ``limit``; ``None`` where conda made no environment.

    Only files up to ``size_limit`` bytes are hashed, larger ones must exist. Files that hold the environment's own path
    are compared with what linking wrote (``sha256_in_prefix``).
    """
    folder = join(path, "conda-meta")
    names = host.list_dir(folder)
    if names is None:
        return None
    found: list[str] = []
    for name in names:
        record = _record(host, join(folder, name)) if name.endswith(".json") else {}
        data = record.get("paths_data")
        entries = data.get("paths") if isinstance(data, dict) else None
        for entry in entries if isinstance(entries, list) and len(found) < limit else ():
            file = join(path, *str(entry.get("_path", "")).split("/"))
            if not _intact(host, file, entry, size_limit):
                found.append(file)
    return tuple(found[:limit])


def _intact(host: Host, file: str, entry: dict[str, Any], size_limit: int) -> bool:
    if entry.get("path_type") in {"softlink", "directory"}:
        return True  # its hash is that of the text of the link
    expected = entry.get("sha256_in_prefix") or entry.get("sha256")
    content = host.read_bytes(file, size_limit + 1)
    if content is None or expected is None or len(content) > size_limit:
        return content is not None
    return hashlib.sha256(content).hexdigest() == str(expected)
