"""The page put together: from the pieces, from this installation of torchup, and from the document. Writes a folder."""

from __future__ import annotations

import gzip
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING

from torchup import __version__
from torchup.envs.paths import join
from torchup.errors import InstallError
from torchup.model import Value, message
from torchup.report.templating import asset
from torchup.web.archives import members, unzipped, without, zipped
from torchup.web.document import PAGES, page
from torchup.web.own import installed_wheel, own_wheel
from torchup.web.pieces import load_runtime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import Host

ASSETS = ("app.js", "worker.js", "page.css", "icon.svg")
# What the pure rooms import besides msgspec, taken from this installation: name -> licence.
PURE = {"packaging": "Apache-2.0 OR BSD-2-Clause", "jinja2": "BSD-3-Clause", "markupsafe": "BSD-3-Clause"}
STDLIB, LOCK = "python_stdlib.zip", "pyodide-lock.json"


class Site(Value, frozen=True, kw_only=True):
    """A page that was written.

    Attributes:
        folder: where it is.
        files: how many files.
        bytes: all of them.
        compressed: what a browser loads from a server that compresses, as GitHub Pages does.
        version: changes with every change of any file.
    """

    folder: str
    files: int
    bytes: int
    compressed: int
    version: str


def write_site(host: Host, pieces: Mapping[str, str], folder: str) -> Site:
    """Write the page into a folder; files of the same names are replaced, others stay.

    Args:
        host: the machine.
        pieces: name -> path, as `web.pieces` finds them.
        folder: where to.

    Raises:
        InstallError: the disk does not take it, or a piece cannot be read.
    """
    wheels = _wheels(host, pieces)
    loaded = _runtime(_read(host, pieces["pyodide"])) | wheels
    load = sum(map(_compressed, loaded.values()))
    made = _documents(host, load) | loaded
    made["sw.js"] = _asset("sw.js").replace(b"@VERSION@", _version(made).encode())
    made["files.json"] = _listing(made, loaded, wheels)
    _write(host, made, folder)
    rest = sum(_compressed(content) for name, content in made.items() if name not in loaded)
    return Site(
        folder=folder, files=len(made), bytes=sum(map(len, made.values())), compressed=load + rest,
        version=_version(made),
    )  # fmt: skip


def _compressed(content: bytes) -> int:
    return len(gzip.compress(content, 6, mtime=0))  # as servers do


def _documents(host: Host, load: int) -> dict[str, bytes]:
    made = {name: _asset(name) for name in ASSETS}
    made |= {file: page(language, megabytes=load / 1e6).encode() for language, file in PAGES.items()}
    return made | {"answer.css": asset("answer.css").encode(), "licences.txt": _licences(host)}


def _write(host: Host, made: Mapping[str, bytes], folder: str) -> None:
    try:
        host.make_dirs(folder)
        for name, content in made.items():
            host.write_bytes(join(folder, name), content)
    except OSError as error:
        text = message(
            "web.write", "the page cannot be written to {folder}: {reason}", folder=folder, reason=error.strerror
        )
        raise InstallError(text) from error


def _version(made: Mapping[str, bytes]) -> str:
    """A name for exactly these files; the worker's own file and the list are made from the rest."""
    digest = hashlib.sha256()
    for name, content in sorted(made.items()):
        if name not in {"sw.js", "files.json"}:
            digest.update(name.encode() + hashlib.sha256(content).digest())
    return f"torchup-{digest.hexdigest()[:16]}"


def _listing(made: Mapping[str, bytes], loaded: Mapping[str, bytes], wheels: Mapping[str, bytes]) -> bytes:
    """What the script loads, in which order, and what is kept for offline use. Sizes in bytes, not compressed."""
    listing = {
        "version": _version(made),
        "files": [{"path": name, "size": len(content)} for name, content in sorted(made.items()) if name != "sw.js"],
        "load": [{"path": name, "size": len(content)} for name, content in sorted(loaded.items())],
        "wheels": sorted(wheels),
    }
    return json.dumps(listing, indent=1).encode()


def _asset(name: str) -> bytes:
    return files("torchup.web").joinpath(f"assets/{name}").read_bytes()


def _runtime(tarball: bytes) -> dict[str, bytes]:
    """Pyodide's own files; its list of packages is emptied, the standard library made smaller."""
    wanted = load_runtime().contents
    found = members(tarball, (*wanted.runtime, LOCK))
    lock = json.loads(found[LOCK])
    found[LOCK] = json.dumps(lock | {"packages": {}}).encode()
    unwanted = tuple(f"{name}{end}" for name in wanted.without for end in ("/", ".py"))
    found[STDLIB] = zipped(without(unzipped(found[STDLIB]), lambda name: name.startswith(unwanted)))
    return found


def _wheels(host: Host, pieces: Mapping[str, str]) -> dict[str, bytes]:
    compiled = next(piece for piece in load_runtime().piece if piece.name == "msgspec")
    found = {
        f"torchup-{__version__}-py3-none-any.whl": own_wheel(),
        compiled.file: _read(host, pieces["msgspec"]),
    }
    for name in PURE:
        version, wheel = installed_wheel(host, name)
        found[f"{name}-{version}-py3-none-any.whl"] = wheel
    return found


def _licences(host: Host) -> bytes:
    """Every licence of what the page carries; those of the wheels are inside them, too."""
    lines = ["This page carries:", "", f"torchup {__version__}: Apache-2.0 (LICENSE and NOTICE of torchup)"]
    lines += [f"{one.name} {one.version}: {one.licence}. Source: {one.home}" for one in load_runtime().piece]
    lines += [f"{name} {installed_wheel(host, name)[0]}: {licence}" for name, licence in PURE.items()]
    texts = sorted(files("torchup.web").joinpath("licences").iterdir(), key=lambda one: one.name)
    parts = ["\n".join(lines), *(f"{'=' * 78}\n{one.name}\n\n{one.read_text('utf-8')}" for one in texts)]
    return "\n\n".join(parts).encode()


def _read(host: Host, path: str) -> bytes:
    content = host.read_bytes(path)
    if content is None:
        raise InstallError(message("web.read", "{path} cannot be read", path=path))
    return content
