"""Platforms as the markers of PEP 508 see them, and the marker that stands for a set of them."""

from __future__ import annotations

from collections.abc import Iterable  # noqa: TC003  # an annotation of a cached function
from functools import cache

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

# Platform of the catalogue -> sys_platform, platform_machine, platform_system, os_name
PLATFORMS = {
    "linux_x86_64": ("linux", "x86_64", "Linux", "posix"),
    "linux_aarch64": ("linux", "aarch64", "Linux", "posix"),
    "windows_x86_64": ("win32", "AMD64", "Windows", "nt"),
    "windows_arm64": ("win32", "ARM64", "Windows", "nt"),
    "macos_arm64": ("darwin", "arm64", "Darwin", "posix"),
    "macos_x86_64": ("darwin", "x86_64", "Darwin", "posix"),
}
ALL = frozenset(PLATFORMS)
_SYSTEMS = tuple(dict.fromkeys(row[0] for row in PLATFORMS.values()))
_PYTHON = "3.12"  # which Python a marker is asked about that speaks of one


def system_of(platform: str) -> frozenset[str]:
    """Every platform of the same operating system."""
    return frozenset(name for name, row in PLATFORMS.items() if row[0] == PLATFORMS[platform][0])


@cache
def where(marker: str | None, extra: str | None = None) -> frozenset[str]:
    """The platforms on which a marker holds; all of them if that is unknown.

    A marker of extras (``extra == 'cpu'``) is asked for one ``extra``.
    """
    if not marker:
        return ALL
    try:
        parsed = Marker(marker)
        return frozenset(name for name in PLATFORMS if parsed.evaluate({**_environment(name), "extra": extra or ""}))
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return ALL


def _environment(name: str) -> dict[str, str]:
    sys_platform, machine, system, os_name = PLATFORMS[name]
    return {
        "sys_platform": sys_platform,
        "platform_machine": machine,
        "platform_system": system,
        "os_name": os_name,
        "python_version": _PYTHON,
        "python_full_version": f"{_PYTHON}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
        "implementation_version": f"{_PYTHON}.0",
    }


def marker_of(platforms: Iterable[str]) -> str | None:
    """The shortest marker that holds on these platforms and on no other; ``None``: on all of them."""
    wanted = frozenset(platforms)
    if wanted >= ALL:
        return None
    whole = [name for name in _SYSTEMS if _members(name) <= wanted]
    missing = [name for name in _SYSTEMS if name not in whole]
    if len(missing) == 1 and not _members(missing[0]) & wanted:
        return f"sys_platform != '{missing[0]}'"
    parts = [f"sys_platform == '{name}'" for name in whole]
    for name in sorted(wanted, key=list(PLATFORMS).index):
        system, machine = PLATFORMS[name][:2]
        if system not in whole:
            parts.append(f"sys_platform == '{system}' and platform_machine == '{machine}'")
    if len(parts) > 1:
        parts = [f"({part})" if " and " in part else part for part in parts]
    return " or ".join(parts)


def _members(system: str) -> frozenset[str]:
    return frozenset(name for name, row in PLATFORMS.items() if row[0] == system)


def joined(marker: str | None, platforms: Iterable[str]) -> str | None:
    """A marker limited further to some platforms; its own words are kept."""
    limit = marker_of(platforms)
    if not marker or not any(name in marker for name in ("python", "implementation", "extra", "release")):
        return limit  # the marker speaks of platforms alone, and the set says the same
    return marker if limit is None else f"({marker}) and ({limit})"
