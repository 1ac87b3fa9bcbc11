"""The lock of an installation: pylock.toml (PEP 751), as uv resolves it; fetched files put in as paths. Pure."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.pylock import Pylock, PylockValidationError

from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIMIT = 16 * 1024 * 1024  # bytes of a lock that are read; one of 400 packages has 200 kB


class LockedFile(Value, frozen=True, kw_only=True):
    """One wheel of a lock. ``size`` in bytes, where its index tells it; ``url`` is ``None`` for a file on the disk."""

    package: str
    version: str
    name: str
    sha256: str
    url: str | None = None
    size: int | None = None


class Lock(Value, frozen=True, kw_only=True):
    """Every file of an installation. ``whole``: each package has a wheel with a SHA-256, so it can be installed."""

    files: tuple[LockedFile, ...] = ()
    whole: bool = True


def read_lock(text: str) -> Lock | None:
    """Read what uv wrote; ``None`` for what is no lock."""
    try:
        packages = Pylock.from_dict(tomllib.loads(text)).packages
    except (tomllib.TOMLDecodeError, PylockValidationError):
        return None
    files = []
    for package in packages:
        wheel = next(iter(package.wheels or ()), None)
        digest = wheel.hashes.get("sha256") if wheel else None
        if wheel is None or not digest:
            continue
        name = wheel.name or unquote(urlsplit(wheel.url or "").path).rpartition("/")[2] or str(wheel.path)
        files.append(
            LockedFile(
                package=package.name,
                version=str(package.version),
                name=name.replace("\\", "/").rpartition("/")[2],
                sha256=digest.lower(),
                url=wheel.url,
                size=wheel.size,
            )
        )
    return Lock(files=tuple(files), whole=len(files) == len(packages))


def lock_text(files: Iterable[LockedFile], fetched: Mapping[str, str]) -> str:
    """The lock with fetched files (SHA-256 -> path) in place of their addresses; every file keeps its hash."""
    lines = ['lock-version = "1.0"', 'created-by = "torchup"']
    for file in files:
        path = fetched.get(file.sha256)
        place = f"path = {_quoted(path)}" if path else f"url = {_quoted(file.url or '')}"
        size = f", size = {file.size}" if file.size and not path else ""
        wheel = f"name = {_quoted(file.name)}, {place}{size}, hashes = {{ sha256 = {_quoted(file.sha256)} }}"
        lines += [
            "",
            "[[packages]]",
            f"name = {_quoted(file.package)}",
            f"version = {_quoted(file.version)}",
            f"wheels = [{{ {wheel} }}]",
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text)  # TOML's basic strings have JSON's escapes
