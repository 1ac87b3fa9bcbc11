"""A conda channel made by hand: real packages, real repodata, indexed by rattler, served from disk or over HTTP."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PLACEHOLDER = "/opt/placehold_" + "placehold_" * 20 + "end"  # as long as conda-build's, so that any test folder fits


@dataclass
class File:
    """One file of a package. ``{prefix}`` in the content becomes the placeholder that installation replaces."""

    content: str | bytes
    executable: bool = False
    link_to: str | None = None

    @property
    def raw(self) -> bytes:
        """The bytes in the archive."""
        content = self.content.encode() if isinstance(self.content, str) else self.content
        return content.replace(b"{prefix}", PLACEHOLDER.encode())

    @property
    def mode(self) -> str:
        """How conda replaces the prefix: in a binary the length must stay."""
        return "binary" if b"\0" in self.raw else "text"


@dataclass
class Package:
    """What goes into one archive."""

    name: str
    version: str
    build: str = "0"
    build_number: int = 0
    subdir: str = "linux-64"
    depends: Sequence[str] = ()
    constrains: Sequence[str] = ()
    noarch: str | None = None
    files: Mapping[str, File] = field(default_factory=dict)
    entry_points: Sequence[str] = ()

    @property
    def file_name(self) -> str:
        """``name-version-build.tar.bz2``."""
        return f"{self.name}-{self.version}-{self.build}.tar.bz2"

    def index(self) -> dict[str, object]:
        """``info/index.json``."""
        index: dict[str, object] = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": self.build_number,
            "subdir": self.subdir,
            "depends": list(self.depends),
            "constrains": list(self.constrains),
            "timestamp": 1_760_000_000_000,
        }
        return index | ({"noarch": self.noarch} if self.noarch else {})

    def paths(self) -> dict[str, object]:
        """``info/paths.json``: every file with its hash and, where it holds the prefix, how to replace it."""
        return {"paths_version": 1, "paths": [self._path(name, file) for name, file in self.files.items()]}

    def _path(self, name: str, file: File) -> dict[str, object]:
        entry: dict[str, object] = {
            "_path": name,
            "path_type": "softlink" if file.link_to else "hardlink",
            "sha256": hashlib.sha256(file.raw).hexdigest(),
            "size_in_bytes": len(file.raw),
        }
        if PLACEHOLDER.encode() in file.raw:
            entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": file.mode}
        return entry


def build(channel: Path, *packages: Package) -> None:
    """Write the archives into their subdirs (without index; see `index`)."""
    for package in packages:
        folder = channel / package.subdir
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(folder / package.file_name, "w:bz2") as archive:
            _add(archive, "info/index.json", File(json.dumps(package.index())))
            _add(archive, "info/paths.json", File(json.dumps(package.paths())))
            _add(archive, "info/files", File("\n".join(package.files) + "\n"))
            if package.entry_points:
                link = {"noarch": {"type": "python", "entry_points": list(package.entry_points)}}
                _add(archive, "info/link.json", File(json.dumps(link | {"package_metadata_version": 1})))
            for name, file in package.files.items():
                _add(archive, name, file)


def _add(archive: tarfile.TarFile, name: str, file: File) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755 if file.executable else 0o644
    if file.link_to:
        entry.type, entry.linkname = tarfile.SYMTYPE, file.link_to
        archive.addfile(entry)
        return
    entry.size = len(file.raw)
    archive.addfile(entry, io.BytesIO(file.raw))


INDEX = """
import asyncio, os, sys
from pathlib import Path
from rattler.index import index_fs
asyncio.run(index_fs(Path(sys.argv[1]), write_zst=True, write_shards=True, force=True))
os._exit(0)  # py-rattler's threads may outlive the interpreter, which then aborts
"""


def index(channel: Path) -> str:
    """Write repodata.json, its compressed form and shards; returns the channel's URL."""
    (channel / "noarch").mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", INDEX, str(channel)], check=True, timeout=120)
    return channel.as_uri()


# ---------------------------------------------------------------- a small conda-forge

TORCH = "2.13.0"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TAG = f"py{sys.version_info.major}{sys.version_info.minor}"
SITE = f"lib/python{VERSION}/site-packages"


def python(subdir: str = "linux-64") -> Package:
    """A real Python, small: the running interpreter in conda's layout; ``pyvenv.cfg`` tells where its library is."""
    base = Path(sys.base_prefix) / "bin" / f"python{VERSION}"
    return Package(
        "python",
        ".".join(str(part) for part in sys.version_info[:3]),
        build=f"h0_0_cp{TAG[2:]}",
        subdir=subdir,
        files={
            f"bin/python{VERSION}": File("", link_to=str(base)),
            "bin/python": File("", link_to=f"python{VERSION}"),
            "pyvenv.cfg": File(f"home = {base.parent}\ninclude-system-site-packages = false\n"),
            f"{SITE}/README.txt": File("site-packages\n"),
        },
    )


def pytorch(flavour: str, number: int, depends: Sequence[str], *, site: str = "", subdir: str = "linux-64") -> Package:
    """One build of torch; ``site`` is a folder with a real one, else it is a module that says its flavour."""
    module = f'from torch.parts import flavour\n__version__ = "{TORCH}"\nprefix = "{{prefix}}"\n'
    own = {f"{SITE}/torch/__init__.py": File(module), f"{SITE}/torch/parts.py": File(f'flavour = "{flavour}"\n')}
    files = {f"{SITE}/elsewhere.pth": File(f"{site}\n")} if site else own
    return Package(
        "pytorch",
        TORCH,
        build=f"{flavour}_generic_{TAG}_h0_{number}",
        build_number=number,
        subdir=subdir,
        depends=("python", *depends),
        files={**files, **metadata("torch", TORCH)},
    )


def metadata(name: str, version: str, site: str = SITE) -> dict[str, File]:
    """What pip and torchup read of an installed package."""
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return {f"{site}/{name}-{version}.dist-info/METADATA": File(text)}


# As much of torchvision as verification asks for.
VISION = """\
__version__ = "0.28.0"
class ops:
    @staticmethod
    def nms(boxes, scores, threshold):
        return scores.argmax().unsqueeze(0)
"""
WHERE = "import sys\n\n\ndef main():\n    print(sys.prefix)\n"


def small_forge(subdir: str = "linux-64", site: str = "") -> list[Package]:
    """The packages that a plan asks conda-forge for, with the virtual packages that the real ones depend on."""
    return [
        python(subdir),
        pytorch("cpu", 0, (), site=site, subdir=subdir),
        pytorch("cuda129", 200, ("__cuda", "cuda-version >=12.9,<13"), subdir=subdir),
        pytorch("cuda130", 300, ("__cuda", "__cuda_arch >=7.5", "cuda-version >=13.0,<14"), subdir=subdir),
        Package("pytorch-gpu", TORCH, build="cuda129_generic_0", subdir=subdir, depends=(f"pytorch {TORCH} cuda129*",)),
        Package("pytorch-gpu", TORCH, build="cuda130_generic_1", build_number=1, subdir=subdir,
                depends=(f"pytorch {TORCH} cuda130*",)),
        Package("cuda-version", "12.9", subdir="noarch", noarch="generic", constrains=("__cuda >=12",)),
        Package("cuda-version", "13.0", subdir="noarch", noarch="generic", constrains=("__cuda >=13",)),
        Package("torchvision", "0.28.0", build=f"cpu_{TAG}_0", subdir=subdir, depends=("pytorch",),
                files={f"{SITE}/torchvision/__init__.py": File(VISION), **metadata("torchvision", "0.28.0")}),
        Package("where", "1.0", build="py_0", subdir="noarch", noarch="python", depends=("python",),
                entry_points=("where = where:main",),
                files={"site-packages/where/__init__.py": File(WHERE), **metadata("where", "1.0", "site-packages")}),
        Package("pip", "26.0", build="py_0", subdir="noarch", noarch="python", depends=("python",),
                files=metadata("pip", "26.0", "site-packages")),
        Package("numpy", "2.4.0", build=f"{TAG}_0", subdir=subdir, depends=("python",),
                files=metadata("numpy", "2.4.0")),
        Package("native", "1.0", subdir=subdir, depends=(),
                files={"bin/native": File('#!/bin/sh\ncat "{prefix}/share/native.bin"\n', executable=True),
                       "share/native.bin": File(b"\x7fELF\0{prefix}/share\0tail")}),
    ]  # fmt: skip
