"""What is installed in an environment, read from its ``*.dist-info`` folders: no Python is started (milliseconds)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from torchup.encoding import UNREADABLE
from torchup.envs.paths import join
from torchup.model import Value
from torchup.package_names import normalise
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.host import Host

_INFO = lazy_pattern(r"(?P<name>.+?)-(?P<version>[^-]+)\.dist-info")


class Distribution(Value, frozen=True, kw_only=True):
    """One installed package."""

    name: str  # normalised
    version: str
    requested: bool = False  # asked for by name, not a dependency (PEP 376's REQUESTED file)
    origin: str | None = None  # requirement that names where it came from, for what no index has: "x @ https://..."
    editable: str | None = None  # folder of an editable install


def installed(host: Host, path: str) -> tuple[Distribution, ...]:
    """Every package of the environment at ``path``, by name; empty where there is none."""
    found = {}
    for folder in site_packages(host, path):
        for entry in host.list_dir(folder) or ():
            if match := _INFO.fullmatch(entry):
                distribution = _read(host, join(folder, entry), normalise(match["name"]), match["version"])
                found[distribution.name] = distribution
    return tuple(found[name] for name in sorted(found))


def versions(host: Host, path: str) -> dict[str, str]:
    """Name -> version of every installed package."""
    return {distribution.name: distribution.version for distribution in installed(host, path)}


def metadata(host: Host, path: str, file: str, limit: int = 1 << 16) -> dict[str, str]:
    """Name -> text of one file of every package's ``*.dist-info`` (METADATA, INSTALLER), as far as it is there."""
    found = {}
    for folder in site_packages(host, path):
        for entry in host.list_dir(folder) or ():
            match = _INFO.fullmatch(entry)
            text = host.read_text(join(folder, entry, file), limit) if match else None
            if match and text is not None:
                found[normalise(match["name"])] = text
    return found


def site_packages(host: Host, path: str) -> Iterator[str]:
    """The folders that hold an environment's packages."""
    windows = join(path, "Lib", "site-packages")
    if host.is_dir(windows):
        yield windows
    seen: set[str] = set()
    for library in ("lib", "lib64"):  # lib64 holds compiled packages on Fedora and its kin, elsewhere it is a link
        for entry in host.list_dir(join(path, library)) or ():
            folder = join(path, library, entry, "site-packages")
            if entry.startswith(("python", "pypy")) and host.is_dir(folder) and host.real_path(folder) not in seen:
                seen.add(host.real_path(folder))
                yield folder


def _read(host: Host, folder: str, name: str, version: str) -> Distribution:
    names = host.list_dir(folder) or ()
    direct = _direct_url(host.read_bytes(join(folder, "direct_url.json"))) if "direct_url.json" in names else {}
    url = direct.get("url")
    editable = bool(_table(direct, "dir_info").get("editable"))
    return Distribution(
        name=name,
        version=version,
        requested="REQUESTED" in names,
        origin=_requirement(name, direct) if url and not editable else None,
        editable=str(url) if url and editable else None,
    )


def _direct_url(raw: bytes | None) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw or b"{}", type=dict[str, Any])
    except UNREADABLE:
        return {}  # damaged: the package is then taken for one from an index


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _requirement(name: str, direct: dict[str, Any]) -> str:
    vcs = _table(direct, "vcs_info")
    if vcs.get("vcs"):
        return f"{name} @ {vcs['vcs']}+{direct['url']}@{vcs.get('commit_id', 'HEAD')}"
    digest = _table(_table(direct, "archive_info"), "hashes").get("sha256")
    return f"{name} @ {direct['url']}" + (f"#sha256={digest}" if digest else "")
