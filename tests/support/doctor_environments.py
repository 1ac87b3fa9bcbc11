"""Environments to break: venvs made in a moment, with a stand-in for torch or with hard links to a real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STAND_IN = """
__version__ = {version!r}
{before}
class version:
    cuda = {cuda!r}
    hip = None
class cuda:
    @staticmethod
    def is_available(): return False
    @staticmethod
    def init(): raise RuntimeError({cuda_error!r})
class _C:
    _has_xpu = False
    @staticmethod
    def _cuda_getArchFlags(): return "sm_80 sm_90"
class backends:
    mps = None
class _Tensor:
    def numpy(self):
        if {numpy_error!r}: raise RuntimeError({numpy_error!r})
def ones(*_, **__): return _Tensor()
"""


def new_environment(folder: Path) -> Path:
    """An empty virtual environment without pip; its site-packages folder is returned."""
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(command, check=True, timeout=60)
    return next(folder.glob("lib/python*/site-packages"), folder / "Lib" / "site-packages")


def python_of(folder: Path) -> str:
    """The environment's interpreter."""
    return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def put_distribution(site: Path, name: str, version: str, code: str = "") -> None:
    """An importable package with its metadata."""
    (site / name).mkdir(parents=True, exist_ok=True)
    (site / name / "__init__.py").write_text(code or f"__version__ = {version!r}\n")
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def stand_in(
    version: str, *, cuda: str | None = None, before: str = "", numpy_error: str = "", cuda_error: str = ""
) -> str:
    """The source of a package that says of itself what a torch says, after doing ``before``."""
    return STAND_IN.format(version=version, cuda=cuda, before=before, numpy_error=numpy_error, cuda_error=cuda_error)


def put_torch(
    site: Path,
    version: str = "2.2.0+cpu",
    *,
    cuda: str | None = None,
    before: str = "",
    numpy_error: str = "",
    cuda_error: str = "",
) -> None:
    """A stand-in that says of itself what a torch says, after doing ``before``."""
    code = stand_in(version, cuda=cuda, before=before, numpy_error=numpy_error, cuda_error=cuda_error)
    put_distribution(site, "torch", version, code)


def link_packages(source: Path, target: Path) -> None:
    """The packages of one site-packages folder in another one, as hard links: gigabytes in a second."""
    for entry in source.iterdir():
        if entry.name in {"__pycache__", "_virtualenv.pth", "_virtualenv.py"}:
            continue
        if entry.is_dir():
            shutil.copytree(entry, target / entry.name, copy_function=_link, dirs_exist_ok=True)
        else:
            _link(str(entry), str(target / entry.name))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
