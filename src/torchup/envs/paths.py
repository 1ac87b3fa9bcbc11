"""Where things lie inside an environment. Pure: a path's own spelling tells Windows from the rest."""

from __future__ import annotations

import re

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def is_windows_path(path: str) -> bool:
    """Whether a path is spelt as Windows does: a drive letter or a network share."""
    return _WINDOWS.match(path) is not None


def separator(path: str) -> str:
    r"""``\`` for a Windows path, else ``/``."""
    return "\\" if is_windows_path(path) else "/"


def join(path: str, *parts: str) -> str:
    """Join parts to a path in its own spelling."""
    between = separator(path)
    return between.join((path.rstrip("/\\"), *parts)) or between


def split(path: str) -> tuple[str, str]:
    """Parent folder and last part of a path."""
    between = separator(path)
    normal = path.replace("/", "\\") if between == "\\" else path
    parent, _, last = normal.rstrip(between).rpartition(between)
    return parent or between, last


def scripts_of(path: str) -> str:
    """The folder of an environment's programs: ``bin``, on Windows ``Scripts``."""
    return join(path, "Scripts" if is_windows_path(path) else "bin")


def python_of(path: str) -> str:
    """The Python of an environment made by uv, pip or (not on Windows) conda."""
    return join(scripts_of(path), "python.exe" if is_windows_path(path) else "python")
