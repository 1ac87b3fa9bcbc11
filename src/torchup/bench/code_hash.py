"""Which code measured: one hash over every file of the worker, kept in each result and checked on import."""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING

from torchup.envs.worker import WORKER_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.host import Host

SUFFIXES = (".py", ".cpp", ".cu", ".h", ".json")


def worker_hash(host: Host) -> str:
    """sha256 over names and contents of the worker's source files, in order of their names."""
    digest = hashlib.sha256()
    root = str(WORKER_FOLDER).replace("\\", "/")
    for name in sorted(_sources(host, root, "")):
        content = (host.read_bytes(posixpath.join(root, name)) or b"").replace(b"\r\n", b"\n")
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _sources(host: Host, root: str, below: str) -> Iterator[str]:
    for name in host.list_dir(posixpath.join(root, below)) or ():
        path = posixpath.join(below, name)
        if name.endswith(SUFFIXES):
            yield path
        elif name not in {"__pycache__", "data"} and host.is_dir(posixpath.join(root, path)):
            yield from _sources(host, root, path)
