"""Where an environment's guard lies, and the variables that make pip and uv obey it.

`torchup.install.guard` writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from torchup.envs.distributions import versions
from torchup.envs.paths import is_windows_path, join
from torchup.model import Change

if TYPE_CHECKING:
    from torchup.host import Host

FILE_NAME = "torchup-guard.txt"
VARIABLES = ("PIP_CONSTRAINT", "UV_CONSTRAINT")


def guard_url(path: str) -> str:
    """The file's address: pip and uv part the variables at spaces, and both read addresses."""
    plain = join(path, FILE_NAME).replace("\\", "/")
    return f"file://{'/' if is_windows_path(path) else ''}{quote(plain, safe='/:')}"


def has_guard(host: Host, path: str) -> bool:
    """Whether an environment keeps its torch."""
    return host.exists(join(path, FILE_NAME))


def guard_variables(host: Host, path: str) -> dict[str, str]:
    """The variables for a program that runs in the environment; none where it has no guard."""
    if not has_guard(host, path):
        return {}
    environ = host.environ()
    return {name: _joined(environ.get(name), guard_url(path)) for name in VARIABLES}


def _joined(before: str | None, url: str) -> str:
    parts = [part for part in (before or "").split() if part != url]
    return " ".join((*parts, url))


def kept(host: Host, path: str) -> dict[str, str]:
    """What the guard keeps: name -> version."""
    lines = (host.read_text(join(path, FILE_NAME), 1 << 16) or "").splitlines()
    pairs = (line.split("==", 1) for line in lines if "==" in line and not line.startswith("#"))
    return {name.strip(): version.strip() for name, version in pairs}


def drift(host: Host, path: str) -> tuple[Change, ...]:
    """What is no longer as it was verified, of what the guard keeps."""
    wanted = kept(host, path)
    there = versions(host, path) if wanted else {}
    return tuple(
        Change(name=name, before=version, after=there.get(name))
        for name, version in wanted.items()
        if there.get(name) != version
    )
