"""Minimal valid wheels made on the spot, among them a fake torch: real installers install them in milliseconds."""

from __future__ import annotations

import base64
import ensurepip
import hashlib
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAKE_TORCH = '''\
"""A stand-in for torch: enough for torchup's installers, none of its mathematics."""
__version__ = {version!r}


class version:
    cuda = {cuda!r}
    hip = None


def main():
    import sys

    print("torchrun of", __version__, "in", sys.prefix)
'''


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, str | bytes] | None = None,
    requires: Sequence[str] = (),
    scripts: Mapping[str, str] | None = None,
    tag: str = "py3-none-any",
) -> Path:
    """Write ``NAME-VERSION-TAG.whl`` into a folder and return its path.

    ``files`` maps paths inside the wheel to content (default: an empty module of the package's name), ``scripts``
    console script names to entry points (``"torchrun": "torch:main"``).
    """
    module = name.replace("-", "_")
    stem = f"{module}-{version}"
    info = f"{stem}.dist-info"
    content: dict[str, bytes] = {
        path: text.encode() if isinstance(text, str) else text
        for path, text in (files or {f"{module}/__init__.py": f"__version__ = {version!r}\n"}).items()
    }
    requirements = "".join(f"Requires-Dist: {line}\n" for line in requires)
    content[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirements}".encode()
    content[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: torchup-tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    )
    if scripts:
        lines = "".join(f"{script} = {target}\n" for script, target in scripts.items())
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}".encode()
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for path, data in content.items():
            archive.writestr(path, data)
    return wheel


def make_fake_torch(
    folder: Path, version: str = "2.13.0", variant: str = "cpu", *, padding: int = 0, requires: Sequence[str] = ()
) -> Path:
    """Write a wheel that calls itself ``torch VERSION+VARIANT``; ``padding`` bytes of ballast make it slow to copy."""
    label = f"{version}+{variant}"
    cuda = f"{variant[2:-1]}.{variant[-1]}" if variant.startswith("cu") else None
    files: dict[str, str | bytes] = {"torch/__init__.py": FAKE_TORCH.format(version=label, cuda=cuda)}
    if padding:
        files["torch/lib/ballast.bin"] = bytes(padding)
    return make_wheel(folder, "torch", label, files=files, requires=requires, scripts={"torchrun": "torch:main"})


def copy_real_pip(folder: Path) -> Path | None:
    """Copy the working pip wheel that Python itself carries (ensurepip); ``None`` where it has none."""
    carried = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    return Path(shutil.copy(carried[-1], folder)) if carried else None


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
