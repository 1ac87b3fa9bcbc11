"""Where an environment's guard lies, and the variables that make pip and uv obey it.

`torchup.install.guard` writes it.
"""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from torchup.envs.distributions import metadata, site_packages, versions
from torchup.envs.paths import is_windows_path, join
from torchup.model import Change, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import Host

FILE_NAME = "torchup-guard.txt"
VARIABLES = ("PIP_CONSTRAINT", "UV_CONSTRAINT")
_NEEDS_TORCH = re.compile(r"^Requires-Dist:[ \t]*torch(?![\w.-])[ \t]*\(?([^;)\n]{0,200})", re.MULTILINE)


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


class Replacement(Value, frozen=True, kw_only=True):
    """A torch that is not the verified one: what did it, and for which packages as far as their metadata says."""

    before: str
    after: str | None
    installer: str | None = None  # pip, uv, conda: the INSTALLER file of the torch that is there
    when: str | None = None  # "2026-11-30 10:05 UTC": when the record of the torch that is there was written
    guarded: bool = True  # whether the guard was there; else the environment's own record says what was verified
    wanted_by: tuple[str, ...] = ()  # packages that refuse the verified torch and accept the one that is there


def replacement(host: Host, path: str) -> Replacement | None:
    """Who exchanged the torch of an environment; ``None`` where it is the verified one, or none was kept."""
    guarded = has_guard(host, path)
    before = kept(host, path).get("torch") if guarded else _verified(host, path)
    after = versions(host, path).get("torch") if before else None
    if before is None or before == after:
        return None
    return Replacement(
        before=before,
        after=after,
        installer=metadata(host, path, "INSTALLER").get("torch", "").strip() or None,
        when=_written(host, path, after),
        wanted_by=wanting(torch_spans(host, path), before=before, after=after),
        guarded=guarded,
    )


def _verified(host: Host, path: str) -> str | None:
    """The torch that an environment of torchup's was verified with; an adopted one belongs to its user."""
    from torchup.envs import records  # noqa: PLC0415  # only where there is no guard

    record = records.read(host, path)
    if record is None or record.environment.adopted or record.environment.verified_at is None:
        return None
    return record.environment.packages.get("torch")


def _written(host: Host, path: str, torch: str | None) -> str | None:
    """When an installer wrote the torch that is there."""
    for folder in site_packages(host, path):
        record = join(folder, f"torch-{torch}.dist-info", "RECORD")
        if torch is not None and host.exists(record):
            age = timedelta(seconds=host.size_and_age(record)[1])
            return (host.now() - age).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return None


def torch_spans(host: Host, path: str) -> dict[str, str]:
    """What each installed package requires of torch, as its metadata writes it."""
    texts = metadata(host, path, "METADATA")
    return {name: match[1] for name, text in texts.items() if (match := _NEEDS_TORCH.search(text))}


def refusing(spans: Mapping[str, str], torch: str) -> tuple[str, ...]:
    """Packages (name -> what they require of torch) that do not go with a torch; what cannot be read goes."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415  # only for what names torch

    found = []
    for name, span in spans.items():
        with contextlib.suppress(InvalidSpecifier):
            if not SpecifierSet(span.strip()).contains(torch, prereleases=True):
                found.append(name)
    return tuple(sorted(found))


def wanting(spans: Mapping[str, str], *, before: str, after: str | None) -> tuple[str, ...]:
    """Packages that refuse one torch and accept another. Pure."""
    refused = set(refusing(spans, after)) if after else set(spans)
    return tuple(name for name in refusing(spans, before) if name not in refused)
