"""What a wheel costs with everything that it requires: metadata followed on an index, nothing downloaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from torchup.errors import TorchupError
from torchup.model import Value
from torchup.package_names import normalise
from torchup.plan.candidates import fits_platform, pythons_of_offer
from torchup.sources.index_client import Connection, PageRequest, fetch, read_page
from torchup.sources.named_places import Place  # noqa: TC001  # msgspec reads the annotation
from torchup.sources.parallel import in_parallel
from torchup.sources.urls import page_of
from torchup.sources.wheel_file import WheelFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.host import Host
    from torchup.model import Offer

MOST = 120  # packages followed; torch with CUDA requires 30
_LEVEL_LIMIT = 20.0  # seconds for one level of requirements
_METADATA_LIMIT = 1 << 20
_REQUIRES = re.compile(r"^Requires-Dist:[ \t]*(\S[^\n]{0,400})$", re.MULTILINE)
_SYSTEMS = {
    "linux": ("Linux", "linux", "posix"),
    "windows": ("Windows", "win32", "nt"),
    "macos": ("Darwin", "darwin", "posix"),
}
_PROCESSORS = {"windows_x86_64": "AMD64", "windows_arm64": "ARM64"}


class Installation(Value, frozen=True, kw_only=True):
    """What is installed into: a platform of the catalogue and a Python such as ``3.12`` or ``3.14t``."""

    platform: str
    python: str


class Index(Value, frozen=True, kw_only=True):
    """Where packages are looked up, and how the network is reached."""

    places: tuple[Place, ...]
    connection: Connection


class Needed(Value, frozen=True, kw_only=True):
    """One package with the extras that are asked of it."""

    requirement: str
    extras: tuple[str, ...]


class Total(Value, frozen=True, kw_only=True):
    """Bytes by package; ``unknown`` names those of which no wheel or no size was found."""

    sizes: dict[str, int]
    unknown: tuple[str, ...]

    @property
    def bytes(self) -> int | None:
        """All together, ``None`` where one is not known."""
        return None if self.unknown else sum(self.sizes.values())


def marker_environment(platform: str, python: str) -> dict[str, str]:
    """The variables of PEP 508 for a platform of the catalogue and a Python such as ``3.12``."""
    system, _, processor = platform.partition("_")
    name, short, os_name = _SYSTEMS[system]
    version = python.removesuffix("t")
    return {
        "platform_system": name,
        "sys_platform": short,
        "os_name": os_name,
        "platform_machine": _PROCESSORS.get(platform, processor),
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
        "implementation_version": f"{version}.0",
    }


def total_size(host: Host, requires: Iterable[str], system: Installation, index: Index) -> Total:
    """Follow requirements level by level; of a package the newest version that its first requirement allows counts."""
    environment = marker_environment(system.platform, system.python)
    sizes: dict[str, int] = {}
    unknown: dict[str, None] = {}
    followed: dict[str, set[str]] = {"torch": set()}  # the wheel itself: triton 2.0 requires it back
    level = _merged(_applying(requires, environment, ()), followed)
    while level and len(followed) < MOST:
        found = in_parallel(lambda one: _look_up(host, one, system, index), level, _LEVEL_LIMIT)
        lines: list[Needed] = []
        for one, answer in zip(level, found, strict=True):
            if answer is None or answer[0].size_bytes is None:
                unknown[_name(one)] = None
                continue
            sizes.setdefault(_name(one), answer[0].size_bytes)
            lines += _applying(answer[1], environment, one.extras)
        level = _merged(lines, followed)
    return Total(sizes=sizes, unknown=tuple(name for name in unknown if name not in sizes))


def _merged(wanted: Iterable[Needed], followed: dict[str, set[str]]) -> list[Needed]:
    """One entry a package that was not followed yet, or not with these extras; the first requirement decides."""
    level: dict[str, Needed] = {}
    for one in wanted:
        name, extras = _name(one), set(one.extras)
        if name in followed and extras <= followed[name] and name not in level:
            continue
        first = level.get(name, one)
        level[name] = Needed(requirement=first.requirement, extras=tuple(sorted({*first.extras, *extras})))
    for name, one in level.items():
        followed.setdefault(name, set()).update(one.extras)
    return list(level.values())


def _name(needed: Needed) -> str:
    return normalise(Requirement(needed.requirement).name)


def _applying(lines: Iterable[str], environment: dict[str, str], extras: Sequence[str]) -> list[Needed]:
    """The requirements that hold here."""
    found = []
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if _holds(requirement.marker, environment, extras):
            requirement.marker = None
            found.append(Needed(requirement=str(requirement), extras=tuple(sorted(requirement.extras))))
    return found


def _holds(marker: Marker | None, environment: dict[str, str], extras: Sequence[str]) -> bool:
    if marker is None:
        return True
    try:
        return any(marker.evaluate({**environment, "extra": extra}) for extra in (*extras, ""))
    except (UndefinedComparison, UndefinedEnvironmentName):
        return False


def _look_up(host: Host, needed: Needed, system: Installation, index: Index) -> tuple[Offer, list[str]] | None:
    requirement = Requirement(needed.requirement)
    for place in index.places:
        url = page_of(place.address, normalise(requirement.name))
        listing = read_page(host, PageRequest(source=place.source.name, url=url), index.connection)
        fitting = [o for o in listing.offers if o.size_bytes and _fits(o, requirement, system)]  # pages may lack sizes
        if fitting:
            offer = max(fitting, key=lambda offer: (Version(offer.version), offer.size_bytes or 0))
            return offer, _requires(host, offer, index.connection)
    return None


def _fits(offer: Offer, requirement: Requirement, system: Installation) -> bool:
    pythons = pythons_of_offer(offer)
    try:
        allowed = requirement.specifier.contains(offer.version)
    except InvalidVersion:
        return False
    return (
        not offer.yanked
        and allowed
        and (pythons is None or system.python in pythons)
        and fits_platform(offer, system.platform)
    )


def _requires(host: Host, offer: Offer, connection: Connection) -> list[str]:
    """The requirements of a wheel: from its metadata file (PEP 658), else read out of the wheel."""
    response = fetch(
        host, offer.url + ".metadata", connection, secret=offer.url, headers={}, timeout=10.0, limit=_METADATA_LIMIT
    )
    if response.ok:
        return requirements_in(response.body.decode("utf-8", errors="replace").replace("\r\n", "\n"))
    try:
        wheel = WheelFile(host, offer.url, connection, _METADATA_LIMIT * 4)
        return requirements_in(wheel.metadata() or "")
    except TorchupError:
        return []


def requirements_in(metadata: str) -> list[str]:
    """The lines of ``Requires-Dist``."""
    return _REQUIRES.findall(metadata.split("\n\n", 1)[0])
