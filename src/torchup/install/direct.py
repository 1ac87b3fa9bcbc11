"""Wheels that a plan has by their address, not from an index: torchup fetches them, the installers get files.

uv downloads such a file in one piece, and all of it only to work out its hash. Most publishers of these wheels promise
no hash. Then the first download counts: its hash is recorded with the environment, and whatever comes from the same
address later has to be the same file.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

import msgspec

from torchup.envs import registry
from torchup.errors import InstallError, NetworkError, UsageError
from torchup.fetch import store
from torchup.fetch.answers import GONE, PlaceError, StatusError
from torchup.fetch.offered import size_at
from torchup.install.downloading import ASKING, WEB, Downloading
from torchup.install.lockfile import LockedFile
from torchup.install.space import check_space
from torchup.model import Value, message
from torchup.package_names import normalise
from torchup.patterns import lazy_pattern
from torchup.privacy import shown_address
from torchup.sources.parallel import in_parallel
from torchup.sources.urls import file_name, file_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.host import Host
    from torchup.install.base import Progress
    from torchup.model import Plan

_HASH = lazy_pattern(r"sha256=([0-9a-f]{64})")


class AddressError(NetworkError):
    """A file that is had by its own address did not come: another source of torch does not help."""


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


class FetchedFile(Value, frozen=True, kw_only=True):
    """A wheel that is there now."""

    file: DirectFile
    path: str
    sha256: str  # of its bytes

    @property
    def requirement(self) -> str:
        """For uv and pip: the file where it lies, which they compare with its hash."""
        return f"{self.file.requirement} @ {quote(file_url(self.path), safe=':/')}#sha256={self.sha256}"


class Recorded(Value, frozen=True, kw_only=True):
    """What an environment's record says about the file of an address."""

    sha256: str
    environment: str
    first_use: bool


def direct_files(host: Host, plan: Plan) -> tuple[DirectFile, ...]:
    """The wheels of a plan that have an address of the web, with the hash that the plan or a record tells."""
    digests = {wheel.url: wheel.sha256 for wheel in plan.wheels if wheel.url and wheel.sha256}
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


# ---------------------------------------------------------------- fetching


def fetch_direct(
    host: Host, plan: Plan, path: str, tell: Progress, connections: int, *, unpacked: bool = True
) -> tuple[FetchedFile, ...]:
    """Fetch the file of every address of a plan, and compare it.

    Args:
        host: the machine.
        plan: what is installed.
        path: the environment in the making, or a folder beside which the files go, for the free space.
        tell: receives what happens.
        connections: to one server at a time.
        unpacked: whether the files are unpacked there, not copied.

    Raises:
        AddressError: an address does not answer, or has no file any more.
        InstallError: what it has is another file than was promised or recorded; there is too little space.
    """
    files = direct_files(host, plan)
    if not files:
        return ()
    downloading = Downloading(host, plan, tell, connections)
    paths = {file.url: store.path_of(host, downloading.order(file.locked)) for file in files}
    missing = [file for file in files if host.sha256(paths[file.url]) != store.digest_of(paths[file.url])]
    if missing:
        sized = list(_sized(downloading, missing))
        check_space(host, downloading.reach, sized, path, unpacked=unpacked)
        paths |= _fetched(downloading, sized, missing)
    return tuple(
        FetchedFile(file=file, path=paths[file.url], sha256=store.digest_of(paths[file.url])) for file in files
    )


def without(plan: Plan, files: Sequence[DirectFile]) -> Plan:
    """The plan without what has an address; what its catalogue says that it needs stays."""
    urls = {file.url for file in files}
    direct = [wheel for wheel in plan.wheels if wheel.url in urls]
    named = [
        line for line in plan.packages if " @ " not in line or (file := _read(line)) is None or file.url not in urls
    ]
    return msgspec.structs.replace(
        plan,
        packages=(*named, *(line for wheel in direct for line in wheel.requires)),
        wheels=tuple(wheel for wheel in plan.wheels if wheel not in direct),
    )


def _fetched(downloading: Downloading, sized: Sequence[LockedFile], files: Sequence[DirectFile]) -> dict[str, str]:
    """Address -> path in the store."""
    try:
        found = downloading.fetch(sized)
    except NetworkError as error:
        raise AddressError(error.text, hint=error.hint) from error
    except InstallError as error:
        _say_which(error, files)
    return {file.url or "": found[downloading.order(file).key] for file in sized}


def with_files(plan: Plan, found: Sequence[FetchedFile]) -> Plan:
    """The plan with files in place of their addresses."""
    lines = {one.file.url: one.requirement for one in found}

    def local(line: str) -> str:
        file = _read(line) if " @ " in line else None
        return lines.get(file.url, line) if file is not None else line

    wheels = tuple(msgspec.structs.replace(wheel, requirement=local(wheel.requirement)) for wheel in plan.wheels)
    return msgspec.structs.replace(plan, packages=tuple(map(local, plan.packages)), wheels=wheels)


def _sized(downloading: Downloading, files: Sequence[DirectFile]) -> Iterator[LockedFile]:
    """The files with their sizes; the first that is gone ends it before anything is downloaded."""

    def ask(file: DirectFile) -> int | StatusError | None:
        try:
            return size_at(downloading.host, downloading.reach.place(file.url), ASKING / 3)
        except StatusError as error:
            return error
        except PlaceError:
            return None  # the download itself tells why

    for file, answer in zip(files, in_parallel(ask, files, ASKING), strict=True):
        if isinstance(answer, StatusError) and answer.status in GONE:
            raise _gone(file, answer.status)
        yield msgspec.structs.replace(file.locked, size=answer if isinstance(answer, int) else None)


def _gone(file: DirectFile, status: int) -> AddressError:
    return AddressError(
        message(
            "direct.gone",
            "the file of {package} is no longer at its address (HTTP {status}): {url}",
            package=file.package,
            status=status,
            url=shown_address(file.url),
        ),
        hint=message(
            "direct.gone.hint",
            "run `torchup wheel {package}` to find another file, or leave {package} out",
            package=file.package,
        ),
    )


def _say_which(error: InstallError, files: Sequence[DirectFile]) -> NoReturn:
    """An error of the fetcher, in the words of who promised the hash."""
    name = dict(error.text.values).get("file")
    file = next((file for file in files if file.name == name), None)
    if error.code != "fetch.hash" or file is None:
        raise error
    if file.environment is None:
        raise InstallError(
            message(
                "direct.not-promised",
                "{url} is not the promised file: its SHA-256 is not {digest}",
                url=shown_address(file.url),
                digest=file.sha256,
            ),
            hint=message(
                "direct.not-promised.hint", "do not install it before its publisher says why the file was replaced"
            ),
        ) from error
    raise InstallError(
        message(
            "direct.replaced",
            "{url} is not the file that the environment `{name}` was made with (SHA-256 {digest})",
            url=shown_address(file.url),
            name=file.environment,
            digest=file.sha256,
        ),
        hint=message(
            "direct.replaced.hint",
            "if its publisher says why the file was replaced and you trust it, run `torchup env remove {name}` and "
            "repeat the command",
            name=file.environment,
        ),
    ) from error
