"""Wheels that a plan has by their address, not from an index: torchup fetches them, the installers get files.

uv downloads such a file in one piece, and all of it only to work out its hash. Most publishers of these wheels promise
no hash. Then the first download counts: its hash is recorded with the environment, and whatever comes from the same
address later has to be the same file.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from torchup.envs import registry
from torchup.errors import UsageError
from torchup.install.downloading import WEB
from torchup.install.lockfile import LockedFile
from torchup.model import Value
from torchup.package_names import normalise
from torchup.patterns import lazy_pattern
from torchup.sources.urls import file_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.host import Host
    from torchup.model import Plan

_HASH = lazy_pattern(r"sha256=([0-9a-f]{64})")


class DirectFile(Value, frozen=True, kw_only=True):
    """One wheel that a plan names by its address."""

    package: str
    version: str
    name: str
    url: str  # without its fragment
    requirement: str  # name and extras, before the address
    sha256: str | None = None  # None: unknown
    environment: str | None = None  # whose record tells the hash
    first_use: bool = False  # the hash is of a first download: no one had promised it

    @property
    def locked(self) -> LockedFile:
        """The file as the fetcher takes it."""
        return LockedFile(
            package=self.package, version=self.version, name=self.name, sha256=self.sha256 or "", url=self.url
        )


class Recorded(Value, frozen=True, kw_only=True):
    """What an environment's record says about the file of an address."""

    sha256: str
    environment: str
    first_use: bool


def direct_files(host: Host, plan: Plan) -> tuple[DirectFile, ...]:
    """The wheels of a plan that have an address of the web, with the hash that the plan or a record tells."""
    digests = {_bare(wheel.url): wheel.sha256 for wheel in plan.wheels if wheel.url and wheel.sha256}
    lines = (*plan.packages, *(wheel.requirement for wheel in plan.wheels if wheel.url and not wheel.compiled))
    found = {file.url: file for line in lines if " @ " in line and (file := _read(line)) is not None}
    known = recorded(host) if found else {}
    return tuple(_with_hash(file, digests.get(file.url), known.get(file.url)) for file in found.values())


def _read(line: str) -> DirectFile | None:
    """The wheel that a requirement names by its address; ``None``: it names none, or not for every machine."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  # 15 ms for addresses only
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # noqa: PLC0415  # the same

    try:
        requirement = Requirement(line)
        url, _, fragment = (requirement.url or "").partition("#")
        name, version, *_ = parse_wheel_filename(file_name(url))
    except (InvalidRequirement, InvalidWheelFilename):
        return None
    package = normalise(requirement.name)
    climbs = "/" in file_name(url) or "\\" in file_name(url)
    if requirement.marker is not None or not url.startswith(WEB) or name != package or climbs:
        return None
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    digest = _HASH.search(fragment)
    return DirectFile(
        package=package, version=str(version), name=file_name(url), url=url, requirement=f"{requirement.name}{extras}",
        sha256=digest[1] if digest else None,
    )  # fmt: skip


def by_version(plan: Plan) -> Plan:
    """The plan with the version of each package that it names by an address: for where its file lies in a folder."""

    def named(line: str) -> str:
        file = _read(line) if " @ " in line else None
        return f"{file.requirement}=={file.version}" if file is not None else line

    return msgspec.structs.replace(plan, packages=tuple(map(named, plan.packages)))


def url_of(line: str) -> str:
    """The address of the wheel that a requirement names; empty where it names none."""
    file = _read(line) if " @ " in line else None
    return file.url if file is not None else ""


def _bare(url: str | None) -> str:
    return (url or "").partition("#")[0]


def _with_hash(file: DirectFile, promised: str | None, known: Recorded | None) -> DirectFile:
    """The plan's own word counts before what a record tells."""
    if promised or file.sha256 or known is None:
        return msgspec.structs.replace(file, sha256=promised or file.sha256)
    return msgspec.structs.replace(file, sha256=known.sha256, environment=known.environment, first_use=known.first_use)


def recorded(host: Host) -> dict[str, Recorded]:
    """Address -> what the records of this machine's environments say about its file."""
    found: dict[str, Recorded] = {}
    for name in registry.names(host):
        with contextlib.suppress(UsageError):  # a newer torchup wrote it
            record = registry.read_record(host, name)
            for package, origin in record.environment.origins.items() if record is not None else ():
                url, _, fragment = origin.partition("#")
                if record is not None and (digest := _HASH.fullmatch(fragment)):
                    first = package in record.environment.first_use
                    found.setdefault(url, Recorded(sha256=digest[1], environment=name, first_use=first))
    return found


def unpromised(host: Host, plan: Plan) -> tuple[str, ...]:
    """The packages of a plan whose hash is that of a first download: no one had promised it."""
    files = () if plan.hashes else direct_files(host, plan)  # a bundle promises all of its own
    return tuple(file.package for file in files if file.sha256 is None or file.first_use)


def without(plan: Plan, files: Sequence[DirectFile]) -> Plan:
    """The plan without what has an address; what its catalogue says that it needs stays."""
    urls = {file.url for file in files}
    direct = [wheel for wheel in plan.wheels if _bare(wheel.url) in urls]
    named = [line for line in plan.packages if url_of(line) not in urls]
    return msgspec.structs.replace(
        plan,
        packages=(*named, *(line for wheel in direct for line in wheel.requires)),
        wheels=tuple(wheel for wheel in plan.wheels if wheel not in direct),
    )
