"""Packages of this installation as wheels for the page: torchup itself, and what it needs that is pure Python."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.resources import files
from itertools import starmap
from typing import TYPE_CHECKING

from torchup import __version__
from torchup.web.archives import zipped
from torchup.web.pieces import load_runtime

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from torchup.host import Host


def own_wheel() -> bytes:
    """The installed torchup, less what cannot run in a browser."""
    unwanted = load_runtime().contents.own_without
    found = {
        f"torchup/{name}": content
        for name, content in _walk(files("torchup"), "")
        if not any(name.startswith(one) or name.endswith(one) for one in unwanted)
    }
    return zipped(dict(starmap(_table, found.items())) | _described("torchup", __version__))


def _table(name: str, content: bytes) -> tuple[str, bytes]:
    """A table as the JSON that a wheel has beside it (`data_files`): a browser reads it faster, too."""
    if not name.endswith(".toml"):
        return name, content
    words = json.dumps(tomllib.loads(content.decode()), ensure_ascii=False, default=date.isoformat)
    return f"{name.removesuffix('.toml')}.json", words.encode()


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir() and entry.name != "__pycache__":
            found += _walk(entry, f"{prefix}{entry.name}/")
        elif entry.is_file() and not entry.name.endswith(".pyc"):
            found.append((prefix + entry.name, entry.read_bytes()))
    return found


def installed_wheel(host: Host, name: str) -> tuple[str, bytes]:
    """Version and wheel of a package that is installed here, its licences with it, less what is compiled.

    A system's own package has no list of files; its licence is then what `licences.txt` says.
    """
    distribution = metadata.distribution(name)
    found = {
        f"{name}/{path}": content
        for path, content in _walk(files(name), "")
        if not path.endswith(tuple(EXTENSION_SUFFIXES))
    }
    for file in distribution.files or ():
        described = file.parts[0].endswith(".dist-info")
        licence = described and ("licenses" in file.parts or file.name.startswith("LICENSE"))
        if licence and (content := host.read_bytes(str(distribution.locate_file(file)))) is not None:
            found[file.as_posix()] = content
    return distribution.version, zipped(found | _described(name, distribution.version))


def _described(name: str, version: str) -> dict[str, bytes]:
    """The least that makes a zip a wheel."""
    folder = f"{name}-{version}.dist-info"
    return {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{folder}/WHEEL": b"Wheel-Version: 1.0\nGenerator: torchup\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{folder}/RECORD": b"",
    }
