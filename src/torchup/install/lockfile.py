"""The lock of an installation: pylock.toml (PEP 751), as uv resolves it; and the pins that it means. Pure."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from packaging.pylock import Pylock, PylockValidationError

from torchup.model import Value
from torchup.sources.urls import file_url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.pylock import PackageArchive, PackageWheel

LIMIT = 16 * 1024 * 1024  # bytes of a lock that are read; one of 400 packages has 200 kB


class LockedFile(Value, frozen=True, kw_only=True):
    """One wheel of a lock. ``size`` in bytes, where its index tells it; ``sha256`` is empty where its index has none.

    ``url`` is ``None``, or a ``file:`` address or a path, for a file on the disk. ``direct``: the file is asked for by
    its address or path; no index and no folder lists it.
    """

    package: str
    version: str
    name: str
    sha256: str
    url: str | None = None
    size: int | None = None
    direct: bool = False


class Lock(Value, frozen=True, kw_only=True):
    """Every file of an installation. ``whole``: each package has a wheel with a SHA-256, so it can be installed."""

    files: tuple[LockedFile, ...] = ()
    whole: bool = True


def read_lock(text: str) -> Lock | None:
    """Read what uv wrote; ``None`` if it is not a lock."""
    try:
        packages = Pylock.from_dict(tomllib.loads(text)).packages
    except (tomllib.TOMLDecodeError, PylockValidationError):
        return None
    files = []
    for package in packages:
        wheel = next(iter(package.wheels or ()), None) or package.archive
        if wheel is None or not _name(wheel).endswith(".whl"):
            continue
        files.append(
            LockedFile(
                package=package.name,
                version=str(package.version),
                name=_name(wheel),
                sha256=(wheel.hashes.get("sha256") or "").lower(),
                url=wheel.url or wheel.path,
                size=wheel.size,
                direct=not package.wheels,
            )
        )
    return Lock(files=tuple(files), whole=len(files) == len(packages) and all(file.sha256 for file in files))


def _name(wheel: PackageWheel | PackageArchive) -> str:
    given = getattr(wheel, "name", None) or unquote(urlsplit(wheel.url or "").path) or str(wheel.path)
    return given.replace("\\", "/").rpartition("/")[2]


def hashed_lines(files: Iterable[LockedFile]) -> str:
    """The lock as requirements that uv and pip install by hash: a cache or folder that has the file is used."""
    return "".join(f"{_pinned(file)} --hash=sha256:{file.sha256}\n" for file in files)


def _pinned(file: LockedFile) -> str:
    """A file on the disk that nothing lists is named itself; one that was fetched lies in a folder of its own."""
    if not file.direct or file.url is None or file.url.startswith(("http://", "https://")):
        return f"{file.package}=={file.version}"
    place = file.url if "://" in file.url else file_url(file.url)
    return f"{file.package} @ {quote(unquote(place), safe=':/')}"
